//! The law of every decoder: whatever the text, its rows keep the limits. Property tests and fuzz targets try it.

use crate::decode::{Content, Format, Limits, Part, Wanted};

/// Formats of every decoder, as a configuration names them.
pub(crate) const FORMATS: [&str; 12] = [
    "{json: {rows: '$..*'}}",
    "json",
    "{json: {lines: true, rows: '$.*'}}",
    "yaml",
    "ini",
    "{xml: {rows: '//*'}}",
    "csv",
    "{csv: {header: false, delimiter: ';'}}",
    "key_value",
    "{regex: '(?<key>\\w*)=(?<value>.*)'}",
    "number",
    "{prometheus: {labels: {a: b}, rename_labels: {c: d}}}",
];

/// Decodes a text, if it is of the format.
///
/// # Panics
/// When there are more rows than the limit, or rows of several widths.
pub(crate) fn decode(
    format: &Format,
    wanted: Wanted,
    limits: Limits,
    text: &[u8],
) -> Option<Vec<Part>> {
    let parts = format.decoder(wanted, limits).decode(text, None).ok()?;
    for part in &parts {
        if let Ok(Content::Rows(table)) = &part.content {
            assert!(table.rows().len() <= limits.rows, "too many rows");
            let width = table.rows().next().map_or(0, <[_]>::len);
            assert!(table.rows().all(|row| row.len() == width), "rows differ");
        }
    }
    Some(parts)
}
