//! Parsers of expositions, into a [`Snapshot`].
//!
//! [`openmetrics`] and [`text`] check the rules of their format, for tests and checks. [`as_scraped`] keeps what
//! Prometheus keeps, to pass it on.
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

pub(crate) mod assembly;
mod dialect;
mod error;
mod family;
#[cfg(test)]
mod laws;
mod line;
mod openmetrics;
mod page;
mod page_family;
mod page_lines;
mod sample_line;
mod scraped;
mod text;
mod type_word;

pub use dialect::Dialect;
pub use error::{ParseError, ParseErrorKind};
pub use scraped::{AsScraped, Scraped, ScrapedLabels};

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
/// Accepts blanks, comments, blank lines, any order of lines, and a missing `+Inf` bucket. Of a duplicate series, the first one counts; [`Snapshot::duplicates`] names the other.
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

/// Reads an exposition as Prometheus 3 does: it keeps each sample by itself, whatever rules its family breaks.
///
/// Metadata may be missing, late, repeated or contradictory, a last line feed missing, and any escape used. Values may
/// be negative, NaN or fractional, buckets missing or falling, bounds and quantiles any text. Samples keep their names
/// and labels. Of those with the same labels, the first one stays, or each with a rising timestamp.
///
/// A line that cannot be kept is left out alone; [`Scraped::faults`] names it. Prometheus itself rejects the whole
/// exposition for most of these. [`AsScraped`] also changes names and labels.
///
/// The families encode unchanged in text. OpenMetrics and protobuf have more rules: a family that breaks one of its type
/// is a family of unknown type there for each name of its samples.
///
/// ```
/// use exporter_kit::{Format, parse};
///
/// let page = "# TYPE wait histogram\nwait_bucket{le=\"1\"} 2.5\nwait_sum 3\nwait_max{a=\"C:\\dir\"} 1";
/// let scraped = parse::as_scraped(page, parse::Dialect::Text)?;
/// assert_eq!(scraped.left_out(), 0);
/// let openmetrics = scraped.snapshot().encode(Format::OpenMetrics);
/// assert!(parse::openmetrics(&openmetrics).is_ok());
/// assert!(String::from_utf8_lossy(&openmetrics).contains("\nwait_bucket{le=\"1.0\"} 2.5\n"));
/// # Ok::<(), parse::ParseError>(())
/// ```
///
/// Never panics. Time and memory are proportional to the input.
///
/// # Errors
/// When OpenMetrics does not end in `# EOF`, because the exposition may be cut off.
pub fn as_scraped(exposition: impl AsRef<[u8]>, dialect: Dialect) -> Result<Scraped, ParseError> {
    AsScraped::new(dialect).read(exposition)
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
