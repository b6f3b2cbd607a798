//! Streamed JSON rows. A path that only steps into members needs no document in memory.

use std::fmt;

use exporter_kit::Number;
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{
    Deserialize as _, DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess,
    Visitor,
};
use serde_json::Value;
use serde_json_path::JsonPath;

use super::rows::{Column, Rows, VALUE, nested_cell, place};
use crate::decode::{Cell, Limits, Table};

/// The members that lead to the array of rows: `a` and `b` for `$.a.b[*]`.
#[derive(Debug, PartialEq)]
pub(super) struct Route(Vec<Box<str>>);

impl Route {
    /// The route of a path that only steps into members; `None` for other paths.
    pub(super) fn of(path: &JsonPath) -> Option<Self> {
        let text = path.to_string();
        let inner = text.strip_prefix('$')?;
        let members = inner
            .strip_suffix("[*]")
            .or_else(|| inner.strip_suffix(".*"))?;
        if members.is_empty() {
            return Some(Self(Vec::new()));
        }
        let names = members.strip_prefix('.')?.split('.');
        let is_plain = |name: &str| {
            !name.is_empty()
                && name
                    .chars()
                    .all(|char| char.is_alphanumeric() || char == '_')
        };
        names
            .map(|name| is_plain(name).then(|| name.into()))
            .collect::<Option<_>>()
            .map(Self)
    }

    /// The rows at the end of the route. `None` if they cannot be streamed, for example in invalid JSON or where the
    /// route leads to an object. The caller then parses the whole document.
    pub(super) fn rows(
        &self,
        text: &[u8],
        columns: &[(Box<str>, Column)],
        limits: Limits,
    ) -> Option<Table> {
        let mut walk = Walk {
            rows: Rows::new(columns, limits),
            cells: vec![None; columns.len()],
        };
        let follow = Follow {
            steps: &self.0,
            walk: &mut walk,
        };
        let mut json = serde_json::Deserializer::from_slice(text);
        Each(follow).deserialize(&mut json).ok()?;
        json.end().ok()?;
        Some(walk.rows.into_table())
    }
}

/// The state while a text is read.
struct Walk<'d> {
    rows: Rows<'d>,
    /// The cells of the current row by column; all `None` between rows.
    cells: Vec<Option<Cell>>,
}

impl Walk<'_> {
    /// Adds the current row.
    fn end_row<E: Error>(&mut self) -> Result<(), E> {
        self.rows.push_cells(&mut self.cells).map_err(E::custom)
    }
}

/// A visitor for a JSON value of any type.
trait Take: Sized {
    type Taken;

    fn scalar<E: Error>(self, cell: Cell) -> Result<Self::Taken, E>;

    fn object<'de, A: MapAccess<'de>>(self, members: A) -> Result<Self::Taken, A::Error>;

    fn array<'de, A: SeqAccess<'de>>(self, items: A) -> Result<Self::Taken, A::Error>;
}

/// Follows the route and adds the rows at its end.
struct Follow<'w, 'd> {
    steps: &'w [Box<str>],
    walk: &'w mut Walk<'d>,
}

impl Take for Follow<'_, '_> {
    type Taken = ();

    fn scalar<E: Error>(self, _: Cell) -> Result<(), E> {
        Ok(())
    }

    fn object<'de, A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let Some((step, steps)) = self.steps.split_first() else {
            return Err(A::Error::custom("the rows are an object's members"));
        };
        while let Some(is_step) = members.next_key_seed(Name(|name: &str| *name == **step))? {
            if is_step {
                // Of members of the same name the last one counts.
                self.walk.rows.clear();
                let walk = &mut *self.walk;
                members.next_value_seed(Each(Follow { steps, walk }))?;
            } else {
                members.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }

    fn array<'de, A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let walk = self.walk;
        if !self.steps.is_empty() {
            while items.next_element::<IgnoredAny>()?.is_some() {}
            return Ok(());
        }
        let mut columns = walk.rows.columns().iter();
        if columns.all(|(_, column)| matches!(column, Column::Member(_))) {
            while items.next_element_seed(Each(Row(walk)))?.is_some() {}
        } else {
            while let Some(row) = items.next_element::<Value>()? {
                walk.rows.push(&row).map_err(A::Error::custom)?;
            }
        }
        Ok(())
    }
}

/// Adds a row whose columns are members.
struct Row<'w, 'd>(&'w mut Walk<'d>);

impl Take for Row<'_, '_> {
    type Taken = ();

    fn scalar<E: Error>(self, cell: Cell) -> Result<(), E> {
        let Self(walk) = self;
        for ((name, _), there) in walk.rows.columns().iter().zip(&mut walk.cells) {
            *there = (**name == *VALUE).then(|| cell.clone());
        }
        walk.end_row()
    }

    fn object<'de, A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let Self(walk) = self;
        let columns = walk.rows.columns();
        let mut names: Option<Vec<Box<str>>> = walk.rows.wants_members().then(Vec::new);
        let mut column_of = |name: &str| {
            if let Some(names) = &mut names
                && !names.iter().any(|known| **known == *name)
            {
                names.push(name.into());
            }
            columns.iter().position(|(column, _)| **column == *name)
        };
        while let Some(column) = members.next_key_seed(Name(&mut column_of))? {
            match column.and_then(|column| walk.cells.get_mut(column)) {
                Some(cell) => *cell = Some(members.next_value_seed(Each(ToCell))?),
                None => drop(members.next_value::<IgnoredAny>()?),
            }
        }
        if let Some(names) = names {
            walk.rows.set_members(names);
        }
        walk.end_row()
    }

    fn array<'de, A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let Self(walk) = self;
        let mut at = 0;
        while let Some(cell) = items.next_element_seed(Each(ToCell))? {
            for ((name, _), there) in walk.rows.columns().iter().zip(&mut walk.cells) {
                if place(name) == Some(at) {
                    *there = Some(cell.clone());
                }
            }
            at += 1;
        }
        walk.end_row()
    }
}

/// Makes a cell of a value.
struct ToCell;

impl Take for ToCell {
    type Taken = Cell;

    fn scalar<E: Error>(self, cell: Cell) -> Result<Cell, E> {
        Ok(cell)
    }

    fn object<'de, A: MapAccess<'de>>(self, members: A) -> Result<Cell, A::Error> {
        Value::deserialize(MapAccessDeserializer::new(members)).map(|value| nested_cell(&value))
    }

    fn array<'de, A: SeqAccess<'de>>(self, items: A) -> Result<Cell, A::Error> {
        Value::deserialize(SeqAccessDeserializer::new(items)).map(|value| nested_cell(&value))
    }
}

/// Passes the next value to its visitor.
struct Each<T>(T);

impl<'de, T: Take> DeserializeSeed<'de> for Each<T> {
    type Value = T::Taken;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<T::Taken, D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de, T: Take> Visitor<'de> for Each<T> {
    type Value = T::Taken;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_unit<E: Error>(self) -> Result<T::Taken, E> {
        self.0.scalar(Cell::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<T::Taken, E> {
        self.0.scalar(Cell::Bool(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<T::Taken, E> {
        self.0.scalar(Cell::Number(Number::U64(value)))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<T::Taken, E> {
        self.0.scalar(Cell::Number(Number::I64(value)))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<T::Taken, E> {
        self.0.scalar(Cell::Number(Number::F64(value)))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<T::Taken, E> {
        self.0.scalar(Cell::text(value))
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<T::Taken, A::Error> {
        self.0.object(members)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<T::Taken, A::Error> {
        self.0.array(items)
    }
}

/// Compares the name of a member.
struct Name<F>(F);

impl<'de, T, F: FnMut(&str) -> T> DeserializeSeed<'de> for Name<F> {
    type Value = T;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<T, D::Error> {
        json.deserialize_str(self)
    }
}

impl<T, F: FnMut(&str) -> T> Visitor<'_> for Name<F> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E: Error>(mut self, name: &str) -> Result<T, E> {
        Ok(self.0(name))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::decode::json::{JsonPart, Path, parse};

    const LIMITS: Limits = Limits {
        bytes: usize::MAX,
        rows: 6,
    };

    fn route(path: &str) -> Option<Vec<String>> {
        let route = Route::of(&parse(path).unwrap())?;
        Some(route.0.iter().map(|name| name.to_string()).collect())
    }

    fn part(path: &str) -> JsonPart {
        let column = |name: &str| (name.into(), Column::Member(name.into()));
        let mut columns: Vec<_> = ["a", "b", "1", "value"].map(column).into();
        if path.ends_with(".*") {
            let nested = parse("$.a.b").unwrap();
            columns.push(("$.a.b".into(), Column::Path(nested.into())));
        }
        JsonPart {
            name: "rows".into(),
            rows: Some(Path(parse(path).unwrap())),
            columns,
        }
    }

    /// JSON with few names, so that names repeat on the same level and on others.
    fn any_json() -> impl Strategy<Value = String> {
        let scalar = prop::sample::select(vec![
            "null",
            "true",
            "1",
            "-1",
            "-0",
            "2.5",
            "1e300",
            "18446744073709551615",
            "\"\"",
            "\"x\\n\"",
        ]);
        scalar
            .prop_map(str::to_owned)
            .prop_recursive(5, 60, 6, |inner| {
                let name = prop::sample::select(vec!["a", "b", "\\u0061", "other", "value"]);
                let member =
                    (name, inner.clone()).prop_map(|(name, value)| format!("\"{name}\": {value}"));
                prop_oneof![
                    prop::collection::vec(inner, 0..8)
                        .prop_map(|items| format!("[{}]", items.join(","))),
                    prop::collection::vec(member, 0..4)
                        .prop_map(|members| format!("{{{}}}", members.join(", "))),
                ]
            })
    }

    #[test]
    fn only_members_and_then_all_items_are_a_way() {
        assert_eq!(route("$[*]"), Some(vec![]));
        assert_eq!(route("$.*"), Some(vec![]));
        assert_eq!(
            route("$.a.b_2[*]"),
            Some(vec!["a".to_owned(), "b_2".to_owned()])
        );
        for path in [
            "$",
            "$.a",
            "$..a[*]",
            "$..*",
            "$.*[*]",
            "$['a'][*]",
            "$[0][*]",
            "$.a[?@.b][*]",
        ] {
            assert_eq!(route(path), None, "{path}");
        }
    }

    #[test]
    fn an_array_needs_no_document_and_an_object_does() {
        let json = br#"{"other": [{}], "a": [{"b": "x", "other": []}, [0, 1], 5]}"#;
        let table = part("$.a[*]").streamed(json, LIMITS).unwrap();
        let rows: Vec<_> = table.rows().map(<[_]>::to_vec).collect();
        let number = |n| Cell::Number(Number::U64(n));
        assert_eq!(
            rows[0],
            [Cell::Null, Cell::text("x"), Cell::Null, Cell::Null]
        );
        assert_eq!(rows[1], [Cell::Null, Cell::Null, number(1), Cell::Null]);
        assert_eq!(rows[2], [Cell::Null, Cell::Null, Cell::Null, number(5)]);
        assert_eq!(table.known_columns().collect::<Vec<_>>(), ["b", "other"]);
        for refused in ["{}", "[7", "[0, 1, 2, 3, 4, 5, 6]"] {
            assert_eq!(
                part("$[*]").streamed(refused.as_bytes(), LIMITS),
                None,
                "{refused}"
            );
        }
    }

    proptest! {
        #[test]
        fn rows_without_a_document_are_those_of_the_document(
            json in any_json(),
            path in prop::sample::select(vec!["$[*]", "$.*", "$.a[*]", "$.a.*", "$.a.b[*]"]),
        ) {
            let part = part(path);
            if let Some(table) = part.streamed(json.as_bytes(), LIMITS) {
                let document = serde_json::from_str(&json).unwrap();
                prop_assert_eq!(Ok(table), part.table(&document, LIMITS), "{} of {}", path, json);
            }
        }
    }
}
