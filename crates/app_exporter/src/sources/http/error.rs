//! Errors of the HTTP client.

use std::error::Error;

/// The connection broke off while an answer was expected.
pub(super) fn is_broken_off(error: &reqwest::Error) -> bool {
    error.is_request() && !error.is_connect() && !error.is_timeout()
}

/// What an error came from in the end, without the address. What is between says which part of the client was told.
pub(super) fn describe(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut cause: &dyn Error = &error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}
