//! Columns of JSON rows.

use exporter_kit::Number;
use serde_json::Value;
use serde_json_path::JsonPath;

use crate::decode::{Cell, Failure, Limits, Table, TableBuilder};

/// The column of a row that is a value instead of an object.
pub(super) const VALUE: &str = "value";

/// The location of a column in a row.
#[derive(Debug)]
pub(super) enum Column {
    Member(Box<str>),
    Path(Box<JsonPath>),
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

    /// Adds the columns of a row.
    pub(super) fn push(&mut self, row: &Value) -> Result<(), Failure> {
        let mut cells = Vec::with_capacity(self.columns.len());
        for ((_, column), present) in self.columns.iter().zip(&mut self.present) {
            let value = column.of(row)?;
            *present |= value.is_some();
            cells.push(value.map_or(Cell::Null, cell));
        }
        if let (None, Some(row)) = (&self.members, row.as_object()) {
            self.members = Some(row.keys().map(|name| name.as_str().into()).collect());
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
    fn of<'v>(&self, row: &'v Value) -> Result<Option<&'v Value>, Failure> {
        match self {
            Self::Member(name) => Ok(match row {
                Value::Object(members) => members.get(&**name),
                Value::Array(items) => place(name).and_then(|at| items.get(at)),
                value => (**name == *VALUE).then_some(value),
            }),
            Self::Path(path) => path.query(row).at_most_one().map_err(|_| {
                Failure::decode(format!(
                    "the column `{path}` selects several values of one row; select one, or select them in `rows`"
                ))
            }),
        }
    }
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
