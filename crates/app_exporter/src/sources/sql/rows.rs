//! Rows of a statement → a table of the wanted columns, within the limits.

use crate::decode::{Cell, Failure, Limits, Table, TableBuilder};
use crate::sources::sql::query::Query;

/// Takes rows as they come.
#[derive(Debug)]
pub(super) struct Rows {
    builder: TableBuilder,
    /// Where each wanted column is among the statement's; none if it is not.
    places: Vec<Option<usize>>,
    known: Vec<Box<str>>,
    bytes_left: usize,
    limits: Limits,
}

impl Rows {
    /// For a statement that has these columns.
    pub(super) fn new(
        query: &Query,
        limits: Limits,
        columns: impl IntoIterator<Item = impl Into<Box<str>>>,
    ) -> Self {
        let known: Vec<Box<str>> = columns.into_iter().map(Into::into).collect();
        let place = |wanted: &str| known.iter().position(|column| **column == *wanted);
        Self {
            builder: TableBuilder::new(query.wanted.iter().cloned(), limits),
            places: query.wanted.iter().map(|wanted| place(wanted)).collect(),
            known,
            bytes_left: limits.bytes,
            limits,
        }
    }

    /// Adds a row of so many bytes, whose cells are asked for by the number of the column.
    ///
    /// # Errors
    /// When a limit is reached, or a cell can't be read.
    pub(super) fn push(
        &mut self,
        bytes: usize,
        mut cell: impl FnMut(usize) -> Result<Cell, String>,
    ) -> Result<(), Failure> {
        self.bytes_left = self
            .bytes_left
            .checked_sub(bytes)
            .ok_or_else(|| too_many_bytes(self.limits))?;
        let known = &self.known;
        let cells = self.places.iter().map(|place| match place {
            None => Ok(Cell::Null),
            Some(at) => cell(*at).map_err(|message| {
                let name = known.get(*at).map_or("", |name| &**name);
                Failure::decode(format!("the column `{name}` {message}"))
            }),
        });
        let cells = cells.collect::<Result<Vec<_>, _>>()?;
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
    Failure::limit(format!(
        "the rows have more than {} bytes; select less, or raise `max_bytes`",
        limits.bytes
    ))
}

/// Bytes as text.
///
/// # Errors
/// When they are none; `hex` is what makes text of bytes in that database.
pub(super) fn text(bytes: &[u8], hex: &str) -> Result<Cell, String> {
    std::str::from_utf8(bytes)
        .map(Cell::text)
        .map_err(|_| format!("has bytes that are no text; select `{hex}` of it"))
}
