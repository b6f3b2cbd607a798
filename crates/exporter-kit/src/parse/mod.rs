//! Parsers of expositions, into a [`Snapshot`]: OpenMetrics strictly, Prometheus text more leniently.
//!
//! ```
//! use exporter_kit::parse;
//!
//! let snapshot = parse::openmetrics("# TYPE jobs counter\njobs_total{queue=\"mail\"} 3\n# EOF\n")?;
//! assert_eq!(snapshot.value("jobs_total", &[("queue", "mail")]), Some(3.0));
//!
//! let error = parse::openmetrics("# TYPE jobs counter\njobs_total 0x3\n# EOF\n").unwrap_err();
//! assert_eq!((error.line(), error.column()), (2, 12));
//! assert_eq!(
//!     error.to_string(),
//!     "line 2, column 12: `0x3`: a value is a decimal number, `+Inf`, `-Inf` or `NaN`; write one",
//! );
//! # Ok::<(), parse::ParseError>(())
//! ```

mod assembly;
mod error;
mod family;
#[cfg(test)]
mod laws;
mod line;
mod openmetrics;
mod text;

pub use error::{ParseError, ParseErrorKind};

use crate::snapshot::Snapshot;

/// Parses OpenMetrics 1.0 text, and rejects every violation of the standard.
///
/// Checks every MUST: order and uniqueness of families, metadata and series, names and suffixes, units, each type's
/// samples, exemplars, times, and the final `# EOF`. Accepts names in quotes. Families keep their order; a counter's
/// name gets its `_total` and an info's its `_info`.
///
/// Never panics. Time and memory are proportional to the input.
///
/// # Errors
/// At the first line that breaks a rule, with line, column, rule and remedy.
pub fn openmetrics(exposition: impl AsRef<[u8]>) -> Result<Snapshot, ParseError> {
    openmetrics::read(utf8(exposition.as_ref())?)
}

/// Parses Prometheus text 0.0.4 or 1.0.0 (names in quotes).
///
/// Accepts everything that the format and Prometheus accept: blanks, comments, blank lines, any order of lines, a
/// missing `+Inf` bucket. Of a duplicate series, the first one counts; [`Snapshot::duplicates`] names the other.
/// Rejects invalid values: a counter that is negative or NaN, falling bucket counts, a count that differs from the
/// `+Inf` bucket. Also rejects a sample that its family's type does not define.
///
/// Never panics. Time and memory are proportional to the input.
///
/// # Errors
/// At the first line that breaks a rule, with line, column, rule and remedy.
pub fn text(exposition: impl AsRef<[u8]>) -> Result<Snapshot, ParseError> {
    text::read(utf8(exposition.as_ref())?)
}

fn utf8(bytes: &[u8]) -> Result<&str, ParseError> {
    std::str::from_utf8(bytes).map_err(|error| {
        let (valid, bad) = bytes.split_at(error.valid_up_to());
        let valid = std::str::from_utf8(valid).unwrap_or("");
        let begin = valid.rfind('\n').map_or(0, |at| at + 1);
        let number = valid.bytes().filter(|b| *b == b'\n').count() + 1;
        let found = String::from_utf8_lossy(&bad[..error.error_len().unwrap_or(bad.len())]);
        ParseError::new(number, &valid[begin..], &found, ParseErrorKind::NotUtf8)
    })
}
