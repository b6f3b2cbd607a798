//! INI: sections of keys.

use std::collections::HashMap;

use crate::decode::decoder::{Decoder, FormatKeys};
use crate::decode::key_value::{cell, unquoted};
use crate::decode::text::utf8;
use crate::decode::{Cell, Failure, Limits, Part, PartInfo, Parts, Table, TableBuilder, Wanted};

const ROWS: &str = "rows";
/// The column of a section's name.
const SECTION: &str = "section";
/// The limit of keys in messages.
const MOST_KNOWN: usize = 30;

/// Sections of keys.
pub(super) struct IniFormat;

/// The values of a section by key. Of equal keys the last one counts.
type Section<'t> = HashMap<&'t str, &'t str>;

impl FormatKeys for IniFormat {
    fn parts(&self) -> Parts {
        Parts {
            list: vec![PartInfo::open(ROWS)],
            first_is_default: true,
        }
    }

    fn decoder(&self, wanted: Wanted, limits: Limits) -> Decoder {
        Decoder::new(move |bytes| {
            let table = table(utf8(bytes)?, wanted.of(ROWS), limits);
            Ok(vec![Part::rows(ROWS, table)])
        })
    }
}

/// Skips blank lines, comments that begin with `#` or `;`, and lines without separator.
fn table(text: &str, wanted: &[Box<str>], limits: Limits) -> Result<Table, Failure> {
    let mut builder = TableBuilder::new(wanted.iter().cloned(), limits);
    let mut known: Vec<Box<str>> = vec![SECTION.into()];
    let mut present = vec![false; wanted.len()];
    let (mut name, mut keys) = ("", Section::new());
    // A last section ends all.
    for line in text.lines().map(str::trim).chain(["[]"]) {
        if let Some(next) = line.strip_prefix('[').and_then(|it| it.strip_suffix(']')) {
            let is_there = !name.is_empty() || !keys.is_empty();
            if is_there {
                let mut cells = Vec::with_capacity(wanted.len());
                for (column, present) in wanted.iter().zip(&mut present) {
                    let found = match keys.get(&**column) {
                        Some(value) => Some(cell(value)),
                        None => (**column == *SECTION).then(|| Cell::text(name)),
                    };
                    *present |= found.is_some();
                    cells.push(found.unwrap_or(Cell::Null));
                }
                builder.push(cells)?;
            }
            (name, keys) = (next.trim(), Section::new());
            continue;
        }
        if line.starts_with(['#', ';']) {
            continue;
        }
        if let Some((key, value)) = line.split_once(['=', ':']) {
            let key = key.trim();
            if known.len() <= MOST_KNOWN && !known.iter().any(|known| **known == *key) {
                known.push(key.into());
            }
            keys.insert(key, unquoted(value.trim()));
        }
    }
    let mut table = builder.build();
    table.set_known_columns(known);
    if table.len() > 0 {
        table.set_absent(present.iter().map(|present| !present).collect());
    }
    Ok(table)
}
