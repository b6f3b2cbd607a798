//! Rows of named columns, which sources yield and metrics read.

use std::collections::BTreeMap;

use exporter_kit::{Number, Snapshot};

use crate::decode::{Failure, check_deadline};

/// The limit of available columns that are kept for messages.
pub(super) const MAX_KNOWN: usize = 1000;

/// The number of rows between two checks of the deadline.
pub(crate) const ROWS_PER_CHECK: usize = 256;

/// A value of a row.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Cell {
    /// An empty value.
    Null,
    Bool(bool),
    /// Integers are exact.
    Number(Number),
    Text(Box<str>),
    /// A value that cannot be read, with the reason. It affects only the metrics that read it, in this row.
    Unreadable(Box<str>),
}

/// Limits of one result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limits {
    pub(crate) bytes: usize,
    pub(crate) rows: usize,
}

/// Rows with the same columns.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Table {
    columns: Vec<Box<str>>,
    /// Invariant: `height` times the number of columns.
    cells: Vec<Cell>,
    height: usize,
    /// The available columns, for messages; empty if they equal `columns`.
    known: Vec<Box<str>>,
    /// Marks columns that no row has, and that are null everywhere. Empty if rows have all columns.
    absent: Vec<bool>,
    /// The first row that has only the columns that occur again; `None` if every row has its own.
    repeats_from: Option<usize>,
    /// The reason why there are no rows, although the source has a text.
    unmatched: Option<Box<str>>,
}

/// Fills a [`Table`] up to a number of rows.
#[derive(Debug)]
pub(crate) struct TableBuilder {
    table: Table,
    most_rows: usize,
}

/// One result set, or the families of another exporter.
#[derive(Debug)]
pub(crate) struct Part {
    pub(crate) name: Box<str>,
    pub(crate) content: Result<Content, Failure>,
}

#[derive(Debug)]
pub(crate) enum Content {
    Rows(Table),
    Families(Box<Snapshot>),
}

/// The result sets of a source, known before a fetch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Parts {
    pub(crate) list: Vec<PartInfo>,
    /// Lets metrics without `from` read the first result set.
    pub(crate) first_is_default: bool,
}

/// The description of a result set, known before a fetch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PartInfo {
    pub(crate) name: Box<str>,
    /// The columns, if they are known before a fetch.
    pub(crate) columns: Option<Vec<Box<str>>>,
}

/// The columns that metrics read, by result set. Decoders drop all others.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Wanted(BTreeMap<Box<str>, Vec<Box<str>>>);

impl Cell {
    pub(crate) fn text(text: impl Into<Box<str>>) -> Self {
        Self::Text(text.into())
    }

    /// The value, unless it cannot be read.
    ///
    /// # Errors
    /// The reason.
    pub(crate) fn readable(&self) -> Result<&Self, Failure> {
        match self {
            Self::Unreadable(reason) => Err(Failure::decode(&**reason)),
            readable => Ok(readable),
        }
    }

    /// The label value of the cell; empty for an empty cell.
    pub(crate) fn to_label(&self) -> std::borrow::Cow<'_, str> {
        match self {
            Self::Null | Self::Unreadable(_) => "".into(),
            Self::Bool(true) => "true".into(),
            Self::Bool(false) => "false".into(),
            Self::Number(Number::U64(number)) => number.to_string().into(),
            Self::Number(Number::I64(number)) => number.to_string().into(),
            Self::Number(Number::F64(number)) => number.to_string().into(),
            Self::Text(text) => (&**text).into(),
        }
    }
}

impl Table {
    /// The index of a column in every row; `None` if no row has it.
    pub(crate) fn column(&self, name: &str) -> Option<usize> {
        let at = self.columns.iter().position(|column| **column == *name)?;
        let absent = self.absent.get(at).copied().unwrap_or(false);
        (!absent).then_some(at)
    }

    /// The available columns, for messages.
    pub(crate) fn known_columns(&self) -> impl Iterator<Item = &str> + Clone {
        let known = if self.known.is_empty() {
            &self.columns
        } else {
            &self.known
        };
        known.iter().map(|column| &**column)
    }

    /// The number of rows.
    pub(crate) fn len(&self) -> usize {
        self.height
    }

    pub(crate) fn rows(&self) -> impl ExactSizeIterator<Item = &[Cell]> + Clone {
        let width = self.columns.len();
        (0..self.height).map(move |row| {
            let begin = row * width;
            self.cells.get(begin..begin + width).unwrap_or_default()
        })
    }

    /// A table of one row.
    pub(crate) fn of_one_row(cells: impl IntoIterator<Item = (&'static str, Cell)>) -> Self {
        let (columns, cells): (Vec<Box<str>>, Vec<Cell>) = cells
            .into_iter()
            .map(|(column, cell)| (column.into(), cell))
            .unzip();
        Self {
            columns,
            cells,
            height: 1,
            ..Self::default()
        }
    }

    /// Adds a column with the same value in every row, unless a row has a column of that name.
    pub(crate) fn add_column(&mut self, name: &str, cell: &Cell) {
        if self.column(name).is_some() {
            return;
        }
        let width = self.columns.len();
        if let Some(at) = self.columns.iter().position(|column| **column == *name) {
            let cells = self.cells.iter_mut().skip(at).step_by(width);
            cells.for_each(|there| *there = cell.clone());
            if let Some(absent) = self.absent.get_mut(at) {
                *absent = false;
            }
            return;
        }
        let mut cells = Vec::with_capacity(self.cells.len() + self.height);
        for row in self.rows() {
            cells.extend_from_slice(row);
            cells.push(cell.clone());
        }
        self.cells = cells;
        self.columns.push(name.into());
    }

    /// Sets the available columns, for messages; at most [`MAX_KNOWN`] are kept.
    pub(crate) fn set_known_columns(&mut self, known: impl IntoIterator<Item = Box<str>>) {
        self.known = known.into_iter().take(MAX_KNOWN).collect();
    }

    /// Marks the rows that have only the columns that occur again. A column that they lack is that of the first row.
    pub(crate) fn set_repeats_from(&mut self, row: usize) {
        self.repeats_from = Some(row);
    }

    /// The first row whose columns are those that occur again, if it differs from the others in that.
    pub(crate) fn repeats_from(&self) -> Option<usize> {
        self.repeats_from
    }

    /// Sets the reason why there are no rows, although the source has a text.
    pub(crate) fn set_unmatched(&mut self, reason: impl Into<Box<str>>) {
        self.unmatched = Some(reason.into());
    }

    /// The reason why there are no rows, although the source has a text.
    pub(crate) fn unmatched(&self) -> Option<&str> {
        self.unmatched.as_deref()
    }

    /// Marks the columns that no row has.
    pub(crate) fn set_absent(&mut self, absent: Vec<bool>) {
        self.absent = absent;
    }
}

impl TableBuilder {
    pub(crate) fn new(
        columns: impl IntoIterator<Item = impl Into<Box<str>>>,
        limits: Limits,
    ) -> Self {
        let table = Table {
            columns: columns.into_iter().map(Into::into).collect(),
            ..Table::default()
        };
        Self {
            table,
            most_rows: limits.rows,
        }
    }

    pub(crate) fn columns(&self) -> &[Box<str>] {
        &self.table.columns
    }

    /// Adds a row. Missing cells are null, and cells beyond the columns are dropped.
    ///
    /// # Errors
    /// When the table is full, or the deadline of the computation has passed.
    pub(crate) fn push(&mut self, cells: impl IntoIterator<Item = Cell>) -> Result<(), Failure> {
        if self.table.height.is_multiple_of(ROWS_PER_CHECK) {
            check_deadline()?;
        }
        if self.table.height == self.most_rows {
            return Err(Failure::limit(format!(
                "more than {} rows; select fewer rows or raise `max_rows`",
                self.most_rows
            )));
        }
        let width = self.table.columns.len();
        self.table.height += 1;
        self.table.cells.extend(cells.into_iter().take(width));
        self.table
            .cells
            .resize(self.table.height * width, Cell::Null);
        Ok(())
    }

    pub(crate) fn build(self) -> Table {
        self.table
    }
}

impl Part {
    /// The number of rows or series.
    pub(crate) fn rows_len(&self) -> usize {
        match &self.content {
            Ok(Content::Rows(table)) => table.height,
            Ok(Content::Families(families)) => {
                let families = families.families().iter();
                families.map(|family| family.series().len()).sum()
            }
            Err(_) => 0,
        }
    }

    /// The rows, unless it failed or contains families.
    pub(crate) fn table(&self) -> Option<&Table> {
        match &self.content {
            Ok(Content::Rows(table)) => Some(table),
            _ => None,
        }
    }

    pub(crate) fn rows(name: &str, table: Result<Table, Failure>) -> Self {
        Self {
            name: name.into(),
            content: table.map(Content::Rows),
        }
    }
}

impl Parts {
    /// One result set with these columns.
    pub(crate) fn one(name: &str, columns: &[&str]) -> Self {
        Self {
            list: vec![PartInfo::new(name, columns)],
            first_is_default: true,
        }
    }

    /// Adds a result set, which metrics read by its name.
    #[must_use]
    pub(crate) fn and(mut self, part: PartInfo) -> Self {
        self.list.push(part);
        self
    }

    /// Result sets that all failed.
    pub(crate) fn failed(&self, failure: &Failure) -> impl Iterator<Item = Part> {
        self.names()
            .map(|name| Part::rows(name, Err(failure.clone())))
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> + Clone {
        self.list.iter().map(|part| &*part.name)
    }
}

impl PartInfo {
    pub(crate) fn new(name: &str, columns: &[&str]) -> Self {
        Self {
            name: name.into(),
            columns: Some(columns.iter().map(|column| (*column).into()).collect()),
        }
    }

    /// A result set whose columns only a fetch reveals.
    pub(crate) fn open(name: &str) -> Self {
        Self {
            name: name.into(),
            columns: None,
        }
    }
}

impl Wanted {
    pub(crate) fn add(&mut self, part: &str, column: &str) {
        let columns = self.0.entry(part.into()).or_default();
        if !columns.iter().any(|known| **known == *column) {
            columns.push(column.into());
        }
    }

    pub(crate) fn of(&self, part: &str) -> &[Box<str>] {
        self.0.get(part).map_or(&[], Vec::as_slice)
    }
}

#[cfg(test)]
mod tests {
    use exporter_kit::source::SourceErrorReason as Reason;

    use super::*;

    #[test]
    fn rows_are_as_wide_as_the_columns_and_no_more_than_the_limit() {
        let limits = Limits { bytes: 0, rows: 2 };
        let mut builder = TableBuilder::new(["a", "b"], limits);
        builder.push([Cell::Bool(true)]).unwrap();
        builder.push(vec![Cell::text("x"); 3]).unwrap();
        let failure = builder.push([]).unwrap_err();
        assert_eq!(failure.reason, Reason::Limit);
        let table = builder.build();
        let rows: Vec<_> = table.rows().collect();
        assert_eq!(rows[0], [Cell::Bool(true), Cell::Null]);
        assert_eq!(rows[1], [Cell::text("x"), Cell::text("x")]);
        assert_eq!(table.column("b"), Some(1));
    }

    #[test]
    fn rows_without_columns_are_counted() {
        let mut builder = TableBuilder::new([""; 0], Limits { bytes: 0, rows: 9 });
        builder.push([]).unwrap();
        builder.push([Cell::Null]).unwrap();
        assert_eq!(builder.build().rows().len(), 2);
    }
}
