//! JSON: a JSONPath selects the rows, and columns relative to each.

mod rows;
mod streamed;

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, de};
use serde_json::Value;
use serde_json_path::JsonPath;

use crate::config::OneOrNamed;
use crate::decode::decoder::{Decoder, FormatKeys};
use crate::decode::{Failure, Limits, Part, PartInfo, Parts, Table, Wanted};
use rows::{Column, Rows};
use streamed::Route;

/// The result set of rows without a name.
const ROWS: &str = "rows";

/// Options of the format.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct JsonFormat {
    /// A JSONPath that selects the rows, such as `$.items[*]` or `$.items[?@.active == true]`. A map of paths makes
    /// several result sets, which metrics select by `from`. Without it, the whole document is one row.
    #[serde(default)]
    rows: Option<OneOrNamed<Path>>,
}

/// A JSONPath (RFC 9535).
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Path(JsonPath);

/// Reads documents.
#[derive(Debug)]
struct JsonDecoder {
    parts: Vec<JsonPart>,
}

#[derive(Debug)]
struct JsonPart {
    name: Box<str>,
    /// Without it, the whole document is one row.
    rows: Option<Path>,
    columns: Vec<(Box<str>, Column)>,
}

impl FormatKeys for JsonFormat {
    fn parts(&self) -> Parts {
        let names = self.rows.as_ref().and_then(OneOrNamed::names);
        match names {
            Some(names) => {
                let list: Vec<_> = names.map(PartInfo::open).collect();
                Parts {
                    first_is_default: list.len() == 1,
                    list,
                }
            }
            None => Parts {
                list: vec![PartInfo::open(ROWS)],
                first_is_default: true,
            },
        }
    }
    fn check_column(&self, column: &str) -> Result<(), String> {
        column_path(column).map(drop)
    }

    fn decoder(&self, wanted: Wanted, limits: Limits) -> Decoder {
        let decoder = JsonDecoder::new(self.clone(), &wanted);
        Decoder::new(move |bytes| decoder.decode(bytes, limits))
    }
}

/// Parses a column: a path if it begins with `$`, otherwise the name of a member (`None`).
///
/// # Errors
/// When the path is invalid.
fn column_path(column: &str) -> Result<Option<Box<JsonPath>>, String> {
    if column.starts_with('.') {
        return Err(format!(
            "`{column}` is not a column; begin a path with `$`, as in `${column}`"
        ));
    }
    if column.starts_with('$') {
        parse(column).map(|path| Some(Box::new(path)))
    } else {
        Ok(None)
    }
}

impl JsonDecoder {
    /// Columns were checked before; an invalid path counts as the name of a member.
    fn new(format: JsonFormat, wanted: &Wanted) -> Self {
        let part = |name: &str, rows: Option<Path>| JsonPart {
            name: name.into(),
            rows,
            columns: wanted
                .of(name)
                .iter()
                .map(|column| {
                    let at = match column_path(column) {
                        Ok(Some(path)) => Column::Path(path),
                        _ => Column::Member(column.clone()),
                    };
                    (column.clone(), at)
                })
                .collect(),
        };
        let parts = match format.rows {
            None => vec![part(ROWS, None)],
            Some(rows) => rows
                .iter(ROWS)
                .map(|(name, path)| part(name, Some(path.clone())))
                .collect(),
        };
        Self { parts }
    }

    fn decode(&self, bytes: &[u8], limits: Limits) -> Result<Vec<Part>, Failure> {
        if let [part] = &*self.parts
            && let Some(table) = part.streamed(bytes, limits)
        {
            return Ok(vec![Part::rows(&part.name, Ok(table))]);
        }
        let document: Value = serde_json::from_slice(bytes).map_err(|error| {
            let (line, column) = (error.line(), error.column());
            let place = format!(" at line {line} column {column}");
            let what = error.to_string();
            let what = what.strip_suffix(&place).unwrap_or(&what);
            Failure::decode(format!("line {line}, column {column}: not JSON: {what}"))
        })?;
        let parts = self.parts.iter();
        Ok(parts
            .map(|part| Part::rows(&part.name, part.table(&document, limits)))
            .collect())
    }
}

impl JsonPart {
    /// The rows of a text, if they can be streamed.
    fn streamed(&self, text: &[u8], limits: Limits) -> Option<Table> {
        let Path(path) = self.rows.as_ref()?;
        Route::of(path)?.rows(text, &self.columns, limits)
    }

    fn table(&self, document: &Value, limits: Limits) -> Result<Table, Failure> {
        let mut rows = Rows::new(&self.columns, limits);
        match &self.rows {
            None => rows.push(document)?,
            Some(Path(path)) => {
                for row in path.query(document) {
                    rows.push(row)?;
                }
            }
        }
        Ok(rows.into_table())
    }
}

fn parse(text: &str) -> Result<JsonPath, String> {
    JsonPath::parse(text).map_err(|error| {
        format!(
            "`{text}` is not a JSONPath: {} at character {}; write it as in `$.items[*]` or `$['a-b']`",
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
