//! Histograms and summaries from rows: one row with a column a bucket, or one row a bucket.

use std::collections::HashMap;

use exporter_kit::{HistogramValue, Number, SummaryValue, Timestamp};

use crate::config::{Bounds, Duplicates, MetricConfig, MetricType};
use crate::decode::{Cell, Failure, Table, parse_number};
use crate::mapping::column::{Column, ColumnPlace, not_a_number};
use crate::mapping::group::{Labels, Sample, SampleValue};
use crate::mapping::number::{self, Scale};

/// The columns of a histogram or summary.
#[derive(Debug)]
pub(super) struct Distribution {
    is_summary: bool,
    is_cumulative: bool,
    /// Columns by upper bound or quantile.
    columns: Vec<(f64, Column)>,
    /// The columns of the upper bound or quantile and of its value, with one row for each.
    row: Option<(Column, Column)>,
    count: Option<Column>,
    sum: Option<Column>,
    scale: Scale,
    duplicates: Duplicates,
}

/// The places of the columns in a table.
pub(super) struct DistributionPlaces {
    columns: Vec<ColumnPlace>,
    row: Option<(ColumnPlace, ColumnPlace)>,
    count: Option<ColumnPlace>,
    sum: Option<ColumnPlace>,
}

/// The numbers of one label set so far.
#[derive(Debug, Default)]
pub(super) struct Numbers {
    /// Values by upper bound or quantile, in the order of the rows, which may repeat one.
    points: Vec<(f64, Number)>,
    count: Option<Number>,
    sum: Option<Number>,
}

/// Numbers with distinct labels, in the order of their first rows.
#[derive(Debug, Default)]
pub(super) struct Collected {
    all: Vec<(Labels, Option<Numbers>, Option<Timestamp>)>,
    places: HashMap<Labels, usize>,
}

impl Distribution {
    /// `None` for a metric of single numbers.
    pub(super) fn new(config: &MetricConfig, value: &Column, scale: Scale) -> Option<Self> {
        let (is_summary, Bounds(columns), row) = match config.kind {
            MetricType::Histogram => (false, &config.buckets, &config.bucket),
            MetricType::Summary => (true, &config.quantiles, &config.quantile),
            _ => return None,
        };
        let columns = columns.iter();
        let column = |column: &crate::config::At<_>| Column::new(column);
        Some(Self {
            is_summary,
            is_cumulative: config.cumulative,
            columns: columns.map(|(bound, it)| (*bound, column(it))).collect(),
            row: row.as_ref().map(|it| (column(it), value.clone())),
            count: config.count.as_ref().map(column),
            sum: config.sum.as_ref().map(column),
            scale,
            duplicates: config.duplicates,
        })
    }

    /// Calls `want` with each column of the rows.
    pub(super) fn each_name(&self, want: &mut dyn FnMut(&str)) {
        let row = self.row.iter().flat_map(|(bound, value)| [bound, value]);
        let columns = self.columns.iter().map(|(_, column)| column);
        for column in columns.chain(row).chain(&self.count).chain(&self.sum) {
            column.each_name(want);
        }
    }

    /// # Errors
    /// When the table lacks a column.
    pub(super) fn places(&self, table: &Table) -> Result<DistributionPlaces, Failure> {
        let place = |column: &Option<Column>| match column {
            Some(column) => column.place(table).map(Some),
            None => Ok(None),
        };
        let columns = self.columns.iter().map(|(_, column)| column.place(table));
        Ok(DistributionPlaces {
            columns: columns.collect::<Result<_, _>>()?,
            row: match &self.row {
                Some((bound, value)) => Some((bound.place(table)?, value.place(table)?)),
                None => None,
            },
            count: place(&self.count)?,
            sum: place(&self.sum)?,
        })
    }

    /// The numbers of a row; `None` for an empty row.
    ///
    /// # Errors
    /// When a number is invalid.
    pub(super) fn numbers(
        &self,
        places: &DistributionPlaces,
        row: &[Cell],
    ) -> Result<Option<Numbers>, Failure> {
        let mut numbers = Numbers::default();
        for ((bound, column), place) in self.columns.iter().zip(&places.columns) {
            if let Some(value) = number(column, place, row)? {
                numbers.points.push((*bound, self.point(value)));
            }
        }
        if let (Some((bound, value)), Some(at)) = (&self.row, &places.row)
            && let Some(value) = number(value, &at.1, row)?
        {
            let bound = self.bound(&*bound.cell(&at.0, row)?)?;
            numbers.points.push((bound, self.point(value)));
        }
        if let (Some(column), Some(place)) = (&self.count, &places.count) {
            numbers.count = number(column, place, row)?;
        }
        if let (Some(column), Some(place)) = (&self.sum, &places.sum) {
            let sum = number(column, place, row)?;
            numbers.sum = sum.map(|sum| self.scale.apply(sum));
        }
        let is_empty = numbers.points.is_empty() && numbers.count.is_none();
        Ok((!is_empty).then_some(numbers))
    }

    /// The number of a point: a count as it is, a value of a summary scaled.
    fn point(&self, value: Number) -> Number {
        match self.is_summary {
            true => self.scale.apply(value),
            false => value,
        }
    }

    /// The upper bound or quantile of a row. Quantiles have no unit.
    fn bound(&self, cell: &Cell) -> Result<f64, Failure> {
        let text = cell.to_label();
        let number = match cell {
            Cell::Number(number) => Some(*number),
            _ => parse_number(&text),
        };
        let number = number.filter(|number| !number.as_f64().is_nan());
        let number = number.ok_or_else(|| not_a_number(&text, false))?;
        Ok(match self.is_summary {
            true => number.as_f64(),
            false => self.scale.apply(number).as_f64(),
        })
    }

    /// Adds the numbers of a row, or marks its label set as invalid.
    pub(super) fn add(
        &self,
        collected: &mut Collected,
        labels: Labels,
        numbers: Option<Numbers>,
        timestamp: Option<Timestamp>,
    ) {
        let next = collected.all.len();
        let at = *collected.places.entry(labels.clone()).or_insert(next);
        let Some((_, known, time)) = collected.all.get_mut(at) else {
            collected.all.push((labels, numbers, timestamp));
            return;
        };
        *time = time.zip(timestamp).map(|(a, b)| a.max(b));
        match (known.as_mut(), numbers) {
            (Some(known), Some(numbers)) => self.join(known, numbers),
            // One invalid number spoils all: without it the others would be wrong.
            _ => *known = None,
        }
    }

    fn join(&self, known: &mut Numbers, numbers: Numbers) {
        known.points.extend(numbers.points);
        // With one row a bucket, each row has the count and the sum of all.
        let has_rows = self.row.is_some();
        let totals = [
            (&mut known.count, numbers.count),
            (&mut known.sum, numbers.sum),
        ];
        for (old, new) in totals {
            *old = match (*old, new) {
                (Some(old), Some(new)) if !has_rows => Some(self.combined(old, new)),
                (old, new) => new.or(old),
            };
        }
    }

    /// The number of two rows with the same labels, and the same bucket or quantile.
    fn combined(&self, old: Number, new: Number) -> Number {
        match self.duplicates {
            Duplicates::Sum => number::sum(old, new),
            Duplicates::Last => new,
            _ => old,
        }
    }

    /// Sorts the points and combines those with the same bound. Returns whether some were dropped.
    fn sort(&self, points: &mut Vec<(f64, Number)>) -> bool {
        points.sort_by(|(a, _), (b, _)| a.total_cmp(b));
        let before = points.len();
        points.dedup_by(|(bound, new), (first, old)| {
            let is_same = bound == first;
            if is_same {
                *old = self.combined(*old, *new);
            }
            is_same
        });
        self.duplicates == Duplicates::Drop && points.len() < before
    }

    /// The samples of all label sets. `failed` is called with the labels of each that is not complete: with `None`
    /// where rows were dropped because others have the same bucket or quantile.
    pub(super) fn samples(
        &self,
        collected: Collected,
        mut failed: impl FnMut(&Labels, Option<Failure>),
    ) -> Vec<Sample> {
        let all = collected.all.into_iter();
        all.filter_map(|(labels, numbers, timestamp)| {
            let mut numbers = numbers?;
            if self.sort(&mut numbers.points) {
                failed(&labels, None);
            }
            let value = match self.is_summary {
                true => Ok(SampleValue::Summary(Box::new(summary(numbers)))),
                false => self
                    .histogram(numbers)
                    .map(Box::new)
                    .map(SampleValue::Histogram),
            };
            match value {
                Ok(value) => Some(Sample {
                    labels,
                    value,
                    timestamp,
                }),
                Err(failure) => {
                    failed(&labels, Some(failure));
                    None
                }
            }
        })
        .collect()
    }

    fn histogram(&self, numbers: Numbers) -> Result<HistogramValue, Failure> {
        let Numbers { points, count, sum } = numbers;
        let (mut bounds, mut counts) = (Vec::new(), Vec::new());
        let mut below = 0_u64;
        let mut all = None;
        for (bound, number) in points {
            let mut count = count_of(number)?;
            if !self.is_cumulative {
                count = count.saturating_add(below);
                below = count;
            }
            if bound == f64::INFINITY {
                all = Some(count);
            } else {
                bounds.push(bound);
                counts.push(count);
            }
        }
        let count = count
            .map(count_of)
            .transpose()?
            .or(all)
            .or(match self.is_cumulative {
                true => None,
                false => Some(below),
            });
        let Some(count) = count else {
            return Err(Failure::decode(
                "the histogram has no bucket `+Inf`; add its row, or the column of all observations as `count`",
            ));
        };
        let sum_of_all = sum.map_or(0.0, Number::as_f64);
        let value = HistogramValue::classic(&bounds, &counts, count, sum_of_all)
            .map_err(|error| Failure::decode(format!("invalid histogram: {error}")))?;
        Ok(match sum {
            Some(_) => value,
            None => value.without_sum(),
        })
    }
}

fn summary(numbers: Numbers) -> SummaryValue {
    let points = numbers.points.into_iter();
    SummaryValue {
        quantiles: points.map(|(at, value)| (at, value.as_f64())).collect(),
        count: numbers.count.and_then(|count| count_of(count).ok()),
        sum: numbers.sum.map(Number::as_f64),
    }
}

/// The number in a column; `None` if it is empty.
fn number(column: &Column, place: &ColumnPlace, row: &[Cell]) -> Result<Option<Number>, Failure> {
    let cell = column.cell(place, row)?;
    number::of_cell(&cell).map_err(|text| not_a_number(text, false))
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the range was checked"
)]
fn count_of(number: Number) -> Result<u64, Failure> {
    /// Larger floats are not exact.
    const MOST: f64 = 9_007_199_254_740_992.0;
    match number {
        Number::U64(count) => return Ok(count),
        Number::I64(count) if count >= 0 => return Ok(count.unsigned_abs()),
        Number::F64(count) if count.fract() == 0.0 && (0.0..=MOST).contains(&count) => {
            return Ok(count as u64);
        }
        _ => (),
    }
    let number = number.as_f64();
    Err(Failure::decode(format!(
        "`{number}` is not a count of observations; provide an integer from 0"
    )))
}
