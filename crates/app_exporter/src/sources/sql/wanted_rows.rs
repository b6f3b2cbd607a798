//! Builds a table of the wanted columns from the rows of a statement, within the limits.

use crate::decode::{Cell, Failure, Limits, Table, TableBuilder};
use crate::sources::sql::statement::Statement;
use crate::sources::visit::Visit;

/// A table in progress.
#[derive(Debug)]
pub(super) struct WantedRows {
    builder: TableBuilder,
    /// The index of each wanted column in the statement's; `None` if the statement lacks it.
    places: Vec<Option<usize>>,
    known: Vec<Box<str>>,
    bytes_left: usize,
    visit: Visit,
    limits: Limits,
}

impl WantedRows {
    /// Starts a table for a statement with these columns.
    pub(super) fn new(
        statement: &Statement,
        limits: Limits,
        visit: &Visit,
        columns: impl IntoIterator<Item = impl Into<Box<str>>>,
    ) -> Self {
        let known: Vec<Box<str>> = columns.into_iter().map(Into::into).collect();
        let place = |wanted: &str| known.iter().position(|column| **column == *wanted);
        Self {
            builder: TableBuilder::new(statement.wanted.iter().cloned(), limits),
            places: statement
                .wanted
                .iter()
                .map(|wanted| place(wanted))
                .collect(),
            known,
            bytes_left: limits.bytes,
            visit: visit.clone(),
            limits,
        }
    }

    /// Adds a row of this many bytes. `cell` returns the cell of a column by index, or the end of a sentence that begins
    /// with the column, if it cannot be read.
    ///
    /// # Errors
    /// When a limit is reached.
    pub(super) fn push(
        &mut self,
        bytes: usize,
        mut cell: impl FnMut(usize) -> Result<Cell, String>,
    ) -> Result<(), Failure> {
        self.bytes_left = self
            .bytes_left
            .checked_sub(bytes)
            .ok_or_else(|| too_many_bytes(self.limits))?;
        self.visit.receive(bytes)?;
        let known = &self.known;
        let cells = self.places.iter().map(|place| match place {
            None => Cell::Null,
            Some(at) => cell(*at).unwrap_or_else(|message| {
                let name = known.get(*at).map_or("", |name| &**name);
                Cell::Unreadable(format!("the column `{name}` {message}").into())
            }),
        });
        self.builder.push(cells)
    }

    pub(super) fn finish(self) -> Table {
        let mut table = self.builder.build();
        table.set_known_columns(self.known);
        table.set_absent(self.places.iter().map(Option::is_none).collect());
        table
    }
}

pub(super) fn too_many_bytes(limits: Limits) -> Failure {
    Failure::too_large("the rows", limits.bytes)
}

/// Converts bytes to text.
///
/// # Errors
/// When they are not UTF-8. `hex` is the SQL expression that converts bytes to text in that database.
pub(super) fn text(bytes: &[u8], hex: &str) -> Result<Cell, String> {
    std::str::from_utf8(bytes)
        .map(Cell::text)
        .map_err(|_| format!("is not UTF-8; select `{hex}` of it"))
}
