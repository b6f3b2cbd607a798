//! Durations on the command line.

use std::time::Duration;

/// Parses a duration such as `1m30s`.
///
/// # Errors
/// When the text is not a duration. The message shows how to write one.
pub(crate) fn duration(text: &str) -> Result<Duration, &'static str> {
    humantime::parse_duration(text)
        .map_err(|_| "not a duration; write a number with its unit, such as 200ms, 5s or 1m30s")
}
