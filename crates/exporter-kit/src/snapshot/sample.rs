//! The owned twin of [`Sample`], and its equality.

use std::sync::Arc;

use crate::model::{
    Exemplar, HistogramValue, MetricType, Number, Sample, SummaryValue, Timestamp, Value,
};

/// The sample of a series, owned.
#[derive(Clone, Debug)]
pub(crate) struct OwnedSample {
    pub(crate) value: OwnedValue,
    pub(crate) timestamp: Option<Timestamp>,
    pub(crate) created: Option<Timestamp>,
}

/// The value of a sample, by metric type. Large ones are boxed, because most values are single numbers.
#[derive(Clone, Debug)]
pub(crate) enum OwnedValue {
    Counter(Number, Option<Box<Exemplar>>),
    Gauge(Number),
    Histogram(Box<HistogramValue>),
    GaugeHistogram(Box<HistogramValue>),
    Summary(Box<SummaryValue>),
    Info,
    StateSet(Box<[(Arc<str>, bool)]>),
    Unknown(Number),
    Line(Number, Option<Box<Exemplar>>),
}

impl OwnedValue {
    /// Creates the value of a metric type whose value is one number.
    pub(crate) fn number(metric_type: MetricType, number: Number) -> Self {
        match metric_type {
            MetricType::Counter => Self::Counter(number, None),
            MetricType::Gauge => Self::Gauge(number),
            _ => Self::Unknown(number),
        }
    }
}

impl OwnedSample {
    pub(crate) fn as_sample(&self) -> Sample<'_> {
        let value = match &self.value {
            OwnedValue::Counter(number, exemplar) => Value::Counter(*number, exemplar.as_deref()),
            OwnedValue::Gauge(number) => Value::Gauge(*number),
            OwnedValue::Histogram(value) => Value::Histogram(value),
            OwnedValue::GaugeHistogram(value) => Value::GaugeHistogram(value),
            OwnedValue::Summary(value) => Value::Summary(value),
            OwnedValue::Info => Value::Info,
            OwnedValue::StateSet(states) => Value::StateSet(states),
            OwnedValue::Unknown(number) => Value::Unknown(*number),
            OwnedValue::Line(number, exemplar) => Value::Line(*number, exemplar.as_deref()),
        };
        Sample {
            value,
            timestamp: self.timestamp,
            created: self.created,
        }
    }
}

impl From<&Sample<'_>> for OwnedSample {
    fn from(sample: &Sample<'_>) -> Self {
        let value = match sample.value {
            Value::Counter(number, exemplar) => {
                OwnedValue::Counter(number, exemplar.cloned().map(Box::new))
            }
            Value::Gauge(number) => OwnedValue::Gauge(number),
            Value::Histogram(value) => OwnedValue::Histogram(Box::new(value.clone())),
            Value::GaugeHistogram(value) => OwnedValue::GaugeHistogram(Box::new(value.clone())),
            Value::Summary(value) => OwnedValue::Summary(Box::new(value.clone())),
            Value::Info => OwnedValue::Info,
            Value::StateSet(states) => OwnedValue::StateSet(states.into()),
            Value::Unknown(number) => OwnedValue::Unknown(number),
            Value::Line(number, exemplar) => {
                OwnedValue::Line(number, exemplar.cloned().map(Box::new))
            }
        };
        Self {
            value,
            timestamp: sample.timestamp,
            created: sample.created,
        }
    }
}

impl PartialEq for OwnedSample {
    fn eq(&self, other: &Self) -> bool {
        let same_value = match (&self.value, &other.value) {
            (OwnedValue::Counter(a, x), OwnedValue::Counter(b, y))
            | (OwnedValue::Line(a, x), OwnedValue::Line(b, y)) => {
                a == b && same_exemplar(x.as_deref(), y.as_deref())
            }
            (OwnedValue::Gauge(a), OwnedValue::Gauge(b))
            | (OwnedValue::Unknown(a), OwnedValue::Unknown(b)) => a == b,
            (OwnedValue::Histogram(a), OwnedValue::Histogram(b))
            | (OwnedValue::GaugeHistogram(a), OwnedValue::GaugeHistogram(b)) => {
                same_histogram(a, b)
            }
            (OwnedValue::Summary(a), OwnedValue::Summary(b)) => same_summary(a, b),
            (OwnedValue::Info, OwnedValue::Info) => true,
            (OwnedValue::StateSet(a), OwnedValue::StateSet(b)) => a == b,
            _ => false,
        };
        same_value && self.timestamp == other.timestamp && self.created == other.created
    }
}

/// The approximate heap size of a value, in bytes.
#[cfg(feature = "source")]
pub(crate) fn heap_bytes(point: &Sample<'_>) -> usize {
    match point.value {
        Value::Histogram(value) | Value::GaugeHistogram(value) => {
            let native = value.native().map_or(0, |native| {
                16 * (native.positive.len() + native.negative.len())
            });
            size_of_val(value) + 16 * value.bounds().len() + native
        }
        Value::Summary(value) => size_of_val(value) + 16 * value.quantiles.len(),
        Value::StateSet(states) => size_of_val(states),
        _ => 0,
    }
}

/// Compares numbers, but NaN equals NaN, so that expositions can be compared.
fn same(a: f64, b: f64) -> bool {
    a == b || (a.is_nan() && b.is_nan())
}

fn same_option(a: Option<f64>, b: Option<f64>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => same(a, b),
        (None, None) => true,
        _ => false,
    }
}

fn same_exemplar(a: Option<&Exemplar>, b: Option<&Exemplar>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => {
            a.labels().eq(b.labels())
                && same(a.value(), b.value())
                && a.timestamp() == b.timestamp()
        }
        (None, None) => true,
        _ => false,
    }
}

fn same_histogram(a: &HistogramValue, b: &HistogramValue) -> bool {
    a.bounds == b.bounds
        && a.cumulative_counts == b.cumulative_counts
        && a.count == b.count
        && same_option(a.sum, b.sum)
        && a.native == b.native
        && (0..a.bounds.len()).all(|i| same_exemplar(a.exemplar(i), b.exemplar(i)))
}

fn same_summary(a: &SummaryValue, b: &SummaryValue) -> bool {
    a.count == b.count
        && same_option(a.sum, b.sum)
        && a.quantiles.len() == b.quantiles.len()
        && a.quantiles
            .iter()
            .zip(&b.quantiles)
            .all(|(a, b)| a.0 == b.0 && same(a.1, b.1))
}
