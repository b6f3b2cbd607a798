//! CSV: lines of values with a separator or in aligned columns, with or without a header.

use std::borrow::Cow;

use csv::{ReaderBuilder, StringRecord, Trim};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, de};

use crate::decode::decoder::{Decoder, FormatKeys};
use crate::decode::encoding::TextEncoding;
use crate::decode::table::MAX_KNOWN;
use crate::decode::text::utf8;
use crate::decode::{Cell, Failure, Limits, Part, PartInfo, Parts, Table, TableBuilder, Wanted};

const ROWS: &str = "rows";

/// Options of the format.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CsvFormat {
    /// The separator: one ASCII character, default `,`; `"\t"` for a tab; `blanks` for one or more blanks or tabs, as in
    /// tables that are aligned for people.
    #[serde(default)]
    delimiter: Separator,
    /// Reads column names from the first line. With `false` the columns are named 1, 2, 3 and so on.
    #[serde(default = "yes")]
    header: bool,
    /// The number of lines before the header or the first row.
    #[serde(default)]
    skip_lines: usize,
    /// The character with which comments begin, such as `#`. Without it, no line is a comment.
    #[serde(default)]
    comment: Option<Character>,
    /// The encoding of the text, such as `windows-1252` or `utf-16le`; default UTF-8.
    #[serde(default)]
    encoding: Option<TextEncoding>,
}

/// The separator of the values of a line.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Separator {
    Character(u8),
    Blanks,
}

/// One ASCII character.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Character(u8);

/// The name of [`Separator::Blanks`].
const BLANKS: &str = "blanks";

fn yes() -> bool {
    true
}

impl Default for CsvFormat {
    fn default() -> Self {
        Self {
            delimiter: Separator::default(),
            header: true,
            skip_lines: 0,
            comment: None,
            encoding: None,
        }
    }
}

impl Default for Separator {
    fn default() -> Self {
        Self::Character(b',')
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
    let text = match &format.encoding {
        Some(encoding) => encoding.decode(bytes),
        None => Cow::Borrowed(utf8(bytes)?),
    };
    let after_line = |text: &str| text.find('\n').map(|end| end + 1);
    let mut rows = &*text;
    for _ in 0..format.skip_lines {
        rows = after_line(rows).map_or("", |begin| &rows[begin..]);
    }
    let table = match format.delimiter {
        Separator::Character(delimiter) => {
            let mut reader = ReaderBuilder::new();
            reader.delimiter(delimiter);
            table(format, &mut reader, rows, wanted.of(ROWS), limits)
        }
        Separator::Blanks => {
            let mut reader = ReaderBuilder::new();
            reader.delimiter(b'\t').quoting(false);
            let rows = with_tabs(rows);
            table(format, &mut reader, &rows, wanted.of(ROWS), limits)
        }
    };
    Ok(vec![Part::rows(ROWS, table)])
}

/// The text with one tab between the words of each line.
fn with_tabs(text: &str) -> String {
    let mut rows = String::with_capacity(text.len());
    for line in text.lines() {
        for (i, word) in line.split_ascii_whitespace().enumerate() {
            if i > 0 {
                rows.push('\t');
            }
            rows.push_str(word);
        }
        rows.push('\n');
    }
    rows
}

fn table(
    format: &CsvFormat,
    reader: &mut ReaderBuilder,
    text: &str,
    wanted: &[Box<str>],
    limits: Limits,
) -> Result<Table, Failure> {
    let mut reader = reader
        .has_headers(format.header)
        .comment(format.comment.map(|Character(byte)| byte))
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
        let width = width.min(MAX_KNOWN);
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

impl<'de> Deserialize<'de> for Character {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        character(&text).map(Self).ok_or_else(|| {
            de::Error::custom(format!(
                "`{}` is not a single character; write one ASCII character, such as `\"#\"`",
                text.escape_debug()
            ))
        })
    }
}

impl<'de> Deserialize<'de> for Separator {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text == BLANKS {
            return Ok(Self::Blanks);
        }
        character(&text).map(Self::Character).ok_or_else(|| {
            de::Error::custom(format!(
                "`{}` is not a single character; write one ASCII character, such as `\";\"` or `\"\\t\"`, or `{BLANKS}`",
                text.escape_debug()
            ))
        })
    }
}

/// The character of a text that has one, unless CSV has another meaning for it.
fn character(text: &str) -> Option<u8> {
    match text.as_bytes() {
        [byte] if byte.is_ascii() && !b"\r\n\"".contains(byte) => Some(*byte),
        _ => None,
    }
}

impl JsonSchema for Character {
    fn schema_name() -> Cow<'static, str> {
        "Character".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "minLength": 1, "maxLength": 1 })
    }
}

impl JsonSchema for Separator {
    fn schema_name() -> Cow<'static, str> {
        "Separator".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": format!("^({BLANKS}|[^\\r\\n\"])$") })
    }
}
