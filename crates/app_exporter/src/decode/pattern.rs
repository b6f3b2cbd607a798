//! A regular expression. Each match is a row, each named group a column.

use std::borrow::Cow;

use regex::Regex;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, de};

use crate::config::{OneOrNamed, compile};
use crate::decode::decoder::{Decoder, FormatKeys};
use crate::decode::text::{shown, utf8};
use crate::decode::{
    Cell, Failure, Limits, Part, PartInfo, Parts, Table, TableBuilder, Wanted, check_deadline,
};

/// The result set of a single expression without a name.
const ROWS: &str = "rows";

/// A regular expression. `^` and `$` match at line ends, which are `\n` or `\r\n`. A search for one match takes
/// linear time. Where each search reads the whole text, all of them together take quadratic time, which the deadline ends.
#[derive(Clone, Debug)]
pub(crate) struct Pattern(Regex);

impl FormatKeys for OneOrNamed<Pattern> {
    fn parts(&self) -> Parts {
        let list: Vec<_> = self
            .iter(ROWS)
            .map(|(name, pattern)| PartInfo::new(name, &pattern.groups()))
            .collect();
        Parts {
            first_is_default: list.len() == 1,
            list,
        }
    }

    fn decoder(&self, wanted: Wanted, limits: Limits) -> Decoder {
        let patterns = self.clone();
        Decoder::new(move |bytes| {
            let text = utf8(bytes)?;
            let parts = patterns.iter(ROWS);
            let parts = parts.map(|(name, pattern)| {
                Part::rows(name, pattern.table(text, wanted.of(name), limits))
            });
            Ok(parts.collect())
        })
    }
}

impl Pattern {
    fn groups(&self) -> Vec<&str> {
        self.0.capture_names().flatten().collect()
    }

    fn table(&self, text: &str, wanted: &[Box<str>], limits: Limits) -> Result<Table, Failure> {
        let groups = self.groups();
        let kept = wanted.iter().filter(|column| groups.contains(&&***column));
        let mut builder = TableBuilder::new(kept.cloned(), limits);
        for captures in self.0.captures_iter(text) {
            // A search may read the whole text for a short match.
            check_deadline()?;
            let cells: Vec<Cell> = builder
                .columns()
                .iter()
                .map(|group| match captures.name(group) {
                    Some(found) if !found.is_empty() => Cell::text(found.as_str()),
                    _ => Cell::Null,
                })
                .collect();
            builder.push(cells)?;
        }
        let mut table = builder.build();
        if table.len() == 0 && !text.trim().is_empty() {
            table.set_unmatched(format!(
                "the regular expression matches nothing in the text, which begins with `{}`",
                shown(text.trim_start())
            ));
        }
        Ok(table)
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_str() == other.0.as_str()
    }
}

impl<'de> Deserialize<'de> for Pattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        compile(&text, &text).map(Self).map_err(de::Error::custom)
    }
}

impl JsonSchema for Pattern {
    fn schema_name() -> Cow<'static, str> {
        "Regex".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "A regular expression whose named groups are the columns, such as `active: (?<value>[0-9]+)`.",
        })
    }
}
