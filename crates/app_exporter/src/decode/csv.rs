//! CSV: lines of values with a separator, with or without a header.

use std::borrow::Cow;

use csv::{ReaderBuilder, StringRecord, Trim};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, de};

use crate::decode::decoder::{Decoder, FormatKeys};
use crate::decode::text::utf8;
use crate::decode::{Cell, Failure, Limits, Part, PartInfo, Parts, Table, TableBuilder, Wanted};

const ROWS: &str = "rows";

/// Options of the format.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CsvFormat {
    /// The separator, one ASCII character; default `,`. Write `"\t"` for a tab.
    #[serde(default)]
    delimiter: Delimiter,
    /// Reads column names from the first line. With `false` the columns are named 1, 2, 3 and so on.
    #[serde(default = "yes")]
    header: bool,
}

/// One ASCII character.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Delimiter(u8);

fn yes() -> bool {
    true
}

impl Default for CsvFormat {
    fn default() -> Self {
        Self {
            delimiter: Delimiter::default(),
            header: true,
        }
    }
}

impl Default for Delimiter {
    fn default() -> Self {
        Self(b',')
    }
}

impl FormatKeys for CsvFormat {
    fn parts(&self) -> Parts {
        Parts {
            list: vec![PartInfo::open(ROWS)],
            first_is_default: true,
        }
    }

    fn decoder(&self, wanted: Wanted, limits: Limits) -> Decoder {
        let format = self.clone();
        Decoder::new(move |bytes| decode(&format, bytes, &wanted, limits))
    }
}

fn decode(
    format: &CsvFormat,
    bytes: &[u8],
    wanted: &Wanted,
    limits: Limits,
) -> Result<Vec<Part>, Failure> {
    let table = table(format, utf8(bytes)?, wanted.of(ROWS), limits);
    Ok(vec![Part::rows(ROWS, table)])
}

fn table(
    format: &CsvFormat,
    text: &str,
    wanted: &[Box<str>],
    limits: Limits,
) -> Result<Table, Failure> {
    let mut reader = ReaderBuilder::new()
        .delimiter(format.delimiter.0)
        .has_headers(format.header)
        // A short line has its last cells missing; it costs no other line.
        .flexible(true)
        .trim(Trim::All)
        .from_reader(text.as_bytes());
    let mut header: Vec<Box<str>> = Vec::new();
    if format.header {
        let names = reader.headers().map_err(|error| failure(&error))?;
        header.extend(names.iter().map(Into::into));
    }
    let places: Vec<Option<usize>> = wanted
        .iter()
        .map(|column| match format.header {
            true => header.iter().position(|name| name == column),
            false => column.parse().ok().and_then(|at: usize| at.checked_sub(1)),
        })
        .collect();
    let mut builder = TableBuilder::new(wanted.iter().cloned(), limits);
    let (mut record, mut width) = (StringRecord::new(), header.len());
    while reader
        .read_record(&mut record)
        .map_err(|error| failure(&error))?
    {
        width = width.max(record.len());
        builder.push(
            places
                .iter()
                .map(|at| match at.and_then(|at| record.get(at)) {
                    None | Some("") => Cell::Null,
                    Some(text) => Cell::text(text),
                }),
        )?;
    }
    let mut table = builder.build();
    // Without a header, where there is no line nothing tells which columns there are: all that are asked for.
    let is_open = !format.header && width == 0;
    let is_there = |at: &Option<usize>| match format.header {
        true => at.is_some(),
        false => at.is_some_and(|at| is_open || at < width),
    };
    table.set_absent(places.iter().map(|at| !is_there(at)).collect());
    if !format.header {
        header.extend((1..=width).map(|at| at.to_string().into()));
    }
    table.set_known_columns(header);
    Ok(table)
}

fn failure(error: &csv::Error) -> Failure {
    let line = error.position().map(csv::Position::line);
    let place = line
        .map(|line| format!("line {line}: "))
        .unwrap_or_default();
    Failure::decode(format!("{place}not CSV: {error}"))
}

impl<'de> Deserialize<'de> for Delimiter {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        match text.as_bytes() {
            [byte] if byte.is_ascii() && !b"\r\n\"".contains(byte) => Ok(Self(*byte)),
            _ => Err(de::Error::custom(format!(
                "`{}` is not a separator; write one ASCII character, such as `\";\"` or `\"\\t\"`",
                text.escape_debug()
            ))),
        }
    }
}

impl JsonSchema for Delimiter {
    fn schema_name() -> Cow<'static, str> {
        "Delimiter".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "minLength": 1, "maxLength": 1 })
    }
}
