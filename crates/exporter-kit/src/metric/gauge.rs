//! Gauges for any number, and for integers.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use crate::collect::Sink;
use crate::metric::cell::{AtomicF64, Spaced};
use crate::metric::definition::Definition;
use crate::metric::series::{SeriesCell, metric, sealed};
use crate::metric::setup::Settings;
use crate::metric::timer::{self, Observe, Timer};
use crate::model::{IntoNumber, MetricType, Number, Sample, SeriesKey, Timestamp, Value};

/// A number that goes up and down: sessions, temperature, bytes in use. Starts at 0.
///
/// Cheap to clone; clones are the same series. Setting takes no lock and allocates nothing. If many threads increment
/// and decrement an integer, [`IntGauge`] is faster.
///
/// ```
/// let registry = exporter_kit::Registry::new();
/// let sessions = registry.gauge("app_active_sessions", "Number of active user sessions")?;
/// sessions.set(45);
/// sessions.dec();
/// assert_eq!(sessions.get(), 44.0);
/// # Ok::<(), exporter_kit::RegisterError>(())
/// ```
///
/// Use, exposition and pitfalls: [the gauge's page](crate::docs::gauge).
#[derive(Clone)]
pub struct Gauge(Arc<SeriesCell<Spaced<AtomicF64>>>);

metric!(Gauge);

impl Gauge {
    /// Begins the definition of a gauge.
    pub const fn define<'a>(name: &'a str, help: &'a str) -> Definition<'a, Self> {
        Definition::new(name, help, ())
    }

    /// Sets the value.
    #[inline]
    pub fn set(&self, value: impl IntoNumber) {
        self.0.cell.set(value.into_number().as_f64());
    }

    /// Adds one.
    #[inline]
    pub fn inc(&self) {
        self.0.cell.add(1.0);
    }

    /// Adds `amount`.
    #[inline]
    pub fn inc_by(&self, amount: impl IntoNumber) {
        self.0.cell.add(amount.into_number().as_f64());
    }

    /// Subtracts one.
    #[inline]
    pub fn dec(&self) {
        self.0.cell.add(-1.0);
    }

    /// Subtracts `amount`.
    #[inline]
    pub fn dec_by(&self, amount: impl IntoNumber) {
        self.0.cell.add(-amount.into_number().as_f64());
    }

    /// Sets the value to the current time, in seconds since 1970-01-01 UTC. Queries can derive the age from it.
    pub fn set_to_current_time(&self) {
        self.set(Timestamp::now().as_secs_f64());
    }

    /// Adds one until the guard is dropped.
    ///
    /// ```
    /// let registry = exporter_kit::Registry::new();
    /// let running = registry.gauge("jobs_running", "Jobs that run right now.")?;
    /// let job = running.track_in_progress();
    /// assert_eq!(running.get(), 1.0);
    /// drop(job);
    /// assert_eq!(running.get(), 0.0);
    /// # Ok::<(), exporter_kit::RegisterError>(())
    /// ```
    pub fn track_in_progress(&self) -> InProgress<Self> {
        self.inc();
        InProgress(self.clone(), Self::dec)
    }

    /// Starts a timer. Its drop sets the value to the elapsed seconds.
    pub fn start_timer(&self) -> Timer<Self> {
        Timer::start(self)
    }

    /// Runs `work` and sets the value to its duration in seconds. For a future, use [`time_async`](Self::time_async):
    /// this method measures only the creation of the future.
    pub fn time<T>(&self, work: impl FnOnce() -> T) -> T {
        timer::time(self, work)
    }

    /// Awaits `work` and sets the value to its duration in seconds, also if the future is dropped before its end.
    pub async fn time_async<T>(&self, work: impl AsyncFnOnce() -> T) -> T {
        timer::time_async(self, work).await
    }

    /// Returns the current value.
    #[inline]
    pub fn get(&self) -> f64 {
        self.0.cell.get()
    }
}

impl Observe for Gauge {
    fn observe_value(&self, value: f64) {
        self.set(value);
    }
}

/// An integer that goes up and down, from -2^63 to 2^63 - 1: connections, jobs in a queue. Starts at 0.
///
/// Similar to [`Gauge`], but each increment or decrement is one instruction, however many threads count.
///
/// ```
/// use exporter_kit::{IntGauge, Registry};
///
/// let connections = Registry::new().add(IntGauge::define("connections", "Open connections."))?;
/// connections.inc_by(3);
/// connections.dec();
/// assert_eq!(connections.get(), 2);
/// # Ok::<(), exporter_kit::RegisterError>(())
/// ```
#[derive(Clone)]
pub struct IntGauge(Arc<SeriesCell<Spaced<AtomicI64>>>);

metric!(IntGauge);

impl IntGauge {
    /// Begins the definition of a gauge for integers.
    pub const fn define<'a>(name: &'a str, help: &'a str) -> Definition<'a, Self> {
        Definition::new(name, help, ())
    }

    /// Sets the value.
    #[inline]
    pub fn set(&self, value: i64) {
        self.0.cell.store(value, Ordering::Relaxed);
    }

    /// Adds one.
    #[inline]
    pub fn inc(&self) {
        self.inc_by(1);
    }

    /// Adds `amount`; wraps around at the limits of the range.
    #[inline]
    pub fn inc_by(&self, amount: i64) {
        self.0.cell.fetch_add(amount, Ordering::Relaxed);
    }

    /// Subtracts one.
    #[inline]
    pub fn dec(&self) {
        self.dec_by(1);
    }

    /// Subtracts `amount`; wraps around at the limits of the range.
    #[inline]
    pub fn dec_by(&self, amount: i64) {
        self.0.cell.fetch_sub(amount, Ordering::Relaxed);
    }

    /// Adds one until the guard is dropped.
    pub fn track_in_progress(&self) -> InProgress<Self> {
        self.inc();
        InProgress(self.clone(), Self::dec)
    }

    /// Returns the current value.
    #[inline]
    pub fn get(&self) -> i64 {
        self.0.cell.load(Ordering::Relaxed)
    }
}

/// A guard that keeps a gauge one higher until its drop. Bind it to a name: `let _ = …` drops it at once.
#[must_use = "the gauge goes down when this is dropped, which is at once unless it is bound to a name: `let _guard = …`"]
#[derive(Debug)]
pub struct InProgress<M>(M, fn(&M));

impl<M> Drop for InProgress<M> {
    fn drop(&mut self) {
        (self.1)(&self.0);
    }
}

impl sealed::Sealed for Gauge {
    const TYPE: MetricType = MetricType::Gauge;
    type Cell = Spaced<AtomicF64>;
    type Scratch = ();

    fn cell(_: &Settings) -> Self::Cell {
        Spaced::default()
    }

    fn from_series(series: Arc<SeriesCell<Spaced<AtomicF64>>>) -> Self {
        Self(series)
    }

    fn series(&self) -> &Arc<SeriesCell<Spaced<AtomicF64>>> {
        &self.0
    }

    #[inline]
    fn show(
        series: &SeriesCell<Spaced<AtomicF64>>,
        head: SeriesKey<'_>,
        (): &mut (),
        sink: &mut dyn Sink,
    ) -> bool {
        sink.sample(
            head,
            &Sample::new(Value::Gauge(Number::F64(series.cell.get()))),
        )
    }
}

impl sealed::Sealed for IntGauge {
    const TYPE: MetricType = MetricType::Gauge;
    type Cell = Spaced<AtomicI64>;
    type Scratch = ();

    fn cell(_: &Settings) -> Self::Cell {
        Spaced::default()
    }

    fn from_series(series: Arc<SeriesCell<Spaced<AtomicI64>>>) -> Self {
        Self(series)
    }

    fn series(&self) -> &Arc<SeriesCell<Spaced<AtomicI64>>> {
        &self.0
    }

    #[inline]
    fn show(
        series: &SeriesCell<Spaced<AtomicI64>>,
        head: SeriesKey<'_>,
        (): &mut (),
        sink: &mut dyn Sink,
    ) -> bool {
        sink.sample(
            head,
            &Sample::new(Value::Gauge(Number::I64(
                series.cell.load(Ordering::Relaxed),
            ))),
        )
    }
}
