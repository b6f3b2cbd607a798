//! The summary.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::collect::Sink;
use crate::metric::cell::{Distribution, MAX_SCHEMA, NativeSettings, SparseBuckets, Totals};
use crate::metric::definition::Definition;
use crate::metric::series::{SeriesCell, metric, sealed};
use crate::metric::setup::Settings;
use crate::metric::timer::{self, Observe, Timer};
use crate::model::{IntoNumber, MetricType, Sample, SeriesKey, SummaryValue, Timestamp, Value};
use crate::sync::{Mutex, lock};

/// The count and the sum of observations, and optionally quantiles of the recent past.
///
/// Without quantiles it is the cheapest way to an average. Quantiles of several instances cannot be aggregated: use a
/// [`Histogram`](crate::Histogram) for that. Cheap to clone; clones are the same series.
///
/// ```
/// use exporter_kit::{Registry, Summary};
/// use std::time::Duration;
///
/// let registry = Registry::new();
/// let sizes = registry.add(Summary::define("answer_size_bytes", "How large answers are.").unit("bytes"))?;
/// sizes.observe(512);
/// let waits = registry.add(
///     Summary::define("queue_wait_seconds", "How long jobs wait.").quantiles(&[0.5, 0.99], Duration::from_secs(600)),
/// )?;
/// waits.observe(0.2);
/// assert_eq!((sizes.count(), waits.sum()), (1, 0.2));
/// # Ok::<(), exporter_kit::RegisterError>(())
/// ```
///
/// Use, exposition and pitfalls: [the summary's page](crate::docs::summary).
#[derive(Clone)]
pub struct Summary(Arc<SeriesCell<SummaryCell>>);

metric!(Summary);

#[derive(Debug)]
pub struct SummaryCell {
    distribution: Distribution,
    created: Timestamp,
    /// `None` without quantiles.
    window: Option<Mutex<Window>>,
}

/// The resolution of the buckets behind quantiles: bounds grow by a factor of 2^(1/64). So the middle of a bucket is at
/// most 0.55 % from any value in it.
const QUANTILE_SCHEMA: i32 = 6;
const _: () = assert!(QUANTILE_SCHEMA <= MAX_SCHEMA);

/// Enough buckets for a range of 1 to 10^18 at that resolution, in both directions from the median.
const QUANTILE_BUCKET_LIMIT: usize = 4096;

/// The number of parts of the window; the oldest part expires as a whole.
const WINDOW_PARTS: u32 = 5;

impl<'a> Definition<'a, Summary> {
    /// Shows these quantiles (0 to 1, rising) of the observations in the last `window`.
    ///
    /// Each is within 0.55 % of the exact value. The window moves in steps of a fifth. An observation gets the time of
    /// the next scrape. Without observations, a quantile is NaN.
    #[must_use]
    pub const fn quantiles(mut self, quantiles: &'a [f64], window: Duration) -> Self {
        self.setup.quantiles = quantiles;
        self.setup.window = window;
        self
    }
}

impl Summary {
    /// Begins the definition of a summary.
    pub const fn define<'a>(name: &'a str, help: &'a str) -> Definition<'a, Self> {
        Definition::new(name, help, ())
    }

    /// Records one observation. A `Duration` counts in seconds.
    #[inline]
    pub fn observe(&self, value: impl IntoNumber) {
        self.0
            .cell
            .distribution
            .observe(0, value.into_number().as_f64());
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
    pub async fn time_async<T>(&self, work: impl AsyncFnOnce() -> T) -> T {
        timer::time_async(self, work).await
    }

    /// Returns the number of observations.
    pub fn count(&self) -> u64 {
        // Not directly from the cell: observations taken from there must reach the window.
        self.value().count.unwrap_or_default()
    }

    /// Returns the sum of all observations.
    pub fn sum(&self) -> f64 {
        self.value().sum.unwrap_or_default()
    }

    /// Returns count, sum and quantiles at one moment.
    pub fn value(&self) -> SummaryValue {
        self.0.cell.value(&self.0.shared.settings, Instant::now())
    }
}

impl SummaryCell {
    fn value(&self, settings: &Settings, now: Instant) -> SummaryValue {
        let mut totals = Totals::default();
        let mut window = self.window.as_ref().map(lock);
        self.distribution.read(&mut totals, |latest| {
            if let (Some(window), Some(latest)) = (&mut window, &latest.native) {
                window.add(latest, now);
            }
        });
        let quantiles = window.map_or_else(Vec::new, |mut window| {
            let recent = window.recent(now);
            let quantiles = settings.quantiles.iter();
            quantiles
                .map(|quantile| (*quantile, recent.quantile(*quantile)))
                .collect()
        });
        SummaryValue {
            quantiles,
            count: Some(totals.counts.iter().sum()),
            sum: Some(totals.sum),
        }
    }
}

/// The observations of the recent past, in parts that expire as a whole.
#[derive(Debug)]
struct Window {
    length: Duration,
    /// The start and the observations of each part, oldest first.
    parts: VecDeque<(Instant, SparseBuckets)>,
}

impl Window {
    fn settings() -> NativeSettings {
        NativeSettings {
            schema: QUANTILE_SCHEMA,
            zero_threshold: 0.0,
            bucket_limit: QUANTILE_BUCKET_LIMIT,
        }
    }

    fn add(&mut self, latest: &SparseBuckets, now: Instant) {
        let part_length = self.length / WINDOW_PARTS;
        match self.parts.back_mut() {
            Some((began, part)) if now.saturating_duration_since(*began) < part_length => {
                part.merge(latest)
            }
            _ => self.parts.push_back((now, latest.clone())),
        }
    }

    fn recent(&mut self, now: Instant) -> SparseBuckets {
        self.parts
            .retain(|(began, _)| now.saturating_duration_since(*began) < self.length);
        let mut recent = SparseBuckets::new(&Self::settings());
        self.parts.iter().for_each(|(_, part)| recent.merge(part));
        recent
    }
}

impl Observe for Summary {
    fn observe_value(&self, value: f64) {
        self.observe(value);
    }
}

impl sealed::Sealed for Summary {
    const TYPE: MetricType = MetricType::Summary;
    type Cell = SummaryCell;
    type Scratch = ();

    fn cell(settings: &Settings) -> SummaryCell {
        let wanted = !settings.quantiles.is_empty();
        SummaryCell {
            distribution: Distribution::new(1, wanted.then(Window::settings)),
            created: Timestamp::now(),
            window: wanted.then(|| {
                Mutex::new(Window {
                    length: settings.window,
                    parts: VecDeque::new(),
                })
            }),
        }
    }

    fn from_series(series: Arc<SeriesCell<SummaryCell>>) -> Self {
        Self(series)
    }

    fn series(&self) -> &Arc<SeriesCell<SummaryCell>> {
        &self.0
    }

    fn show(
        series: &SeriesCell<SummaryCell>,
        head: SeriesKey<'_>,
        (): &mut (),
        sink: &mut dyn Sink,
    ) -> bool {
        let value = series.cell.value(&series.shared.settings, Instant::now());
        let mut point = Sample::new(Value::Summary(&value));
        point.created = Some(series.cell.created);
        sink.sample(head, &point)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Registry;

    #[test]
    fn a_reading_is_whole_while_the_threads_that_record_are_stopped() {
        for quantiles in [&[][..], &[0.5]] {
            let registry = Registry::new();
            let definition =
                Summary::define("s", "h").quantiles(quantiles, Duration::from_secs(50));
            let summary = registry.add(definition).unwrap();
            let read = || {
                let value = summary.value();
                assert_eq!(value.count.map(|count| count as f64), value.sum);
            };
            let stopped = summary.0.cell.distribution.stop_midway(read);
            assert_eq!(summary.count(), stopped);
            let recent = summary.value().quantiles;
            assert!(recent.iter().all(|(_, value)| value.round() == 1.0));
        }
    }

    #[test]
    fn asking_for_count_and_sum_takes_nothing_from_the_quantiles() {
        let registry = Registry::new();
        let definition = Summary::define("s", "h").quantiles(&[1.0], Duration::from_secs(50));
        let summary = registry.add(definition).unwrap();
        summary.observe(1);
        assert_eq!((summary.count(), summary.sum()), (1, 1.0));
        assert_eq!(summary.value().quantiles[0].1.round(), 1.0);
    }

    #[test]
    fn quantiles_forget_what_is_older_than_the_window() {
        let registry = Registry::new();
        let definition = Summary::define("s", "h").quantiles(&[0.5, 1.0], Duration::from_secs(50));
        let summary = registry.add(definition).unwrap();
        let start = Instant::now();
        let at = |seconds| {
            let value = summary.0.cell.value(
                &summary.0.shared.settings,
                start + Duration::from_secs(seconds),
            );
            value
                .quantiles
                .iter()
                .map(|(_, value)| value.round())
                .collect::<Vec<_>>()
        };
        assert!(at(0).iter().all(|value| value.is_nan()));
        summary.observe(10);
        assert_eq!(at(1), [10.0, 10.0]);
        (0..3).for_each(|_| summary.observe(2));
        assert_eq!(at(20), [2.0, 10.0]);
        assert_eq!(at(60), [2.0, 2.0]);
        assert!(at(80).iter().all(|value| value.is_nan()));
        assert_eq!((summary.count(), summary.sum()), (4, 16.0));
    }
}
