//! The mapping of one declared metric.

use std::borrow::Cow;
use std::collections::BTreeMap;

use exporter_kit::source::SourceErrorReason as Reason;
use exporter_kit::{Descriptor, Number, Timestamp, Value};

use crate::config::{Duplicates, MetricConfig, MetricType, TimestampUnit, instead};
use crate::decode::{Cell, Failure, Table, Wanted};
use crate::mapping::group::{Groups, Sample};
use crate::mapping::number::{self, Scale};
use crate::mapping::{Failures, moment};

/// A declared metric, ready to map rows.
#[derive(Debug)]
pub(super) struct Metric {
    pub(super) descriptor: Descriptor,
    pub(super) part: Box<str>,
    kind: MetricType,
    value: Option<Box<str>>,
    labels: Vec<(Box<str>, Box<str>)>,
    static_labels: Vec<(Box<str>, Box<str>)>,
    map: BTreeMap<String, f64>,
    scale: Scale,
    default: Option<Number>,
    default_for: Vec<Vec<Box<str>>>,
    timestamp: Option<(Box<str>, TimestampUnit)>,
    duplicates: Duplicates,
}

/// The indexes of a metric's columns in a table.
struct Columns {
    value: Option<usize>,
    labels: Vec<usize>,
    timestamp: Option<usize>,
}

impl Metric {
    /// Expects a checked configuration. `descriptor` follows from its name, help, type and unit.
    pub(super) fn new(config: &MetricConfig, descriptor: Descriptor, part: &str) -> Self {
        let boxed = |text: &str| -> Box<str> { text.into() };
        let labels: Vec<(Box<str>, Box<str>)> = config
            .labels
            .0
            .iter()
            .map(|(label, column)| (boxed(label), boxed(column)))
            .collect();
        let value_of = |set: &BTreeMap<String, String>, label: &str| {
            boxed(set.get(label).map_or("", String::as_str))
        };
        let default_for = config.default_for.iter().map(|set| {
            labels
                .iter()
                .map(|(label, _)| value_of(set, label))
                .collect()
        });
        Self {
            descriptor,
            part: part.into(),
            kind: config.kind,
            value: config.value_column().map(boxed),
            static_labels: config
                .static_labels
                .iter()
                .map(|(label, value)| (boxed(label), boxed(value)))
                .collect(),
            map: config.map.clone(),
            scale: config
                .scale
                .as_ref()
                .map_or(Scale::One, |scale| Scale::new(**scale)),
            // No rows are a count too: none.
            default: match (config.default, config.duplicates) {
                (None, Duplicates::Count) => Some(Number::U64(0)),
                (default, _) => default.map(number::of_float),
            },
            default_for: default_for.collect(),
            timestamp: config
                .timestamp
                .as_ref()
                .map(|column| (boxed(column), config.timestamp_unit)),
            duplicates: config.duplicates,
            labels,
        }
    }

    /// Adds the columns that it reads.
    pub(super) fn want(&self, wanted: &mut Wanted) {
        let labels = self.labels.iter().map(|(_, column)| column);
        let timestamp = self.timestamp.iter().map(|(column, _)| column);
        for column in self.value.iter().chain(labels).chain(timestamp) {
            wanted.add(&self.part, column);
        }
    }

    /// Maps the tables of its result set, which are `complete` unless one failed. An invalid row is counted in
    /// `failures` and skipped.
    pub(super) fn samples<'t>(
        &self,
        tables: impl Iterator<Item = &'t Table>,
        complete: bool,
        failures: &mut Failures,
    ) -> Vec<Sample> {
        let mut groups = Groups::new(self.duplicates);
        // A default stands for what is not there, never for what is there and wrong.
        let (mut nothing, mut complete) = (true, complete);
        for table in tables {
            match self.columns(table) {
                Ok(columns) => {
                    nothing &= table.rows().len() == 0;
                    for row in table.rows() {
                        self.add(row, &columns, &mut groups, failures);
                    }
                }
                Err(failure) => {
                    complete = false;
                    failures.add(self.descriptor.name(), failure);
                }
            }
        }
        if let Some(default) = self.default.filter(|_| complete) {
            if nothing && self.labels.is_empty() {
                groups.add_default(&[""; 0], default);
            }
            for set in &self.default_for {
                groups.add_default(set, default);
            }
        }
        groups.into_samples()
    }

    /// All labels of a sample.
    pub(super) fn labels_of<'s>(&'s self, sample: &'s Sample) -> Vec<(&'s str, &'s str)> {
        let own = self.labels.iter().zip(&sample.labels);
        let own = own.map(|((label, _), value)| (&**label, &**value));
        let fixed = self.static_labels.iter();
        own.chain(fixed.map(|(label, value)| (&**label, &**value)))
            .collect()
    }

    /// The value of a sample; `None` for an invalid number.
    pub(super) fn point(&self, sample: &Sample) -> Option<exporter_kit::Sample<'static>> {
        let value = match (self.kind, sample.number?) {
            (MetricType::Gauge, number) => Value::Gauge(number),
            (MetricType::Counter, number) => Value::Counter(number, None),
            (MetricType::Unknown, number) => Value::Unknown(number),
            (MetricType::Info, _) => Value::Info,
        };
        let mut point = exporter_kit::Sample::new(value);
        point.timestamp = sample.timestamp;
        Some(point)
    }

    /// # Errors
    /// When a column is missing. With a default, the column of the value may be.
    fn columns(&self, table: &Table) -> Result<Columns, Failure> {
        let find = |column: &str| {
            table.column(column).ok_or_else(|| {
                let instead = instead(column, table.known_columns());
                let path = match column.contains(['.', '[']) && !column.starts_with('$') {
                    true => format!("; a path in JSON begins with `$`, as in `$.{column}`"),
                    false => String::new(),
                };
                Failure::decode(format!("unknown column `{column}`{instead}{path}"))
            })
        };
        let value = match &self.value {
            Some(column) if self.default.is_some() => table.column(column),
            Some(column) => Some(find(column)?),
            None => None,
        };
        let labels = self.labels.iter().map(|(_, column)| find(column));
        Ok(Columns {
            value,
            labels: labels.collect::<Result<_, _>>()?,
            timestamp: match &self.timestamp {
                Some((column, _)) => Some(find(column)?),
                None => None,
            },
        })
    }

    fn add(&self, row: &[Cell], columns: &Columns, groups: &mut Groups, failures: &mut Failures) {
        let labels: Vec<Cow<'_, str>> = columns
            .labels
            .iter()
            .map(|at| row.get(*at).map_or(Cow::Borrowed(""), Cell::to_label))
            .collect();
        let read = self.number(row, columns).and_then(|number| {
            let timestamp = self.moment(row, columns)?;
            Ok((number, timestamp))
        });
        let (number, timestamp) = match read {
            // Nothing is there, and nothing stands for it.
            Ok((None, _)) => return,
            Ok(read) => read,
            Err(failure) => {
                failures.add(self.descriptor.name(), failure);
                (None, None)
            }
        };
        if !groups.add(&labels, number, timestamp) {
            let labels: Vec<String> = self
                .labels
                .iter()
                .zip(&labels)
                .map(|((label, _), value)| format!("{label}={value:?}"))
                .collect();
            let labels = labels.join(",");
            failures.add(
                self.descriptor.name(),
                Failure::new(
                    Reason::Conflict,
                    format!(
                        "several rows have the labels `{{{labels}}}`; add a label that distinguishes them, or combine them with `duplicates`"
                    ),
                ),
            );
        }
    }

    fn number(&self, row: &[Cell], columns: &Columns) -> Result<Option<Number>, Failure> {
        if self.value.is_none() {
            // Each row counts as one; and an info has no other number.
            return Ok(Some(Number::U64(1)));
        }
        let cell = columns.value.and_then(|at| row.get(at));
        let number = number::of_cell(cell.unwrap_or(&Cell::Null), &self.map)?;
        let Some(number) = number else {
            return Ok(self.default);
        };
        let number = self.scale.apply(number);
        let float = number.as_f64();
        if self.kind == MetricType::Counter && (float.is_nan() || float < 0.0) {
            return Err(Failure::decode(format!(
                "`{float}` is not the value of a counter; use a gauge for numbers below 0"
            )));
        }
        Ok(Some(number))
    }

    fn moment(&self, row: &[Cell], columns: &Columns) -> Result<Option<Timestamp>, Failure> {
        let cell = columns.timestamp.and_then(|at| row.get(at));
        match (cell, &self.timestamp) {
            (Some(cell), Some((_, unit))) => moment::of_cell(cell, *unit),
            _ => Ok(None),
        }
    }
}
