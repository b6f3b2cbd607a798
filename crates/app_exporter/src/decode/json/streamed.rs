//! Streamed JSON rows. A path that only steps into members needs no document in memory.

use std::collections::HashSet;

use serde::de::{DeserializeSeed as _, Error, IgnoredAny, MapAccess, SeqAccess};
use serde_json::Value;
use serde_json_path::JsonPath;

use super::rows::{Column, Node, Own, Rows, VALUE, place};
use super::visitor::{Each, Name, Take, ToCell};
use crate::decode::table::MAX_KNOWN;
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

    /// The rows at the end of the route. `None` if they cannot be streamed, for example in invalid JSON, with a column
    /// of an enclosing object, or where a name occurs twice. The caller then parses the whole document.
    pub(super) fn rows(
        &self,
        text: &[u8],
        columns: &[(Box<str>, Column)],
        limits: Limits,
    ) -> Option<Table> {
        if columns.iter().any(|(_, column)| column.up > 0) {
            return None;
        }
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
    fn end_row<E: Error>(&mut self, own: Own<'_>) -> Result<(), E> {
        for ((name, _), cell) in self.rows.columns().iter().zip(&mut self.cells) {
            if cell.is_none() {
                *cell = own.cell(name);
            }
        }
        self.rows.push_cells(&mut self.cells).map_err(E::custom)
    }

    /// Returns whether all columns are members of the row, so that no row is needed as a whole.
    fn has_members_only(&self) -> bool {
        let mut columns = self.rows.columns().iter();
        columns.all(|(_, column)| column.member().is_some())
    }

    fn push<E: Error>(&mut self, row: &Value, own: Own<'_>) -> Result<(), E> {
        let row = Node {
            value: row,
            own: Some(own),
        };
        self.rows.push(row, &[]).map_err(E::custom)
    }
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
            return self.each_member(members);
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
        let mut at = 0;
        if walk.has_members_only() {
            loop {
                let own = Own::Index(at);
                let row = Each(Row { walk, own });
                if items.next_element_seed(row)?.is_none() {
                    break;
                }
                at += 1;
            }
        } else {
            while let Some(row) = items.next_element::<Value>()? {
                walk.push(&row, Own::Index(at))?;
                at += 1;
            }
        }
        Ok(())
    }
}

impl Follow<'_, '_> {
    /// Adds the members of an object as rows.
    fn each_member<'de, A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let Self { walk, .. } = self;
        let has_members_only = walk.has_members_only();
        let mut seen = HashSet::new();
        while let Some(key) = members.next_key::<String>()? {
            if seen.contains(&key) {
                // The last one counts, in the place of the first.
                return Err(A::Error::custom("a name occurs twice"));
            }
            let own = Own::Key(&key);
            if has_members_only {
                members.next_value_seed(Each(Row { walk, own }))?;
            } else {
                walk.push(&members.next_value()?, own)?;
            }
            seen.insert(key);
        }
        Ok(())
    }
}

/// Adds a row whose columns are members.
struct Row<'w, 'd, 'o> {
    walk: &'w mut Walk<'d>,
    own: Own<'o>,
}

impl Take for Row<'_, '_, '_> {
    type Taken = ();

    fn scalar<E: Error>(self, cell: Cell) -> Result<(), E> {
        let Self { walk, own } = self;
        for ((name, _), there) in walk.rows.columns().iter().zip(&mut walk.cells) {
            *there = (**name == *VALUE).then(|| cell.clone());
        }
        walk.end_row(own)
    }

    fn object<'de, A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let Self { walk, own } = self;
        let columns = walk.rows.columns();
        let mut names: Option<Vec<Box<str>>> = walk.rows.wants_members().then(Vec::new);
        let mut known: HashSet<Box<str>> = HashSet::new();
        let mut column_of = |name: &str| {
            if let Some(names) = &mut names
                && names.len() < MAX_KNOWN
                && !known.contains(name)
            {
                known.insert(name.into());
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
        walk.end_row(own)
    }

    fn array<'de, A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let Self { walk, own } = self;
        let mut at = 0;
        while let Some(cell) = items.next_element_seed(Each(ToCell))? {
            for ((name, _), there) in walk.rows.columns().iter().zip(&mut walk.cells) {
                if place(name) == Some(at) {
                    *there = Some(cell.clone());
                }
            }
            at += 1;
        }
        walk.end_row(own)
    }
}

#[cfg(test)]
mod tests {
    use exporter_kit::Number;
    use proptest::prelude::*;

    use super::*;
    use crate::decode::json::{DocumentPart, Path, column, parse};

    const LIMITS: Limits = Limits {
        bytes: usize::MAX,
        rows: 6,
    };

    fn route(path: &str) -> Option<Vec<String>> {
        let route = Route::of(&parse(path).unwrap())?;
        Some(route.0.iter().map(|name| name.to_string()).collect())
    }

    fn part(path: &str) -> DocumentPart {
        let column = |name: &str| (name.into(), column(name).unwrap());
        let names = ["a", "b", "1", "value", "key", "index"];
        let mut columns: Vec<_> = names.map(column).into();
        if path.ends_with(".*") {
            columns.push(column("$.a.b"));
        }
        DocumentPart {
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
    fn items_and_members_need_no_document() {
        let json = br#"{"other": [{}], "a": [{"b": "x", "other": []}, [0, 1], 5]}"#;
        let table = part("$.a[*]").streamed(json, LIMITS).unwrap();
        let rows: Vec<_> = table.rows().map(<[_]>::to_vec).collect();
        let (number, null) = (|n| Cell::Number(Number::U64(n)), || Cell::Null);
        assert_eq!(
            rows[0],
            [null(), Cell::text("x"), null(), null(), null(), number(0)]
        );
        assert_eq!(
            rows[1],
            [null(), null(), number(1), null(), null(), number(1)]
        );
        assert_eq!(
            rows[2],
            [null(), null(), null(), number(5), null(), number(2)]
        );
        assert_eq!(table.known_columns().collect::<Vec<_>>(), ["b", "other"]);
        let table = part("$[*]").streamed(br#"{"x": 7}"#, LIMITS).unwrap();
        assert_eq!(
            table.rows().next().unwrap()[3..5],
            [number(7), Cell::text("x")]
        );
        for refused in [r#"{"x": 1, "x": 2}"#, "[7", "[0, 1, 2, 3, 4, 5, 6]"] {
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
                let mut rows = Rows::new(&part.columns, LIMITS);
                part.add_rows(&document, &mut rows).unwrap();
                prop_assert_eq!(table, rows.into_table(), "{} of {}", path, json);
            }
        }
    }
}
