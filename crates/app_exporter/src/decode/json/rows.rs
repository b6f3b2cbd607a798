//! Columns of JSON rows.

use exporter_kit::Number;
use serde_json::Value;
use serde_json_path::{JsonPath, PathElement};

use crate::decode::table::MAX_KNOWN;
use crate::decode::{Cell, Failure, Limits, Table, TableBuilder};

/// The column of a row that is a value instead of an object.
pub(super) const VALUE: &str = "value";
/// The column of a row's own name in its object, unless the row has such a member.
const KEY: &str = "key";
/// The column of a row's index in its array, unless the row has such a member.
const INDEX: &str = "index";

/// The location of a column.
#[derive(Debug)]
pub(super) struct Column {
    /// The number of enclosing objects to go up from the row. Arrays do not count.
    pub(super) up: usize,
    pub(super) place: Place,
}

/// The location of a column in a row or in an enclosing object.
#[derive(Debug)]
pub(super) enum Place {
    Member(Box<str>),
    /// A path, and the column as it is written.
    Path(Box<JsonPath>, Box<str>),
}

/// A value of a document, and its place in its parent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Node<'v> {
    pub(super) value: &'v Value,
    pub(super) own: Option<Own<'v>>,
}

/// The place of a value in its parent.
#[derive(Clone, Copy, Debug)]
pub(super) enum Own<'v> {
    Key(&'v str),
    Index(usize),
}

/// The rows so far.
pub(super) struct Rows<'d> {
    columns: &'d [(Box<str>, Column)],
    builder: TableBuilder,
    limits: Limits,
    /// Marks the columns that a row had.
    present: Vec<bool>,
    /// The members of the first row that is an object, for messages.
    members: Option<Vec<Box<str>>>,
}

impl<'d> Rows<'d> {
    pub(super) fn new(columns: &'d [(Box<str>, Column)], limits: Limits) -> Self {
        let names = columns.iter().map(|(name, _)| name.clone());
        Self {
            columns,
            builder: TableBuilder::new(names, limits),
            limits,
            present: vec![false; columns.len()],
            members: None,
        }
    }

    /// Removes the rows.
    pub(super) fn clear(&mut self) {
        *self = Self::new(self.columns, self.limits);
    }

    pub(super) fn columns(&self) -> &'d [(Box<str>, Column)] {
        self.columns
    }

    /// Adds the columns of a row. `above` are the enclosing objects, the nearest first.
    pub(super) fn push(&mut self, row: Node<'_>, above: &[Node<'_>]) -> Result<(), Failure> {
        let mut cells = Vec::with_capacity(self.columns.len());
        for ((_, column), present) in self.columns.iter().zip(&mut self.present) {
            let node = match column.up.checked_sub(1) {
                None => Some(&row),
                Some(at) => above.get(at),
            };
            let found = node.and_then(|node| column.place.cell(*node));
            *present |= found.is_some();
            cells.push(found.unwrap_or(Cell::Null));
        }
        if let (None, Some(row)) = (&self.members, row.value.as_object()) {
            let names = row.keys().take(MAX_KNOWN);
            self.members = Some(names.map(|name| name.as_str().into()).collect());
        }
        self.builder.push(cells)
    }

    /// Adds a row by its cells, one for each column that the row has.
    pub(super) fn push_cells(&mut self, cells: &mut [Option<Cell>]) -> Result<(), Failure> {
        for (cell, present) in cells.iter().zip(&mut self.present) {
            *present |= cell.is_some();
        }
        let cells = cells.iter_mut().map(Option::take);
        self.builder
            .push(cells.map(|cell| cell.unwrap_or(Cell::Null)))
    }

    /// Returns whether no row has been an object so far.
    pub(super) fn wants_members(&self) -> bool {
        self.members.is_none()
    }

    pub(super) fn set_members(&mut self, members: Vec<Box<str>>) {
        self.members = Some(members);
    }

    pub(super) fn into_table(self) -> Table {
        let mut table = self.builder.build();
        table.set_known_columns(self.members.unwrap_or_default());
        // A column that no row has is no column: it is misspelt, and null everywhere would hide that.
        if table.rows().len() > 0 {
            table.set_absent(self.present.iter().map(|present| !present).collect());
        }
        table
    }
}

impl Column {
    /// The name of a member of the row itself.
    pub(super) fn member(&self) -> Option<&str> {
        match &self.place {
            Place::Member(name) if self.up == 0 => Some(name),
            _ => None,
        }
    }
}

impl Place {
    /// The cell in a row or an enclosing object; `None` if it lacks the column.
    fn cell(&self, node: Node<'_>) -> Option<Cell> {
        match self {
            Self::Member(name) => {
                let found = match node.value {
                    Value::Object(members) => members.get(&**name),
                    Value::Array(items) => place(name).and_then(|at| items.get(at)),
                    value => (**name == *VALUE).then_some(value),
                };
                let own = || node.own.and_then(|own| own.cell(name));
                found.map(cell).or_else(own)
            }
            Self::Path(path, written) => match path.query(node.value).at_most_one() {
                Ok(value) => value.map(cell),
                // That is in the way of this row alone.
                Err(_) => Some(Cell::Unreadable(
                    format!(
                        "the column `{written}` selects several values of one row; select one, or select them in `rows`"
                    )
                    .into(),
                )),
            },
        }
    }
}

impl Own<'_> {
    /// The cell of the column `key` or `index`.
    pub(super) fn cell(self, column: &str) -> Option<Cell> {
        match self {
            Self::Key(key) => (column == KEY).then(|| Cell::text(key)),
            Self::Index(index) => {
                (column == INDEX).then_some(Cell::Number(Number::U64(index as u64)))
            }
        }
    }
}

/// Returns whether a column may be of a row's place instead of its members.
pub(super) fn is_own(column: &str) -> bool {
    [KEY, INDEX].contains(&column)
}

/// Visits the nodes that a path selects, each with its enclosing objects, the nearest first.
///
/// # Errors
/// The first error of `visit`.
pub(super) fn each_located<'v>(
    path: &JsonPath,
    document: &'v Value,
    mut visit: impl FnMut(Node<'v>, &[Node<'v>]) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut above = Vec::new();
    for found in path.query_located(document) {
        above.clear();
        let mut node = Node {
            value: document,
            own: None,
        };
        for step in found.location().iter() {
            if node.value.is_object() {
                above.push(node);
            }
            let (value, own) = match step {
                PathElement::Name(name) => (node.value.get(name), Own::Key(name)),
                PathElement::Index(index) => (node.value.get(*index), Own::Index(*index)),
            };
            let Some(value) = value else { break };
            node = Node {
                value,
                own: Some(own),
            };
        }
        above.reverse();
        visit(node, &above)?;
    }
    Ok(())
}

/// The index of a column in a row that is an array.
pub(super) fn place(name: &str) -> Option<usize> {
    name.parse().ok()
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
        nested => nested_cell(nested),
    }
}

/// An array or object as JSON text, for labels and for messages about numbers.
pub(super) fn nested_cell(value: &Value) -> Cell {
    Cell::text(value.to_string())
}
