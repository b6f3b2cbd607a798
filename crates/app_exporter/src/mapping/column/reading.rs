//! One column of a metric: where it is in a table, and its value in a row.

use std::borrow::Cow;

use crate::config::{At, ColumnConfig, DerivedConfig, instead};
use crate::decode::{Cell, Failure, Table};
use crate::mapping::column::derivation::Derivation;
use crate::mapping::column::notation::not_a_number;
use crate::mapping::number::{self, Scale};

/// A column of the rows, or a value derived from columns.
#[derive(Clone, Debug)]
pub(crate) struct Column {
    origin: Origin,
    /// Accepts tables without the column.
    optional: bool,
    derivation: Option<Box<Derivation>>,
}

#[derive(Clone, Debug)]
enum Origin {
    Named(Box<str>),
    Ratio(Box<[Column; 2]>),
    Difference(Box<[Column; 2]>),
}

/// The place of a column in the rows of one table.
#[derive(Debug)]
pub(crate) enum ColumnPlace {
    /// The table lacks the column.
    Nowhere,
    At(usize),
    Two(Box<[Self; 2]>),
}

impl Column {
    /// Expects a checked configuration.
    pub(crate) fn new(config: &ColumnConfig) -> Self {
        let derived = match config {
            ColumnConfig::Named(name) => return Self::named(name),
            ColumnConfig::Derived(derived) => derived,
        };
        let DerivedConfig {
            column,
            ratio,
            difference,
            optional,
            ..
        } = &**derived;
        let two = |[a, b]: &[At<ColumnConfig>; 2]| Box::new([Self::new(a), Self::new(b)]);
        let origin = match (ratio, difference) {
            (Some(ratio), _) => Origin::Ratio(two(ratio)),
            (_, Some(difference)) => Origin::Difference(two(difference)),
            (None, None) => {
                let name = column.as_ref().map_or("", |column| column.as_str());
                Origin::Named(name.into())
            }
        };
        Self {
            origin,
            optional: *optional,
            derivation: Derivation::new(derived).map(Box::new),
        }
    }

    pub(crate) fn named(name: &str) -> Self {
        Self {
            origin: Origin::Named(name.into()),
            optional: false,
            derivation: None,
        }
    }

    /// Calls `want` with the columns of the rows that it reads.
    pub(crate) fn each_name(&self, want: &mut dyn FnMut(&str)) {
        match &self.origin {
            Origin::Named(name) => want(name),
            Origin::Ratio(two) | Origin::Difference(two) => {
                two.iter().for_each(|column| column.each_name(want));
            }
        }
    }

    /// # Errors
    /// When the table lacks a column that is not optional.
    pub(crate) fn place(&self, table: &Table) -> Result<ColumnPlace, Failure> {
        match &self.origin {
            Origin::Named(name) => match table.column(name) {
                Some(at) => Ok(ColumnPlace::At(at)),
                None if self.optional => Ok(ColumnPlace::Nowhere),
                None => Err(unknown(name, table)),
            },
            Origin::Ratio(two) | Origin::Difference(two) => {
                let [a, b] = &**two;
                match (a.place(table), b.place(table)) {
                    (Ok(a), Ok(b)) => Ok(ColumnPlace::Two(Box::new([a, b]))),
                    (Err(_), _) | (_, Err(_)) if self.optional => Ok(ColumnPlace::Nowhere),
                    (Err(failure), _) | (_, Err(failure)) => Err(failure),
                }
            }
        }
    }

    /// The value in a row.
    ///
    /// # Errors
    /// When it cannot be read or derived.
    pub(crate) fn cell<'r>(
        &self,
        place: &ColumnPlace,
        row: &'r [Cell],
    ) -> Result<Cow<'r, Cell>, Failure> {
        let cell = match (place, &self.origin) {
            (ColumnPlace::At(at), _) => match row.get(*at) {
                Some(cell) => Cow::Borrowed(cell.readable()?),
                None => Cow::Borrowed(&Cell::Null),
            },
            (ColumnPlace::Two(places), Origin::Ratio(two) | Origin::Difference(two)) => {
                Cow::Owned(self.combined(places, two, row)?)
            }
            _ => Cow::Borrowed(&Cell::Null),
        };
        match &self.derivation {
            Some(derivation) if *cell != Cell::Null => {
                let derived = derivation
                    .apply(&cell)
                    .map_err(|failure| self.about(failure));
                derived.map(Cow::Owned)
            }
            _ => Ok(cell),
        }
    }

    fn combined(
        &self,
        [a_place, b_place]: &[ColumnPlace; 2],
        [a, b]: &[Self; 2],
        row: &[Cell],
    ) -> Result<Cell, Failure> {
        let number = |column: &Self, place| {
            let cell = column.cell(place, row)?;
            number::of_cell(&cell).map_err(|text| column.about(not_a_number(text, false)))
        };
        let (Some(a), Some(b)) = (number(a, a_place)?, number(b, b_place)?) else {
            return Ok(Cell::Null);
        };
        Ok(match self.origin {
            Origin::Difference(_) => Cell::Number(number::sum(a, Scale::new(-1.0).apply(b))),
            _ if b.as_f64() == 0.0 => Cell::Null,
            _ => Cell::Number(number::of_float(a.as_f64() / b.as_f64())),
        })
    }

    fn about(&self, failure: Failure) -> Failure {
        let mut names = Vec::new();
        self.each_name(&mut |name| names.push(format!("`{name}`")));
        failure.about(format!("the column {}", names.join(" and ")))
    }
}

impl ColumnPlace {
    /// Returns whether the row has a value there.
    pub(crate) fn is_in(&self, row: &[Cell]) -> bool {
        match self {
            Self::Nowhere => false,
            Self::At(at) => row.get(*at).is_some_and(|cell| *cell != Cell::Null),
            Self::Two(two) => two.iter().any(|place| place.is_in(row)),
        }
    }
}

fn unknown(column: &str, table: &Table) -> Failure {
    let instead = instead(column, table.known_columns());
    let is_path = column.contains(['.', '[']) && !column.starts_with(['$', '^']);
    let remedy = match is_path {
        true => format!("; a path in JSON begins with `$`, as in `$.{column}`"),
        false if leaves_the_row(column, table) => {
            format!(
                "; if it is in an object around the row, write `^{column}`, or `^^{column}` for the next one outward; if it is sometimes missing, write `{{column: {column}, optional: true}}`"
            )
        }
        false if instead.ends_with('?') => String::new(),
        false => {
            format!("; if it is sometimes missing, write `{{column: {column}, optional: true}}`")
        }
    };
    Failure::decode(format!("unknown column `{column}`{instead}{remedy}"))
}

/// Returns whether a path from the row begins with a member that no row has.
fn leaves_the_row(path: &str, table: &Table) -> bool {
    let member = path.strip_prefix("$.").unwrap_or_default();
    let member = member.split(['.', '[']).next().unwrap_or_default();
    !member.is_empty() && table.known_columns().all(|known| known != member)
}
