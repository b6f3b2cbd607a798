//! The sample of a series: its value at one scrape.

use std::fmt;
use std::sync::Arc;

use crate::model::{Exemplar, MetricType, Number, Timestamp};

/// The sample of a series: its value at one scrape, with times.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample<'a> {
    /// The value, by metric type.
    pub value: Value<'a>,
    /// The time of the value, if it differs from the time of the scrape. Only for numbers with a time of their own.
    pub timestamp: Option<Timestamp>,
    /// The start of the count, for counters, histograms and summaries.
    pub created: Option<Timestamp>,
}

impl<'a> Sample<'a> {
    /// Creates a sample without times.
    pub fn new(value: Value<'a>) -> Self {
        Self {
            value,
            timestamp: None,
            created: None,
        }
    }
}

/// The value of a sample, by metric type.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Value<'a> {
    /// A counter: not negative, not NaN.
    Counter(Number, Option<&'a Exemplar>),
    /// A gauge.
    Gauge(Number),
    /// A histogram.
    Histogram(&'a HistogramValue),
    /// A gauge histogram.
    GaugeHistogram(&'a HistogramValue),
    /// A summary.
    Summary(&'a SummaryValue),
    /// An info: its labels are the information.
    Info,
    /// Each state and whether it is on.
    StateSet(&'a [(Arc<str>, bool)]),
    /// A number of unknown type.
    Unknown(Number),
    /// One line of a family [as scraped](crate::parse::as_scraped), whatever the family's type. Its key has the name
    /// and all labels of that line, such as `le`.
    Line(Number, Option<&'a Exemplar>),
}

impl Value<'_> {
    /// The metric type that this value belongs to; unknown for a line.
    pub fn metric_type(&self) -> MetricType {
        match self {
            Self::Counter(..) => MetricType::Counter,
            Self::Gauge(_) => MetricType::Gauge,
            Self::Histogram(_) => MetricType::Histogram,
            Self::GaugeHistogram(_) => MetricType::GaugeHistogram,
            Self::Summary(_) => MetricType::Summary,
            Self::Info => MetricType::Info,
            Self::StateSet(_) => MetricType::StateSet,
            Self::Unknown(_) | Self::Line(..) => MetricType::Unknown,
        }
    }
}

/// The value of a histogram: classic buckets, native buckets, or both.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct HistogramValue {
    /// Invariant: rising, the last one +Inf; empty if the histogram is native only.
    pub(crate) bounds: Arc<[f64]>,
    /// Invariant: as long as `bounds`, never falling, the last one equals `count`.
    pub(crate) cumulative_counts: Vec<u64>,
    pub(crate) count: u64,
    /// `None` if OpenMetrics forbids a sum, because of negative buckets.
    pub(crate) sum: Option<f64>,
    /// Invariant: empty, or as long as `bounds`.
    pub(crate) exemplars: Vec<Option<Exemplar>>,
    pub(crate) native: Option<NativeBuckets>,
}

impl HistogramValue {
    /// Creates classic buckets from rising upper bounds without +Inf, and the number of observations less than or equal
    /// to each. `count` is the number of all observations.
    ///
    /// ```
    /// use exporter_kit::HistogramValue;
    ///
    /// let value = HistogramValue::classic(&[0.1, 1.0], &[3, 7], 8, 4.2)?;
    /// assert_eq!(value.cumulative_counts(), [3, 7, 8]);
    /// # Ok::<(), exporter_kit::HistogramError>(())
    /// ```
    ///
    /// # Errors
    /// When a bound is not finite or not greater than the previous one, or the numbers of counts and bounds differ.
    /// Also when a count is less than the previous one or greater than `count`.
    pub fn classic(
        bounds: &[f64],
        cumulative_counts: &[u64],
        count: u64,
        sum: f64,
    ) -> Result<Self, HistogramError> {
        if bounds.len() != cumulative_counts.len() {
            return Err(HistogramError::Lengths {
                bounds: bounds.len(),
                counts: cumulative_counts.len(),
            });
        }
        let rising = bounds.iter().zip(bounds.iter().skip(1)).all(|(a, b)| a < b);
        if !rising || !bounds.iter().all(|bound| bound.is_finite()) {
            return Err(HistogramError::Bounds);
        }
        let cumulative_counts: Vec<u64> =
            cumulative_counts.iter().copied().chain([count]).collect();
        if !cumulative_counts.is_sorted() {
            return Err(HistogramError::Counts);
        }
        let bounds = bounds.iter().copied().chain([f64::INFINITY]).collect();
        Ok(Self {
            bounds,
            cumulative_counts,
            count,
            sum: Some(sum),
            ..Self::default()
        })
    }

    /// Creates native buckets. The count is the sum of all buckets and `nan_count` observations of NaN.
    ///
    /// # Errors
    /// When indexes don't rise, the schema is outside -4 to 8, or the count exceeds 2^64.
    pub fn native_only(
        native: NativeBuckets,
        nan_count: u64,
        sum: f64,
    ) -> Result<Self, HistogramError> {
        let rising = |buckets: &[(i32, u64)]| {
            buckets
                .iter()
                .zip(buckets.iter().skip(1))
                .all(|(a, b)| a.0 < b.0)
        };
        if !(-4..=8).contains(&native.schema)
            || !rising(&native.positive)
            || !rising(&native.negative)
        {
            return Err(HistogramError::Native);
        }
        let buckets = native.positive.iter().chain(&native.negative);
        let count = buckets
            .map(|(_, count)| *count)
            .chain([native.zero_count, nan_count])
            .try_fold(0, u64::checked_add)
            .ok_or(HistogramError::Counts)?;
        Ok(Self {
            count,
            sum: Some(sum),
            native: Some(native),
            ..Self::default()
        })
    }

    /// Removes the sum, for observations whose sum is unknown.
    #[must_use]
    pub fn without_sum(mut self) -> Self {
        self.sum = None;
        self
    }

    /// Adds an exemplar to the classic bucket of its value.
    #[must_use]
    pub fn with_exemplar(mut self, exemplar: Exemplar) -> Self {
        self.exemplars.resize(self.bounds.len(), None);
        let bucket = self
            .bounds
            .partition_point(|bound| *bound < exemplar.value());
        if let Some(place) = self.exemplars.get_mut(bucket) {
            *place = Some(exemplar);
        }
        self
    }

    /// The inclusive upper bounds of the classic buckets, the last one +Inf; empty if native only.
    pub fn bounds(&self) -> &[f64] {
        &self.bounds
    }

    /// The number of observations less than or equal to each bound.
    pub fn cumulative_counts(&self) -> &[u64] {
        &self.cumulative_counts
    }

    /// All observations.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The sum of all observations, if it is meaningful.
    pub fn sum(&self) -> Option<f64> {
        self.sum
    }

    /// The native buckets.
    pub fn native(&self) -> Option<&NativeBuckets> {
        self.native.as_ref()
    }

    /// Returns whether any bucket is below zero, so that the sum can decrease. OpenMetrics then forbids the sum of a
    /// histogram.
    pub(crate) fn sum_may_fall(&self) -> bool {
        self.bounds.first().is_some_and(|bound| *bound < 0.0)
    }

    /// The exemplar of the bucket with that index.
    pub fn exemplar(&self, bucket: usize) -> Option<&Exemplar> {
        self.exemplars.get(bucket).and_then(Option::as_ref)
    }
}

/// The native buckets of a histogram, as `io.prometheus.client.Histogram` carries them.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct NativeBuckets {
    /// Resolution: each power of two is divided into 2^schema buckets, -4 to 8.
    pub schema: i32,
    /// The largest absolute value of observations in the zero bucket.
    pub zero_threshold: f64,
    /// The number of observations in the zero bucket.
    pub zero_count: u64,
    /// Buckets of positive observations: (index, count), by rising index, counts not 0.
    pub positive: Vec<(i32, u64)>,
    /// Buckets of negative observations, likewise.
    pub negative: Vec<(i32, u64)>,
    /// Exemplars, any number.
    pub exemplars: Vec<Exemplar>,
}

/// The value of a summary.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct SummaryValue {
    /// (quantile, value) by rising quantile; a value is NaN until the first observation.
    pub quantiles: Vec<(f64, f64)>,
    /// The number of all observations; `None` if the parsed exposition has no count.
    pub count: Option<u64>,
    /// The sum of all observations, likewise.
    pub sum: Option<f64>,
}

/// The reason for rejecting the numbers of a histogram.
#[derive(Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum HistogramError {
    /// Different numbers of counts and bounds.
    Lengths {
        /// The number of bounds.
        bounds: usize,
        /// The number of counts.
        counts: usize,
    },
    /// Bounds that do not rise, or are not finite.
    Bounds,
    /// Counts that decrease, or whose sum exceeds 2^64.
    Counts,
    /// Native buckets with a schema outside -4 to 8, or whose indexes do not rise.
    Native,
}

impl fmt::Display for HistogramError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lengths { bounds, counts } => {
                write!(
                    f,
                    "{bounds} bounds but {counts} counts; give one cumulative count for each bound, without +Inf"
                )
            }
            Self::Bounds => {
                f.write_str("bounds are finite and each greater than the one before; +Inf is added")
            }
            Self::Counts => f.write_str(
                "classic counts are cumulative: none is less than the one before, nor more than all; those of native buckets \
                 add up to less than 2^64",
            ),
            Self::Native => {
                f.write_str("native buckets have a schema from -4 to 8 and rising indexes")
            }
        }
    }
}

crate::error::debug_by_display!(HistogramError);

impl std::error::Error for HistogramError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_of_native_buckets_does_not_overflow() {
        let native = NativeBuckets {
            positive: vec![(0, u64::MAX), (1, 1)],
            ..NativeBuckets::default()
        };
        let value = HistogramValue::native_only(native, 1, 0.0);
        assert_eq!(value.unwrap_err(), HistogramError::Counts);
    }
}
