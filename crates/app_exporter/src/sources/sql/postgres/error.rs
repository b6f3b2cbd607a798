//! Failures, from the driver's errors.

use std::error::Error as StdError;
use std::io;

use exporter_kit::source::SourceErrorReason as Reason;
use tokio_postgres::Error;
use tokio_postgres::error::{DbError, SqlState};

use crate::decode::Failure;
use crate::sources::failures;
use crate::sources::sql::database::StatementError;
use crate::sources::sql::postgres::Postgres;
use crate::sources::sql::server::{CHECK_LOGIN, login_failure};
use crate::sources::sql::statement::said;

impl Postgres {
    pub(super) fn statement_error(&self, error: &Error) -> StatementError {
        if let Some(refusal) = error.as_db_error() {
            let failure = refused(refusal);
            let gone = *refusal.code() == SqlState::INVALID_SQL_STATEMENT_NAME;
            return if gone || failure.reason == Reason::Connect {
                StatementError::Lost(failure)
            } else {
                StatementError::Failed(failure)
            };
        }
        let from_below = error.source().is_some_and(|cause| cause.is::<io::Error>());
        if error.is_closed() || from_below {
            return StatementError::Lost(Failure::connect(format!(
                "`{}`: connection lost: {}",
                self.server.shown,
                explain(error)
            )));
        }
        StatementError::Failed(Failure::query(explain(error)))
    }

    pub(super) fn not_connected(&self, error: &Error) -> Failure {
        let shown = &self.server.shown;
        if let Some(refusal) = error.as_db_error() {
            return login_failure(shown, refused(refusal));
        }
        let message = explain(error);
        if message.contains("password missing") {
            let cause = "the server requires a password";
            return failures::login(shown, cause, "add `password` or `password_file`");
        }
        if message.contains("authentication") {
            return failures::login(shown, message, CHECK_LOGIN);
        }
        if message.contains("does not support TLS") {
            let remedy = "on a trusted network, write `tls: false`";
            return failures::connect(shown, format_args!("{message}; {remedy}"));
        }
        failures::connect(shown, message)
    }
}

/// The failure for a server's error, with the reason of its code.
fn refused(refusal: &DbError) -> Failure {
    let code = refusal.code().code();
    let reason = match code {
        "57014" => Reason::Timeout,
        // Too many connections; shutting down, crashed, starting.
        "53300" | "57P01" | "57P02" | "57P03" => Reason::Connect,
        _ if code.starts_with("28") => Reason::Login,
        _ if code.starts_with("08") => Reason::Connect,
        _ => Reason::Query,
    };
    let message = said(refusal.message());
    Failure::new(reason, format!("the server reports `{message}` ({code})"))
}

/// An error with all its causes.
fn explain(error: &dyn StdError) -> String {
    let mut message = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_message = cause.to_string();
        // Some messages contain their cause already.
        if !message.contains(&cause_message) {
            message.push_str(": ");
            message.push_str(&cause_message);
        }
        source = cause.source();
    }
    message
}
