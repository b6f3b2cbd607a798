//! Converts a reply to rows of named columns.

use exporter_kit::Number;
use redis::Value;

use crate::decode::{Cell, Failure, Limits, Table, TableBuilder};
use crate::sources::redis::query::Shape;

/// One row of a reply.
enum ReplyRow<'v> {
    /// `value`.
    One(&'v Value),
    /// `index` and `value`, or the columns of the item.
    Item(usize, &'v Value),
    /// `key` and `value`.
    Pair(&'v Value, &'v Value),
    /// A column for each name.
    Named(Vec<(&'v Value, &'v Value)>),
}

/// The rows of a reply, with the wanted columns.
///
/// # Errors
/// When it has too many rows, or has no form that can be rows.
pub(super) fn table(
    reply: &Value,
    shape: Option<Shape>,
    wanted: &[Box<str>],
    limits: Limits,
) -> Result<Table, Failure> {
    let rows = rows(reply, shape)?;
    let mut builder = TableBuilder::new(wanted.iter().cloned(), limits);
    let mut present = vec![rows.is_empty(); wanted.len()];
    for row in &rows {
        let mut cells = Vec::with_capacity(wanted.len());
        for (column, present) in wanted.iter().zip(&mut present) {
            let cell = row.cell(column)?;
            *present |= cell.is_some();
            cells.push(cell.unwrap_or(Cell::Null));
        }
        builder.push(cells)?;
    }
    let mut table = builder.build();
    table.set_known_columns(rows.first().map_or_else(Vec::new, ReplyRow::columns));
    // A column that all rows lack is misspelt; null values would hide that.
    table.set_absent(present.iter().map(|present| !present).collect());
    Ok(table)
}

/// Names and values as one row.
pub(super) fn named(
    fields: &[(String, String)],
    wanted: &[Box<str>],
    limits: Limits,
) -> Result<Table, Failure> {
    let text = |text: &String| Value::SimpleString(text.clone());
    let entries = fields.iter().map(|(key, value)| (text(key), text(value)));
    table(
        &Value::Map(entries.collect()),
        Some(Shape::Row),
        wanted,
        limits,
    )
}

fn rows(reply: &Value, shape: Option<Shape>) -> Result<Vec<ReplyRow<'_>>, Failure> {
    if let Some(shape) = shape {
        let entries = entries(reply)?;
        return Ok(match shape {
            Shape::Pairs => entries
                .into_iter()
                .map(|(key, value)| ReplyRow::Pair(key, value))
                .collect(),
            Shape::Row if entries.is_empty() => Vec::new(),
            Shape::Row => vec![ReplyRow::Named(entries)],
        });
    }
    Ok(match reply {
        Value::Nil => Vec::new(),
        Value::Array(items) | Value::Set(items) => items
            .iter()
            .enumerate()
            .map(|(at, item)| ReplyRow::Item(at, item))
            .collect(),
        Value::Map(entries) => entries
            .iter()
            .map(|(key, value)| ReplyRow::Pair(key, value))
            .collect(),
        Value::Attribute { data, .. } => rows(data, None)?,
        Value::Push { .. } => {
            return Err(Failure::decode(
                "the reply is a push message; use another command",
            ));
        }
        scalar => vec![ReplyRow::One(scalar)],
    })
}

/// Names and values: a map from newer servers, an alternating list from older ones.
pub(super) fn entries(reply: &Value) -> Result<Vec<(&Value, &Value)>, Failure> {
    let none = || Failure::decode("the reply is not a list of names and values; drop `as`");
    match reply {
        Value::Nil => Ok(Vec::new()),
        Value::Map(entries) => Ok(entries.iter().map(|(key, value)| (key, value)).collect()),
        Value::Array(items) if items.iter().all(|item| pair(item).is_some()) => {
            Ok(items.iter().filter_map(pair).collect())
        }
        Value::Array(items) if items.len().is_multiple_of(2) => {
            let pairs = items
                .chunks_exact(2)
                .filter_map(|pair| Some((pair.first()?, pair.get(1)?)));
            Ok(pairs.collect())
        }
        _ => Err(none()),
    }
}

fn pair(item: &Value) -> Option<(&Value, &Value)> {
    match item {
        Value::Array(pair) => match pair.as_slice() {
            [key, value] => Some((key, value)),
            _ => None,
        },
        _ => None,
    }
}

impl ReplyRow<'_> {
    fn cell(&self, column: &str) -> Result<Option<Cell>, Failure> {
        let found = match self {
            Self::One(value) => (column == "value").then_some(*value),
            Self::Pair(key, value) => match column {
                "key" => Some(*key),
                "value" => Some(*value),
                _ => None,
            },
            Self::Named(entries) => {
                let named = entries
                    .iter()
                    .rfind(|(key, _)| text(key).as_deref() == Some(column));
                named.map(|(_, value)| *value)
            }
            Self::Item(at, _) if column == "index" => {
                return Ok(Some(Cell::Number(Number::U64(*at as u64))));
            }
            Self::Item(_, Value::Array(fields)) => match (column, fields.as_slice()) {
                ("key", [key, _]) => Some(key),
                ("value", [_, value]) => Some(value),
                _ => column.parse::<usize>().ok().and_then(|at| fields.get(at)),
            },
            Self::Item(_, Value::Map(entries)) => {
                let named = entries
                    .iter()
                    .rfind(|(key, _)| text(key).as_deref() == Some(column));
                named.map(|(_, value)| value)
            }
            Self::Item(_, item) => (column == "value").then_some(*item),
        };
        found.map_or(Ok(None), cell)
    }

    /// The available columns.
    fn columns(&self) -> Vec<Box<str>> {
        let names = |names: &[&str]| names.iter().map(|name| (*name).into()).collect();
        match self {
            Self::One(_) => names(&["value"]),
            Self::Pair(..) => names(&["key", "value"]),
            Self::Named(entries) => entries
                .iter()
                .filter_map(|(key, _)| Some(text(key)?.into()))
                .collect(),
            Self::Item(_, Value::Array(fields)) => {
                let fields = (0..fields.len()).map(|at| at.to_string().into());
                std::iter::once("index".into()).chain(fields).collect()
            }
            Self::Item(_, Value::Map(entries)) => {
                let fields = entries
                    .iter()
                    .filter_map(|(key, _)| Some(text(key)?.into()));
                std::iter::once("index".into()).chain(fields).collect()
            }
            Self::Item(..) => names(&["index", "value"]),
        }
    }
}

/// A single value; `None` for a list or a map.
fn cell(value: &Value) -> Result<Option<Cell>, Failure> {
    let number = |number| Ok(Some(Cell::Number(number)));
    match value {
        Value::Nil => Ok(Some(Cell::Null)),
        Value::Int(whole) => number(u64::try_from(*whole).map_or(Number::I64(*whole), Number::U64)),
        Value::Double(float) => number(Number::F64(*float)),
        Value::Boolean(boolean) => Ok(Some(Cell::Bool(*boolean))),
        Value::ServerError(error) => Err(Failure::query(format!(
            "the reply contains an error: {} {}",
            error.code(),
            error.details().unwrap_or_default()
        ))),
        Value::Array(_) | Value::Set(_) | Value::Map(_) => Ok(None),
        other => match text(other) {
            Some(text) => Ok(Some(Cell::text(text))),
            None => Err(Failure::decode(
                "the reply is not UTF-8; fetch a string or a number",
            )),
        },
    }
}

/// The text of a value.
pub(super) fn text(value: &Value) -> Option<String> {
    match value {
        Value::BulkString(bytes) => String::from_utf8(bytes.clone()).ok(),
        Value::BigNumber(digits) => String::from_utf8(digits.clone()).ok(),
        Value::SimpleString(text) | Value::VerbatimString { text, .. } => Some(text.clone()),
        Value::Okay => Some("OK".to_owned()),
        Value::Int(number) => Some(number.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits { bytes: 0, rows: 3 };

    fn bulk(text: &str) -> Value {
        Value::BulkString(text.into())
    }

    fn shown(reply: &Value, shape: Option<Shape>, wanted: &[&str]) -> Vec<String> {
        let wanted: Vec<Box<str>> = wanted.iter().map(|it| (*it).into()).collect();
        let table = table(reply, shape, &wanted, LIMITS).expect("rows");
        let line = |row: &[Cell]| {
            row.iter()
                .map(|it| it.to_label().into_owned())
                .collect::<Vec<_>>()
                .join(" ")
        };
        table.rows().map(line).collect()
    }

    #[test]
    fn every_shape_of_reply() {
        assert_eq!(shown(&Value::Nil, None, &["value"]), [""; 0]);
        assert_eq!(shown(&Value::Int(-3), None, &["value"]), ["-3"]);
        assert_eq!(shown(&Value::Okay, None, &["value"]), ["OK"]);
        let list = Value::Array(vec![bulk("a"), Value::Nil]);
        assert_eq!(shown(&list, None, &["index", "value"]), ["0 a", "1 "]);
        let scores = Value::Array(vec![Value::Array(vec![bulk("ada"), Value::Double(1.5)])]);
        assert_eq!(
            shown(&scores, None, &["key", "value", "0", "1"]),
            ["ada 1.5 ada 1.5"]
        );
        assert_eq!(shown(&scores, Some(Shape::Row), &["ada"]), ["1.5"]);
        let turns = Value::Array(vec![bulk("a"), bulk("1"), bulk("b"), bulk("2")]);
        assert_eq!(
            shown(&turns, Some(Shape::Pairs), &["key", "value"]),
            ["a 1", "b 2"]
        );
        assert_eq!(shown(&turns, Some(Shape::Row), &["b", "a"]), ["2 1"]);
        let map = Value::Map(vec![(bulk("a"), Value::Int(1))]);
        assert_eq!(shown(&map, None, &["key", "value"]), ["a 1"]);
        assert_eq!(shown(&Value::Array(vec![map]), None, &["a"]), ["1"]);
    }

    #[test]
    fn what_has_no_rows_says_why() {
        let fails = |reply: &Value, shape| {
            table(reply, shape, &["value".into()], LIMITS)
                .unwrap_err()
                .message
        };
        assert!(fails(&Value::Int(1), Some(Shape::Row)).contains("drop `as`"));
        assert!(
            fails(&Value::Array(vec![Value::Nil; 3]), Some(Shape::Pairs)).contains("drop `as`")
        );
        assert!(fails(&Value::Array(vec![Value::Nil; 4]), None).contains("more than 3 rows"));
        assert!(fails(&Value::BulkString(vec![0xff]), None).contains("not UTF-8"));
        let table = table(&Value::Int(1), None, &["valeu".into()], LIMITS).expect("a row");
        assert_eq!(table.column("valeu"), None);
    }
}
