//! Lines such as `key=value`.

use std::collections::HashMap;

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
    let mut parts = vec![Part::rows(ROW, row(&pairs, wanted.of(ROW), limits))];
    if !wanted.of(PAIRS).is_empty() {
        parts.push(Part::rows(PAIRS, rows(&pairs, limits)));
    }
    Ok(parts)
}

/// The first row has the first value of each key. A key that occurs again, as in the sections of an INI file, has its
/// further values in further rows, so that `duplicates` decides on them.
fn row(pairs: &[(&str, &str)], wanted: &[Box<str>], limits: Limits) -> Result<Table, Failure> {
    let mut known: HashMap<&str, Vec<&str>> = HashMap::new();
    for (key, value) in pairs {
        known.entry(key).or_default().push(value);
    }
    let found: Vec<(&Box<str>, &Vec<&str>)> = wanted
        .iter()
        .filter_map(|key| Some((key, known.get(&**key)?)))
        .collect();
    let height = found.iter().map(|(_, values)| values.len()).max();
    let columns = found.iter().map(|(key, _)| (*key).clone());
    let mut builder = TableBuilder::new(columns, limits);
    for row in 0..height.unwrap_or(1) {
        let cells = found.iter().map(|(_, values)| values.get(row));
        builder.push(cells.map(|value| value.map_or(Cell::Null, |value| cell(value))))?;
    }
    let mut table = builder.build();
    table.set_repeats_from(1);
    table.set_known_columns(pairs.iter().map(|(key, _)| (*key).into()));
    Ok(table)
}

fn rows(pairs: &[(&str, &str)], limits: Limits) -> Result<Table, Failure> {
    let mut builder = TableBuilder::new(["key", "value"], limits);
    for (key, value) in pairs {
        builder.push([Cell::text(*key), cell(value)])?;
    }
    Ok(builder.build())
}

pub(super) fn cell(value: &str) -> Cell {
    if value.is_empty() {
        Cell::Null
    } else {
        Cell::text(value)
    }
}

pub(super) fn unquoted(value: &str) -> &str {
    ['"', '\'']
        .iter()
        .find_map(|quote| value.strip_prefix(*quote)?.strip_suffix(*quote))
        .unwrap_or(value)
}
