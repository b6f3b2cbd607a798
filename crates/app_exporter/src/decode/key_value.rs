//! Lines such as `key=value`.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::config::{At, Fault};
use crate::decode::decoder::{Decoder, FormatKeys};
use crate::decode::text::utf8;
use crate::decode::{Cell, Failure, Limits, Part, PartInfo, Parts, Table, TableBuilder, Wanted};

/// The result set of one row with a column for each key.
const ROW: &str = "row";
/// The result set with a row for each key.
const PAIRS: &str = "pairs";

/// Options of the format.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct KeyValueFormat {
    /// The separator between key and value; default `=`. Blanks around both are removed.
    #[serde(default)]
    separator: Option<At<String>>,
}

impl FormatKeys for KeyValueFormat {
    fn parts(&self) -> Parts {
        Parts {
            list: vec![PartInfo::open(ROW)],
            first_is_default: true,
        }
        .and(PartInfo::new(PAIRS, &["key", "value"]))
    }

    fn check(&self, faults: &mut Vec<Fault>) {
        if let Some(separator) = self.separator.as_ref().filter(|it| it.is_empty()) {
            faults.push(Fault::at(
                separator.place(),
                "`separator` is empty; write the text between key and value, such as `:`",
            ));
        }
    }

    fn decoder(&self, wanted: Wanted, limits: Limits) -> Decoder {
        let format = self.clone();
        Decoder::new(move |bytes| decode(&format, bytes, &wanted, limits))
    }
}

/// Skips blank lines, comments that begin with `#`, and lines without separator, because programs print them between
/// the others. A key that goes missing shows as an unknown column.
fn decode(
    format: &KeyValueFormat,
    bytes: &[u8],
    wanted: &Wanted,
    limits: Limits,
) -> Result<Vec<Part>, Failure> {
    let text = utf8(bytes)?;
    let separator = format.separator.as_ref().map_or("=", |it| it.as_str());
    let pairs: Vec<(&str, &str)> = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_once(separator))
        .map(|(key, value)| (key.trim(), unquoted(value.trim())))
        .collect();
    let mut parts = vec![Part::rows(ROW, Ok(row(&pairs, wanted.of(ROW))))];
    if !wanted.of(PAIRS).is_empty() {
        parts.push(Part::rows(PAIRS, rows(&pairs, limits)));
    }
    Ok(parts)
}

fn row(pairs: &[(&str, &str)], wanted: &[Box<str>]) -> Table {
    let found = wanted.iter().filter_map(|key| {
        // As with assignments, the last one counts.
        let pair = pairs.iter().rfind(|(name, _)| *name == &**key)?;
        Some((key.clone(), cell(pair.1)))
    });
    let (columns, cells): (Vec<_>, Vec<_>) = found.unzip();
    let mut builder = TableBuilder::new(columns, Limits { bytes: 0, rows: 1 });
    // One row is what the limit allows.
    let _ = builder.push(cells);
    let mut table = builder.build();
    table.set_known_columns(pairs.iter().map(|(key, _)| (*key).into()).collect());
    table
}

fn rows(pairs: &[(&str, &str)], limits: Limits) -> Result<Table, Failure> {
    let mut builder = TableBuilder::new(["key", "value"], limits);
    for (key, value) in pairs {
        builder.push([Cell::text(*key), cell(value)])?;
    }
    Ok(builder.build())
}

fn cell(value: &str) -> Cell {
    if value.is_empty() {
        Cell::Null
    } else {
        Cell::text(value)
    }
}

fn unquoted(value: &str) -> &str {
    ['"', '\'']
        .iter()
        .find_map(|quote| value.strip_prefix(*quote)?.strip_suffix(*quote))
        .unwrap_or(value)
}
