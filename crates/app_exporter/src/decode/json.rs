//! JSON: a JSONPath selects the rows, and columns relative to each.

use std::borrow::Cow;

use exporter_kit::Number;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, de};
use serde_json::Value;
use serde_json_path::JsonPath;

use crate::config::OneOrNamed;
use crate::decode::{Cell, Failure, Limits, Part, PartInfo, Parts, Table, TableBuilder, Wanted};

/// The part that a document is where its rows have no names.
const ROWS: &str = "rows";
/// The column of a row that is no object but a value itself.
const VALUE: &str = "value";

/// Where the rows are.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct JsonFormat {
    /// What it selects are the rows, as `$.items[*]` or `$.items[?@.active == true]`; several by name are told
    /// apart by the metrics' `from`. The whole document is one row unless this says otherwise.
    #[serde(default)]
    rows: Option<OneOrNamed<Path>>,
}

/// A JSONPath as RFC 9535 has it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Path(JsonPath);

/// Reads documents.
#[derive(Debug)]
pub(super) struct JsonDecoder {
    parts: Vec<JsonPart>,
}

#[derive(Debug)]
struct JsonPart {
    name: Box<str>,
    /// The whole document if there is none.
    rows: Option<Path>,
    columns: Vec<(Box<str>, Column)>,
}

/// Where a column of a row is.
#[derive(Debug)]
enum Column {
    Member(Box<str>),
    Path(Box<JsonPath>),
}

impl JsonFormat {
    pub(super) fn parts(&self) -> Parts {
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
}

/// A column: a path if it begins with `$`, else the name of a member.
///
/// # Errors
/// When it is no path: what is wrong, and where in it.
pub(super) fn column_path(column: &str) -> Result<Option<Box<JsonPath>>, String> {
    if column.starts_with('$') {
        parse(column).map(|path| Some(Box::new(path)))
    } else {
        Ok(None)
    }
}

impl JsonDecoder {
    /// Columns were checked; what is no path after all is taken for the name of a member.
    pub(super) fn new(format: JsonFormat, wanted: &Wanted) -> Self {
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

    pub(super) fn decode(&self, bytes: &[u8], limits: Limits) -> Result<Vec<Part>, Failure> {
        let document: Value = serde_json::from_slice(bytes).map_err(|error| {
            let place = format!(" at line {} column {}", error.line(), error.column());
            let what = error.to_string();
            let what = what.strip_suffix(&place).unwrap_or(&what);
            let (line, column) = (error.line(), error.column());
            Failure::decode(format!("line {line}, column {column}: not JSON: {what}"))
        })?;
        let parts = self.parts.iter();
        Ok(parts
            .map(|part| Part::rows(&part.name, part.table(&document, limits)))
            .collect())
    }
}

impl JsonPart {
    fn table(&self, document: &Value, limits: Limits) -> Result<Table, Failure> {
        let rows = match &self.rows {
            None => vec![document],
            Some(Path(path)) => path.query(document).all(),
        };
        let mut present = vec![rows.is_empty(); self.columns.len()];
        let names = self.columns.iter().map(|(name, _)| name.clone());
        let mut builder = TableBuilder::new(names, limits);
        for row in &rows {
            let mut cells = Vec::with_capacity(self.columns.len());
            for ((_, column), present) in self.columns.iter().zip(&mut present) {
                let value = column.of(row)?;
                *present |= value.is_some();
                cells.push(value.map_or(Cell::Null, cell));
            }
            builder.push(cells)?;
        }
        let mut table = builder.build();
        table.set_known_columns(members(&rows));
        // A column that no row has is no column: it is misspelt, and null everywhere would hide that.
        table.set_absent(present.iter().map(|present| !present).collect());
        Ok(table)
    }
}

impl Column {
    fn of<'v>(&self, row: &'v Value) -> Result<Option<&'v Value>, Failure> {
        match self {
            Self::Member(name) => Ok(match row {
                Value::Object(members) => members.get(&**name),
                Value::Array(items) => name.parse::<usize>().ok().and_then(|at| items.get(at)),
                value => (**name == *VALUE).then_some(value),
            }),
            Self::Path(path) => path.query(row).at_most_one().map_err(|_| {
                Failure::decode(format!(
                    "the column `{path}` selects several values of one row; select one, or select \
                     them by `rows`"
                ))
            }),
        }
    }
}

fn cell(value: &Value) -> Cell {
    match value {
        Value::Null => Cell::Null,
        Value::Bool(bool) => Cell::Bool(*bool),
        Value::Number(number) => {
            let whole = number.as_u64().map(Number::U64);
            let whole = whole.or_else(|| number.as_i64().map(Number::I64));
            let any = whole.or_else(|| number.as_f64().map(Number::F64));
            any.map_or(Cell::Null, Cell::Number)
        }
        Value::String(text) => Cell::text(text.as_str()),
        // As it stands, so that a label can have it and a value is refused by its name.
        nested => Cell::text(nested.to_string()),
    }
}

/// The members of the first row that is an object: what there is to choose from.
fn members(rows: &[&Value]) -> Vec<Box<str>> {
    let first = rows.iter().find_map(|row| row.as_object());
    let names = first.into_iter().flat_map(serde_json::Map::keys);
    names.map(|name| name.as_str().into()).collect()
}

fn parse(text: &str) -> Result<JsonPath, String> {
    JsonPath::parse(text).map_err(|error| {
        format!(
            "`{text}` is no JSONPath: {} at its character {}; as in `$.items[*]` or \
             `$['a-b']`",
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
            "description": "A JSONPath as RFC 9535 has it, as `$.items[*]`.",
            "pattern": "^\\$",
        })
    }
}
