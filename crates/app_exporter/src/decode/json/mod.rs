//! JSON: a JSONPath selects the rows, and columns relative to each.

mod depth;
mod rows;
mod streamed;
mod visitor;

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, de};
use serde_json::Value;
use serde_json_path::JsonPath;

use crate::config::{OneOrNamed, cut};
use crate::decode::decoder::{Decoder, FormatKeys, ROWS_ONLY, WHOLE_DOCUMENT};
use crate::decode::text::{BYTE_ORDER_MARK, shown, utf8};
use crate::decode::{
    Failure, Limits, Part, PartInfo, Parts, ROWS_PER_CHECK, Table, Wanted, check_deadline,
};
use depth::{MAX_DEPTH, check_depth};
use rows::{Column, Node, Place, Rows, each_located, is_own};
use streamed::Route;

/// The result set of rows without a name.
const ROWS: &str = "rows";

/// Options of the format.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct JsonFormat {
    /// A JSONPath that selects the rows, such as `$.items[*]` or `$.items[?@.active == true]`. A map of paths makes
    /// several result sets, which metrics select by `from`. Without it, the whole document is one row. At most 8 brackets
    /// and parentheses may be within each other, and 128 arrays and objects in the document.
    #[serde(default)]
    rows: Option<OneOrNamed<Path>>,
    /// Reads each line as a document of its own (JSON lines, NDJSON). Paths in `rows` begin at each document.
    #[serde(default)]
    lines: bool,
}

/// A JSONPath (RFC 9535).
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Path(JsonPath);

/// Reads the rows of documents.
#[derive(Debug)]
pub(super) struct DocumentDecoder {
    parts: Vec<DocumentPart>,
}

#[derive(Debug)]
struct DocumentPart {
    name: Box<str>,
    /// Without it, the whole document is one row.
    rows: Option<Path>,
    columns: Vec<(Box<str>, Column)>,
}

impl FormatKeys for JsonFormat {
    fn parts(&self) -> Parts {
        parts_of(self.rows.as_ref())
    }

    fn check_column(&self, column: &str) -> Result<(), String> {
        self::check_column(column)
    }

    fn decoder(&self, wanted: Wanted, limits: Limits) -> Decoder {
        let decoder = DocumentDecoder::new(self.rows.as_ref(), &wanted);
        let lines = self.lines;
        let expansion = match lines || decoder.is_streamed() {
            true => ROWS_ONLY,
            false => WHOLE_DOCUMENT,
        };
        let decoder = Decoder::new(move |bytes| {
            let bytes = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes);
            match lines {
                true => decoder.decode_lines(bytes, limits),
                false => decoder.decode(bytes, limits),
            }
        });
        decoder.with_expansion(expansion)
    }
}

/// The result sets of documents with these rows.
pub(super) fn parts_of(rows: Option<&OneOrNamed<Path>>) -> Parts {
    let names = rows.and_then(OneOrNamed::names);
    let list: Vec<_> = match names {
        Some(names) => names.map(PartInfo::open).collect(),
        None => vec![PartInfo::open(ROWS)],
    };
    Parts {
        first_is_default: list.len() == 1,
        list,
    }
}

/// Checks the syntax of a column.
///
/// # Errors
/// The mistake in it.
pub(super) fn check_column(text: &str) -> Result<(), String> {
    column(text).map(drop)
}

/// Parses a column: the name of a member, or a path that begins with `$`, after a `^` for each enclosing object.
///
/// # Errors
/// The mistake in it.
fn column(text: &str) -> Result<Column, String> {
    let inner = text.trim_start_matches('^');
    if inner.is_empty() && !text.is_empty() {
        return Err(format!(
            "`{text}` is not a column; write a member of the enclosing object after it, as in `{text}name`"
        ));
    }
    if inner.starts_with('.') {
        return Err(format!(
            "`{text}` is not a column; begin a path with `$`, as in `${inner}`"
        ));
    }
    Ok(Column {
        up: text.len() - inner.len(),
        place: match inner.starts_with('$') {
            true => Place::Path(Box::new(parse(inner)?), text.into()),
            false => Place::Member(inner.into()),
        },
    })
}

impl DocumentDecoder {
    /// Columns were checked before; an invalid path counts as the name of a member.
    pub(super) fn new(rows: Option<&OneOrNamed<Path>>, wanted: &Wanted) -> Self {
        let part = |name: &str, rows: Option<Path>| DocumentPart {
            name: name.into(),
            rows,
            columns: wanted
                .of(name)
                .iter()
                .map(|text| {
                    let member = |_| Column {
                        up: 0,
                        place: Place::Member(text.clone()),
                    };
                    (text.clone(), column(text).unwrap_or_else(member))
                })
                .collect(),
        };
        Self {
            parts: match rows {
                None => vec![part(ROWS, None)],
                Some(rows) => rows
                    .iter(ROWS)
                    .map(|(name, path)| part(name, Some(path.clone())))
                    .collect(),
            },
        }
    }

    /// Returns whether rows are usually read without the document around them.
    fn is_streamed(&self) -> bool {
        match &*self.parts {
            [part] => part.route().is_some(),
            _ => false,
        }
    }

    fn decode(&self, bytes: &[u8], limits: Limits) -> Result<Vec<Part>, Failure> {
        if let [part] = &*self.parts
            && let Some(table) = part.streamed(bytes, limits)
        {
            return Ok(vec![Part::rows(&part.name, Ok(table))]);
        }
        Ok(self.parts(&document(bytes, 0)?, limits))
    }

    /// The result sets of a document.
    pub(super) fn parts(&self, document: &Value, limits: Limits) -> Vec<Part> {
        let parts = self.parts.iter().map(|part| {
            let mut rows = Rows::new(&part.columns, limits);
            let table = part.add_rows(document, &mut rows);
            Part::rows(&part.name, table.map(|()| rows.into_table()))
        });
        parts.collect()
    }

    /// Reads a document from each line. An invalid line fails alone.
    fn decode_lines(&self, bytes: &[u8], limits: Limits) -> Result<Vec<Part>, Failure> {
        /// The limit of invalid lines to report.
        const MOST: usize = 11;
        let mut invalid = Vec::new();
        let mut tables: Vec<Result<Rows<'_>, Failure>> = self
            .parts
            .iter()
            .map(|part| Ok(Rows::new(&part.columns, limits)))
            .collect();
        let mut has_valid = false;
        for (number, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
            if line.trim_ascii().is_empty() {
                continue;
            }
            if number.is_multiple_of(ROWS_PER_CHECK) {
                check_deadline()?;
            }
            match document(line, number) {
                Err(failure) if invalid.len() < MOST => invalid.push(failure),
                Err(_) => (),
                Ok(document) => {
                    has_valid = true;
                    for (part, table) in self.parts.iter().zip(&mut tables) {
                        if let Ok(rows) = table
                            && let Err(failure) = part.add_rows(&document, rows)
                        {
                            *table = Err(failure);
                        }
                    }
                }
            }
        }
        if let (false, Some(first)) = (has_valid, invalid.first()) {
            return Err(first.clone());
        }
        let parts = self.parts.iter().zip(tables);
        let parts = parts.map(|(part, table)| Part::rows(&part.name, table.map(Rows::into_table)));
        let failed = invalid.into_iter().flat_map(|failure| {
            let parts = self.parts.iter();
            parts.map(move |part| Part::rows(&part.name, Err(failure.clone())))
        });
        Ok(parts.chain(failed).collect())
    }
}

/// Parses a document that begins after this many lines.
fn document(bytes: &[u8], lines_before: usize) -> Result<Value, Failure> {
    serde_json::from_slice(bytes).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        let place = format!(" at line {line} column {column}");
        let what = error.to_string();
        let what = what.strip_suffix(&place).unwrap_or(&what);
        let line = line + lines_before;
        let text = match utf8(bytes) {
            Ok(text) => text.trim_start(),
            Err(failure) => return failure,
        };
        let begin = match text.is_empty() {
            true => "the text is empty".to_owned(),
            false => format!("the text begins with `{}`", shown(text)),
        };
        let remedy = match (what, text.starts_with(['{', '['])) {
            ("trailing characters", true) => {
                "; if each line is a document, write `{json: {lines: true}}`"
            }
            _ => "",
        };
        Failure::decode(format!(
            "line {line}, column {column}: not JSON: {what}; {begin}{remedy}"
        ))
    })
}

impl DocumentPart {
    fn route(&self) -> Option<Route> {
        let Path(path) = self.rows.as_ref()?;
        Route::of(path)
    }

    /// The rows of a text, if they can be streamed.
    fn streamed(&self, text: &[u8], limits: Limits) -> Option<Table> {
        self.route()?.rows(text, &self.columns, limits)
    }

    /// Adds the rows of a document.
    fn add_rows(&self, document: &Value, rows: &mut Rows<'_>) -> Result<(), Failure> {
        let alone = |value| Node { value, own: None };
        let Some(Path(path)) = &self.rows else {
            return rows.push(alone(document), &[]);
        };
        let is_alone =
            |(_, column): &(_, Column)| column.up == 0 && !column.member().is_some_and(is_own);
        if self.columns.iter().all(is_alone) {
            for row in path.query(document) {
                rows.push(alone(row), &[])?;
            }
            return Ok(());
        }
        each_located(path, document, |row, above| rows.push(row, above))
    }
}

fn parse(text: &str) -> Result<JsonPath, String> {
    if let Err(at) = check_depth(text) {
        return Err(format!(
            "`{}` is not a supported JSONPath: more than {MAX_DEPTH} brackets and parentheses within each other at \
             character {}; simplify the filter",
            cut(text),
            at + 1
        ));
    }
    JsonPath::parse(text).map_err(|error| {
        format!(
            "`{}` is not a JSONPath: {} at character {}; write it as in `$.items[*]` or `$['a-b']`",
            cut(text),
            error.message(),
            error.position() + 1
        )
    })
}

impl<'de> Deserialize<'de> for Path {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        parse(&text).map(Self).map_err(de::Error::custom)
    }
}

impl JsonSchema for Path {
    fn schema_name() -> Cow<'static, str> {
        "JSONPath".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "A JSONPath (RFC 9535), such as `$.items[*]`.",
            "pattern": "^\\$",
        })
    }
}
