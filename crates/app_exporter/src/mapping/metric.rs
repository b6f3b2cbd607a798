//! The mapping of one declared metric.

use std::borrow::Cow;
use std::collections::BTreeMap;

use exporter_kit::source::SourceErrorReason as Reason;
use exporter_kit::{Descriptor, Number, Timestamp, Value};

use crate::config::{Duplicates, MetricConfig, MetricType, TextMap, TimestampUnit, VALUE};
use crate::decode::{Cell, Failure, ROWS_PER_CHECK, Table, Wanted, check_deadline, shown};
use crate::mapping::column::{Column, ColumnPlace, not_a_number};
use crate::mapping::distribution::{Collected, Distribution, DistributionPlaces};
use crate::mapping::group::{Groups, Sample, SampleValue};
use crate::mapping::number::{self, Scale};
use crate::mapping::totals::Totals;
use crate::mapping::{Failures, moment};

/// A declared metric, ready to map rows.
#[derive(Debug)]
pub(super) struct Metric {
    pub(super) descriptor: Descriptor,
    pub(super) part: Box<str>,
    kind: MetricType,
    value: Option<Column>,
    /// The columns of a histogram or summary, which has no `value`.
    distribution: Option<Distribution>,
    labels: Vec<(Box<str>, Column)>,
    static_labels: Vec<(Box<str>, Box<str>)>,
    map: TextMap<f64>,
    scale: Scale,
    default: Option<Number>,
    default_for: Vec<Vec<Box<str>>>,
    timestamp: Option<(Column, TimestampUnit)>,
    duplicates: Duplicates,
    /// The totals of a column that counts since it was last read.
    totals: Option<Totals>,
}

/// The places of a metric's columns in a table.
struct Columns {
    value: Option<ColumnPlace>,
    distribution: Option<DistributionPlaces>,
    labels: Vec<ColumnPlace>,
    timestamp: Option<ColumnPlace>,
}

/// The rows of a fetch so far, by their labels.
struct RowsSoFar {
    groups: Groups,
    collected: Collected,
}

/// The problems of the metrics of a source.
#[derive(Debug, Default)]
pub(super) struct Problems<'t> {
    pub(super) failures: Failures,
    /// The reason why a result set has no rows, where a `default` stands for them.
    pub(super) unmatched: Option<&'t str>,
}

fn unmatched_failure(reason: &str) -> Failure {
    Failure::decode(format!(
        "{reason}; correct it, or declare by `default` what no match stands for"
    ))
}

impl Metric {
    /// Expects a checked configuration. `descriptor` follows from its name, help, type and unit.
    pub(super) fn new(config: &MetricConfig, descriptor: Descriptor, part: &str) -> Self {
        let boxed = |text: &str| -> Box<str> { text.into() };
        let labels: Vec<(Box<str>, Column)> = config
            .labels
            .0
            .iter()
            .map(|(label, column)| (boxed(label), Column::new(column)))
            .collect();
        let value = match &config.value {
            Some(column) => Column::new(column),
            None => Column::named(VALUE),
        };
        let scale = config.scale.as_ref();
        let scale = scale.map_or(Scale::One, |scale| Scale::new(**scale));
        let distribution = Distribution::new(config, &value, scale);
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
            value: (config.has_value() && distribution.is_none()).then_some(value),
            distribution,
            scale,
            static_labels: config
                .static_labels
                .iter()
                .map(|(label, value)| (boxed(label), boxed(value)))
                .collect(),
            map: config.map.clone(),
            // No rows are a count too: none.
            default: match (config.default, config.duplicates) {
                (None, Duplicates::Count) => Some(Number::U64(0)),
                (default, _) => default.map(number::of_float),
            },
            default_for: default_for.collect(),
            timestamp: config
                .timestamp
                .as_ref()
                .map(|column| (Column::new(column), config.timestamp_unit)),
            duplicates: config.duplicates,
            totals: config.accumulate.then(Totals::default),
            labels,
        }
    }

    /// Adds the columns that it reads.
    pub(super) fn want(&self, wanted: &mut Wanted) {
        let labels = self.labels.iter().map(|(_, column)| column);
        let timestamp = self.timestamp.iter().map(|(column, _)| column);
        let mut want = |name: &str| wanted.add(&self.part, name);
        for column in self.value.iter().chain(labels).chain(timestamp) {
            column.each_name(&mut want);
        }
        if let Some(distribution) = &self.distribution {
            distribution.each_name(&mut want);
        }
    }

    /// Maps the tables of its result set, which are `complete` unless one failed. An invalid row is counted in
    /// `failures` and skipped.
    ///
    /// # Errors
    /// When the deadline of the computation has passed.
    pub(super) fn samples<'t>(
        &self,
        tables: impl Iterator<Item = &'t Table>,
        complete: bool,
        problems: &mut Problems<'t>,
    ) -> Result<Vec<Sample>, Failure> {
        let Problems { failures, .. } = problems;
        let mut rows_so_far = RowsSoFar {
            groups: Groups::new(self.duplicates),
            collected: Collected::default(),
        };
        // A default stands for what is not there, never for what is there and wrong.
        let (mut nothing, mut complete) = (true, complete);
        let mut unmatched = None;
        for table in tables {
            match self.columns(table) {
                Ok(columns) => {
                    nothing &= table.len() == 0;
                    unmatched = unmatched.or(table.unmatched());
                    let repeats_from = table.repeats_from().unwrap_or(table.len());
                    let mut rows = table.rows();
                    let first = rows.clone().next().unwrap_or_default();
                    for (at, row) in rows.by_ref().take(repeats_from).enumerate() {
                        if at.is_multiple_of(ROWS_PER_CHECK) {
                            check_deadline()?;
                        }
                        self.add(row, &columns, &mut rows_so_far, failures);
                    }
                    for row in rows {
                        check_deadline()?;
                        if let Some(row) = self.repeated(row, first, &columns) {
                            self.add(&row, &columns, &mut rows_so_far, failures);
                        }
                    }
                }
                Err(failure) => {
                    complete = false;
                    failures.add(self.descriptor.name(), failure);
                }
            }
        }
        if let Some(reason) = unmatched.filter(|_| nothing) {
            match self.default {
                None => problems.failures.add(&self.part, unmatched_failure(reason)),
                Some(_) => problems.unmatched = Some(reason),
            }
        }
        let RowsSoFar {
            mut groups,
            collected,
        } = rows_so_far;
        if let Some(distribution) = &self.distribution {
            return Ok(distribution.samples(collected, |labels, failure| {
                let failure = failure.unwrap_or_else(|| self.conflict(labels));
                problems.failures.add(self.descriptor.name(), failure);
            }));
        }
        if let Some(default) = self.default.filter(|_| complete) {
            if nothing && self.labels.is_empty() {
                groups.add_default(&[""; 0], default);
            }
            for set in &self.default_for {
                groups.add_default(set, default);
            }
        }
        let samples = groups.into_samples();
        let Some(totals) = &self.totals else {
            return Ok(samples);
        };
        let (samples, added) = totals.add(samples);
        if let Err(failure) = added {
            problems.failures.add(self.descriptor.name(), failure);
        }
        Ok(samples)
    }

    /// All labels of a sample.
    pub(super) fn labels_of<'s>(&'s self, sample: &'s Sample) -> Vec<(&'s str, &'s str)> {
        let own = self.labels.iter().zip(&sample.labels);
        let own = own.map(|((label, _), value)| (&**label, &**value));
        let fixed = self.static_labels.iter();
        own.chain(fixed.map(|(label, value)| (&**label, &**value)))
            .collect()
    }

    /// The value of a sample.
    pub(super) fn point<'s>(&self, sample: &'s Sample) -> exporter_kit::Sample<'s> {
        let value = match (&sample.value, self.kind) {
            (SampleValue::Histogram(histogram), _) => Value::Histogram(histogram),
            (SampleValue::Summary(summary), _) => Value::Summary(summary),
            (SampleValue::Number(number), MetricType::Counter) => Value::Counter(*number, None),
            (SampleValue::Number(number), MetricType::Unknown) => Value::Unknown(*number),
            (SampleValue::Number(_), MetricType::Info) => Value::Info,
            (SampleValue::Number(number), _) => Value::Gauge(*number),
        };
        let mut point = exporter_kit::Sample::new(value);
        point.timestamp = sample.timestamp;
        point
    }

    /// # Errors
    /// When a column is missing. With a default, the column of the value may be.
    fn columns(&self, table: &Table) -> Result<Columns, Failure> {
        let value = match &self.value {
            Some(column) if self.default.is_some() => {
                let place = column.place(table);
                Some(place.unwrap_or(ColumnPlace::Nowhere))
            }
            Some(column) => Some(column.place(table)?),
            None => None,
        };
        let labels = self.labels.iter().map(|(_, column)| column.place(table));
        let timestamp = self.timestamp.as_ref();
        let timestamp = timestamp.map(|(column, _)| column.place(table));
        let distribution = self.distribution.as_ref();
        let distribution = distribution.map(|it| it.places(table));
        Ok(Columns {
            value,
            distribution: distribution.transpose()?,
            labels: labels.collect::<Result<_, _>>()?,
            timestamp: timestamp.transpose()?,
        })
    }

    /// A row that has only the columns that occur again, with the others from the first row. `None` if it has no value of
    /// this metric.
    fn repeated(&self, row: &[Cell], first: &[Cell], columns: &Columns) -> Option<Vec<Cell>> {
        let is_own = match &columns.value {
            Some(value) => value.is_in(row),
            None => columns.labels.iter().any(|label| label.is_in(row)),
        };
        let cells = row.iter().zip(first);
        is_own.then(|| {
            cells
                .map(|(cell, first)| match cell {
                    Cell::Null => first.clone(),
                    cell => cell.clone(),
                })
                .collect()
        })
    }

    fn add(
        &self,
        row: &[Cell],
        columns: &Columns,
        rows_so_far: &mut RowsSoFar,
        failures: &mut Failures,
    ) {
        let labels = self.labels.iter().zip(&columns.labels);
        let labels = labels.map(|((_, column), place)| {
            let cell = column.cell(place, row)?;
            Ok(match cell {
                Cow::Borrowed(cell) => cell.to_label(),
                Cow::Owned(cell) => cell.to_label().into_owned().into(),
            })
        });
        let labels: Vec<Cow<'_, str>> = match labels.collect() {
            Ok(labels) => labels,
            Err(failure) => return failures.add(self.descriptor.name(), failure),
        };
        let moment = || self.moment(row, columns);
        if let (Some(distribution), Some(places)) = (&self.distribution, &columns.distribution) {
            let read = distribution.numbers(places, row);
            let (numbers, timestamp) = match read.and_then(|read| Ok((read, moment()?))) {
                Ok((None, _)) => return,
                Ok(read) => read,
                Err(failure) => {
                    failures.add(self.descriptor.name(), failure);
                    (None, None)
                }
            };
            let labels = labels.iter().map(|label| (**label).into()).collect();
            return distribution.add(&mut rows_so_far.collected, labels, numbers, timestamp);
        }
        let read = self.number(row, columns);
        let read = read.and_then(|number| Ok((number, moment()?)));
        let (number, timestamp) = match read {
            // Nothing is there, and nothing stands for it.
            Ok((None, _)) => return,
            Ok(read) => read,
            Err(failure) => {
                failures.add(self.descriptor.name(), failure);
                (None, None)
            }
        };
        if !rows_so_far.groups.add(&labels, number, timestamp) {
            failures.add(self.descriptor.name(), self.conflict(&labels));
        }
    }

    /// The failure for rows with the same labels.
    fn conflict(&self, labels: &[impl AsRef<str>]) -> Failure {
        let labels = self.labels.iter().zip(labels);
        let labels =
            labels.map(|((label, _), value)| format!("{label}=\"{}\"", shown(value.as_ref())));
        let labels = labels.collect::<Vec<_>>().join(",");
        Failure::new(
            Reason::Conflict,
            format!(
                "several rows have the labels `{{{labels}}}`; add a label that distinguishes them, or combine them with `duplicates`"
            ),
        )
    }

    fn number(&self, row: &[Cell], columns: &Columns) -> Result<Option<Number>, Failure> {
        let (Some(column), Some(place)) = (&self.value, &columns.value) else {
            // Each row counts as one; and an info has no other number.
            return Ok(Some(Number::U64(1)));
        };
        let cell = column.cell(place, row)?;
        let mapped = match self.map.is_empty() || *cell == Cell::Null {
            true => None,
            false => self.map.get(cell.to_label().trim()),
        };
        let number = match mapped {
            Some(mapped) => Some(number::of_float(*mapped)),
            None => {
                number::of_cell(&cell).map_err(|text| not_a_number(text, !self.map.is_empty()))?
            }
        };
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
        match (&self.timestamp, &columns.timestamp) {
            (Some((column, unit)), Some(place)) => {
                moment::of_cell(&*column.cell(place, row)?, *unit)
            }
            _ => Ok(None),
        }
    }
}
