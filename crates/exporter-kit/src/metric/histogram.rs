//! The histogram.

use std::sync::Arc;

use crate::collect::Sink;
use crate::metric::buckets::Buckets;
use crate::metric::cell::{Distribution, NativeSettings, Totals};
use crate::metric::definition::Definition;
use crate::metric::exemplars::{self, Exemplars};
use crate::metric::series::{SeriesCell, metric, sealed};
use crate::metric::setup::Settings;
use crate::metric::timer::{self, Observe, Timer};
use crate::model::{
    ExemplarError, HistogramValue, IntoNumber, MetricType, Sample, SeriesKey, Timestamp, Value,
};

/// Observations counted in buckets: durations of requests, sizes of responses.
///
/// Buckets are classic (chosen bounds), native (exponential bounds, created by observations), or both. Recording takes
/// no lock, and a scrape never shows half an observation. Cheap to clone; clones are the same series.
///
/// ```
/// let registry = exporter_kit::Registry::new();
/// let latency = registry.histogram("request_duration_seconds", "How long requests take.")?;
/// latency.observe(0.3);
/// let answer = latency.time(|| 42);
/// assert_eq!((answer, latency.count()), (42, 2));
/// # Ok::<(), exporter_kit::RegisterError>(())
/// ```
///
/// Use, exposition and pitfalls: [the histogram's page](crate::docs::histogram).
#[derive(Clone)]
pub struct Histogram(Arc<SeriesCell<HistogramCell>>);

metric!(Histogram);

#[derive(Debug)]
pub struct HistogramCell {
    distribution: Distribution,
    created: Timestamp,
    exemplars: Exemplars,
}

/// The default resolution of native buckets: bounds grow by a factor of 2^(1/8), about 9 %.
const DEFAULT_SCHEMA: i32 = 3;
/// The default zero threshold, 2^-128: observations of at most this absolute value count as zero.
const DEFAULT_ZERO_THRESHOLD: f64 = 2.938_735_877_055_719e-39;
const DEFAULT_BUCKET_LIMIT: usize = 160;

const NATIVE: NativeSettings = NativeSettings {
    schema: DEFAULT_SCHEMA,
    zero_threshold: DEFAULT_ZERO_THRESHOLD,
    bucket_limit: DEFAULT_BUCKET_LIMIT,
};

impl<'a> Definition<'a, Histogram> {
    /// Sets the upper bounds of the classic buckets, in rising order; adds +Inf. [`DEFAULT_BUCKETS`](crate::DEFAULT_BUCKETS) if not set.
    #[must_use]
    pub const fn buckets(mut self, bounds: &'a [f64]) -> Self {
        self.setup.buckets = Some(Buckets::Bounds(bounds));
        self
    }

    /// Sets `count` classic buckets, including +Inf. The first bound is `start`; each next one is `width` higher.
    #[must_use]
    pub const fn linear_buckets(mut self, start: f64, width: f64, count: usize) -> Self {
        self.setup.buckets = Some(Buckets::Linear {
            start,
            width,
            count,
        });
        self
    }

    /// Sets `count` classic buckets, including +Inf. The first bound is `start`; each next one is `factor` times the
    /// previous one.
    #[must_use]
    pub const fn exponential_buckets(mut self, start: f64, factor: f64, count: usize) -> Self {
        self.setup.buckets = Some(Buckets::Exponential {
            start,
            factor,
            count,
        });
        self
    }

    /// Sets `count` classic buckets, including +Inf, at least 3. The first bound is `min`, the last finite one `max`.
    /// The factor between neighbours is constant, apart from rounding to 12 digits.
    ///
    /// ```
    /// use exporter_kit::{Histogram, Registry};
    ///
    /// let sizes = Histogram::define("job_size_bytes", "How large jobs are.").exponential_buckets_range(1.0, 1000.0, 5);
    /// let sizes = Registry::new().add(sizes)?;
    /// assert_eq!(sizes.value().bounds(), [1.0, 10.0, 100.0, 1000.0, f64::INFINITY]);
    /// # Ok::<(), exporter_kit::RegisterError>(())
    /// ```
    #[must_use]
    pub const fn exponential_buckets_range(mut self, min: f64, max: f64, count: usize) -> Self {
        self.setup.buckets = Some(Buckets::ExponentialRange { min, max, count });
        self
    }

    /// Adds native buckets; classic buckets then exist only if they are set too. Protobuf carries native buckets. The
    /// text formats show the classic buckets, or only the count in +Inf.
    #[must_use]
    pub const fn native(mut self) -> Self {
        self.setup.native = Some(self.native_settings());
        self
    }

    /// Adds native buckets of this resolution: from -4 (bounds grow by a factor of 65536) over 3 (by 9 %) to 8 (by 0.3
    /// %).
    #[must_use]
    pub const fn native_schema(mut self, schema: i32) -> Self {
        self.setup.native = Some(NativeSettings {
            schema,
            ..self.native_settings()
        });
        self
    }

    /// Adds native buckets that count observations of at most this absolute value as zero (default 2^-128).
    #[must_use]
    pub const fn native_zero_threshold(mut self, zero_threshold: f64) -> Self {
        self.setup.native = Some(NativeSettings {
            zero_threshold,
            ..self.native_settings()
        });
        self
    }

    /// Adds native buckets, at most `bucket_limit` in each series (default 160, maximum 10 000). Beyond the limit, the
    /// histogram halves the resolution.
    #[must_use]
    pub const fn native_bucket_limit(mut self, bucket_limit: usize) -> Self {
        self.setup.native = Some(NativeSettings {
            bucket_limit,
            ..self.native_settings()
        });
        self
    }

    const fn native_settings(&self) -> NativeSettings {
        match self.setup.native {
            Some(settings) => settings,
            None => NATIVE,
        }
    }
}

impl Histogram {
    /// Begins the definition of a histogram.
    pub const fn define<'a>(name: &'a str, help: &'a str) -> Definition<'a, Self> {
        Definition::new(name, help, ())
    }

    /// Records one observation. A `Duration` counts in seconds.
    #[inline]
    pub fn observe(&self, value: impl IntoNumber) {
        let value = value.into_number().as_f64();
        let bucket = self.0.shared.settings.bounds.bucket(value);
        self.0.cell.distribution.observe(bucket, value);
    }

    /// Records one observation and keeps `labels`, such as a trace id, as an exemplar of its bucket. Only OpenMetrics
    /// and protobuf show exemplars.
    ///
    /// # Errors
    /// When the exemplar is invalid; the histogram still records the value.
    pub fn observe_with_exemplar(
        &self,
        value: impl IntoNumber,
        labels: &[(&str, &str)],
    ) -> Result<(), ExemplarError> {
        let value = value.into_number().as_f64();
        let bounds = &self.0.shared.settings.bounds;
        let bucket = bounds.bucket(value);
        self.0.cell.distribution.observe(bucket, value);
        let places = bounds.upper().len().max(1);
        self.0
            .cell
            .exemplars
            .keep(bucket, places, exemplars::now(labels, value)?);
        Ok(())
    }

    /// Starts a timer. Its drop records the elapsed seconds.
    pub fn start_timer(&self) -> Timer<Self> {
        Timer::start(self)
    }

    /// Runs `work` and records its duration in seconds. For a future, use [`time_async`](Self::time_async): this method
    /// measures only the creation of the future.
    pub fn time<T>(&self, work: impl FnOnce() -> T) -> T {
        timer::time(self, work)
    }

    /// Awaits `work` and records its duration in seconds, also if the future is dropped before its end.
    ///
    /// ```
    /// # let runtime = std::task::Context::from_waker(std::task::Waker::noop());
    /// # let mut context = runtime;
    /// let latency = exporter_kit::Registry::new().histogram("fetch_duration_seconds", "How long fetches take.")?;
    /// let fetch = async {
    ///     let answer = latency.time_async(async || "answer").await;
    ///     assert_eq!((answer, latency.count()), ("answer", 1));
    /// };
    /// # let polled = std::pin::pin!(fetch).poll(&mut context);
    /// # assert!(polled.is_ready());
    /// # Ok::<(), exporter_kit::RegisterError>(())
    /// ```
    pub async fn time_async<T>(&self, work: impl AsyncFnOnce() -> T) -> T {
        timer::time_async(self, work).await
    }

    /// Returns the number of observations.
    pub fn count(&self) -> u64 {
        self.value().count
    }

    /// Returns the sum of all observations. A scrape omits it if a bound is below zero, because the sum could then
    /// fall.
    pub fn sum(&self) -> f64 {
        self.0.cell.distribution.totals().sum
    }

    /// Returns all buckets, the count and the sum at one moment.
    pub fn value(&self) -> HistogramValue {
        let mut scratch = HistogramScratch::default();
        self.0.cell.read(&self.0.shared.settings, &mut scratch);
        scratch.value
    }
}

impl HistogramCell {
    /// Replaces the contents of `scratch` with the current value.
    fn read(&self, settings: &Settings, scratch: &mut HistogramScratch) {
        let HistogramScratch { totals, value } = scratch;
        self.distribution.read(totals, |_| ());
        if !Arc::ptr_eq(&value.bounds, settings.bounds.upper()) {
            value.bounds = Arc::clone(settings.bounds.upper());
        }
        // A sum that can fall is not a counter, and OpenMetrics has no sum beside buckets below zero.
        value.sum = (!value.sum_may_fall()).then_some(totals.sum);
        value.count = 0;
        value.cumulative_counts.clear();
        let cumulative = totals.counts.iter().map(|in_bucket| {
            value.count += in_bucket;
            value.count
        });
        value.cumulative_counts.extend(cumulative);
        value.exemplars = self.exemplars.all();
        value.native = totals.native.as_ref().map(|native| {
            // Without classic buckets, only the native ones count observations.
            value.count = native.count();
            native.to_model()
        });
        if let (Some(native), true) = (&mut value.native, settings.bounds.upper().is_empty()) {
            native.exemplars = value.exemplars.drain(..).flatten().collect();
        }
    }
}

/// Memory that a scrape reuses for the next series.
#[derive(Debug, Default)]
pub struct HistogramScratch {
    totals: Totals,
    value: HistogramValue,
}

impl Observe for Histogram {
    fn observe_value(&self, value: f64) {
        self.observe(value);
    }
}

impl sealed::Sealed for Histogram {
    const TYPE: MetricType = MetricType::Histogram;
    type Cell = HistogramCell;
    type Scratch = HistogramScratch;

    fn cell(settings: &Settings) -> HistogramCell {
        HistogramCell {
            distribution: Distribution::new(
                settings.bounds.upper().len(),
                settings.native.as_deref().copied(),
            ),
            created: Timestamp::now(),
            exemplars: Exemplars::default(),
        }
    }

    fn from_series(series: Arc<SeriesCell<HistogramCell>>) -> Self {
        Self(series)
    }

    fn series(&self) -> &Arc<SeriesCell<HistogramCell>> {
        &self.0
    }

    fn show(
        series: &SeriesCell<HistogramCell>,
        head: SeriesKey<'_>,
        scratch: &mut HistogramScratch,
        sink: &mut dyn Sink,
    ) -> bool {
        series.cell.read(&series.shared.settings, scratch);
        let mut point = Sample::new(Value::Histogram(&scratch.value));
        point.created = Some(series.cell.created);
        sink.sample(head, &point)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Format, Registry, parse};

    #[test]
    fn a_scrape_is_answered_and_whole_while_the_threads_that_record_are_stopped() {
        for is_native in [false, true] {
            let registry = Registry::new();
            let mut definition = Histogram::define("wait_seconds", "h").buckets(&[1.0, 2.0]);
            if is_native {
                definition = definition.native();
            }
            let wait = registry.add(definition).unwrap();
            wait.observe(1);
            assert_eq!(wait.count(), 1);
            let scrape = || {
                let read = parse::openmetrics(registry.scrape(Format::OpenMetrics).to_vec());
                let read = read.unwrap();
                let count = read.value("wait_seconds_count", &[]);
                assert!(count.is_some_and(|count| count >= 1.0), "{count:?}");
                assert_eq!(count, read.value("wait_seconds_sum", &[]));
            };
            let stopped = wait.0.cell.distribution.stop_midway(scrape);
            assert_eq!(
                (wait.count(), wait.sum()),
                (1 + stopped, 1.0 + stopped as f64)
            );
        }
    }

    #[test]
    fn a_sum_that_could_fall_is_not_shown() {
        let registry = Registry::new();
        let definition = Histogram::define("drift_seconds", "h").buckets(&[-1.0, 1.0]);
        let drift = registry.add(definition).unwrap();
        drift.observe(-3);
        drift.observe(0.5);
        assert_eq!((drift.sum(), drift.value().sum()), (-2.5, None));
        let text = registry.scrape(Format::OpenMetrics).to_vec();
        let read = parse::openmetrics(text).unwrap();
        let bucket = |le| read.value("drift_seconds_bucket", &[("le", le)]);
        assert_eq!((bucket("-1.0"), bucket("+Inf")), (Some(1.0), Some(2.0)));
    }
}
