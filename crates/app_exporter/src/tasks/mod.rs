//! What the program does beside exporting: checking and showing configurations, and itself.

mod ask;
mod check_config;
mod completions;
mod list_sources;
mod man;
mod once;
mod reference;
mod schema;

pub(crate) use check_config::CheckConfig;
pub(crate) use completions::Completions;
pub(crate) use list_sources::ListSources;
pub(crate) use man::PrintManual;
pub(crate) use once::Once;
pub(crate) use reference::PrintReference;
pub(crate) use schema::PrintSchema;

use std::io::{self, Write as _};
use std::process::ExitCode;

/// Prints to standard output. A reader that has gone away has what it wanted, so failing to print is no failure.
fn print(text: &str) {
    let _ = io::stdout().lock().write_all(text.as_bytes());
}

/// Ends as an error demands: with `code`, unless a signal was the reason.
fn fail_with(error: &anyhow::Error, code: u8) -> ExitCode {
    let stopped = error.downcast_ref::<ask::Stopped>();
    fail(
        &format!("{error:#}"),
        stopped.map_or(code, ask::Stopped::code),
    )
}

/// Prints to standard error, and ends with `code`.
fn fail(message: &str, code: u8) -> ExitCode {
    let _ = writeln!(io::stderr().lock(), "{message}");
    ExitCode::from(code)
}
