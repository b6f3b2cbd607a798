//! Timing: guards and closures that record durations in seconds.

use std::fmt;
use std::time::{Duration, Instant};

use crate::metric::histogram::Histogram;
use crate::model::ExemplarError;

/// A metric that observes durations: a histogram, a summary, or a gauge that keeps the last one.
///
/// Sealed: only types of this library implement it.
pub trait Observe: super::series::Metric {
    /// Records a value; durations are in seconds.
    #[doc(hidden)]
    fn observe_value(&self, value: f64);
}

/// Records the time since its start on drop, also if a panic drops it.
///
/// Bind it to a name: `let _timer = …`. `let _ = …` drops it at once; rustc's lint `let_underscore_drop` reports that.
///
/// ```
/// let registry = exporter_kit::Registry::new();
/// let latency = registry.histogram("job_duration_seconds", "How long jobs take.")?;
/// {
///     let _timer = latency.start_timer();
///     // work
/// }
/// assert_eq!(latency.count(), 1);
/// # Ok::<(), exporter_kit::RegisterError>(())
/// ```
#[must_use = "a timer records when it is dropped, which is at once unless it is bound to a name: `let _timer = …`"]
pub struct Timer<M: Observe> {
    /// `None` after it has recorded, or after `discard`.
    metric: Option<M>,
    started: Instant,
}

impl<M: Observe> Timer<M> {
    pub(crate) fn start(metric: &M) -> Self {
        Self {
            metric: Some(metric.clone()),
            started: Instant::now(),
        }
    }

    /// Returns the time since the start.
    pub fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// Records now and returns the recorded time.
    pub fn stop(mut self) -> Duration {
        let elapsed = self.elapsed();
        if let Some(metric) = self.metric.take() {
            metric.observe_value(elapsed.as_secs_f64());
        }
        elapsed
    }

    /// Records into `metric` instead of the timer's own metric, such as a family's series that is known only now.
    pub fn stop_into(mut self, metric: &M) -> Duration {
        self.metric = Some(metric.clone());
        self.stop()
    }

    /// Stops without recording.
    pub fn discard(mut self) {
        self.metric = None;
    }
}

impl Timer<Histogram> {
    /// Records now, with `labels` such as a trace id as an [exemplar](Histogram::observe_with_exemplar), and returns
    /// the recorded time.
    ///
    /// ```
    /// let registry = exporter_kit::Registry::new();
    /// let latency = registry.histogram("job_duration_seconds", "How long jobs take.")?;
    /// let timer = latency.start_timer();
    /// timer.stop_with_exemplar(&[("trace_id", "4bf92f35")])?;
    /// assert_eq!(latency.count(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// When the exemplar is invalid; the metric still records the time.
    pub fn stop_with_exemplar(
        mut self,
        labels: &[(&str, &str)],
    ) -> Result<Duration, ExemplarError> {
        let elapsed = self.elapsed();
        if let Some(metric) = self.metric.take() {
            metric.observe_with_exemplar(elapsed, labels)?;
        }
        Ok(elapsed)
    }
}

impl<M: Observe> Drop for Timer<M> {
    fn drop(&mut self) {
        if let Some(metric) = &self.metric {
            metric.observe_value(self.started.elapsed().as_secs_f64());
        }
    }
}

impl<M: Observe> fmt::Debug for Timer<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Timer")
            .field("metric", &self.metric)
            .field("elapsed", &self.elapsed())
            .finish()
    }
}

/// Runs `work` and records its duration.
pub(crate) fn time<M: Observe, T>(metric: &M, work: impl FnOnce() -> T) -> T {
    let _timer = Timer::start(metric);
    work()
}

/// Runs `work` and records the time from the first poll to the end or the drop.
pub(crate) async fn time_async<M: Observe, T>(metric: &M, work: impl AsyncFnOnce() -> T) -> T {
    let _timer = Timer::start(metric);
    work().await
}

#[cfg(test)]
mod tests {
    use crate::Registry;

    #[test]
    fn a_timer_records_once_with_or_without_its_exemplar() {
        let latency = Registry::new().histogram("h_seconds", "h").unwrap();
        let elapsed = latency
            .start_timer()
            .stop_with_exemplar(&[("trace_id", "a")]);
        let value = latency.value();
        let exemplars: Vec<_> = value.exemplars.iter().flatten().collect();
        assert_eq!(exemplars.len(), 1);
        assert_eq!(exemplars[0].value(), elapsed.unwrap().as_secs_f64());
        let refused = latency
            .start_timer()
            .stop_with_exemplar(&[("trace_id", &"a".repeat(200))]);
        assert!(refused.is_err());
        assert_eq!(latency.count(), 2);
    }
}
