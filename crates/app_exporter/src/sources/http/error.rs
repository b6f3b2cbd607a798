//! Errors of the HTTP client.

use std::error::Error;

/// True if the connection ended before the response.
pub(super) fn is_broken_off(error: &reqwest::Error) -> bool {
    error.is_request() && !error.is_connect() && !error.is_timeout()
}

/// The innermost cause, without the address. The errors around it name parts of the client, not causes.
pub(super) fn describe(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut cause: &dyn Error = &error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}
