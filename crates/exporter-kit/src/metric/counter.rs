//! The counter.

use std::sync::Arc;

use crate::collect::Sink;
use crate::metric::cell::{Adder, AtomicF64};
use crate::metric::definition::Definition;
use crate::metric::exemplars::{self, Exemplars};
use crate::metric::series::{SeriesCell, metric, sealed};
use crate::metric::setup::Settings;
use crate::model::{
    ExemplarError, IntoNumber, MetricType, Number, Sample, SeriesKey, Timestamp, Value,
};

/// A number that only goes up: requests served, bytes sent, errors.
///
/// Cheap to clone; clones count into the same series. Counting takes no lock and allocates nothing. Integers stay exact
/// beyond 2^53, up to 2^63.
///
/// ```
/// let registry = exporter_kit::Registry::new();
/// let requests = registry.counter("requests_total", "Requests served.")?;
/// requests.inc();
/// requests.inc_by(2);
/// assert_eq!(requests.get(), 3);
/// # Ok::<(), exporter_kit::RegisterError>(())
/// ```
///
/// Use, exposition and pitfalls: [the counter's page](crate::docs::counter).
#[derive(Clone)]
pub struct Counter(Arc<SeriesCell<CounterCell>>);

metric!(Counter);

/// Integers separate from other amounts, so that integers stay exact beyond 2^53.
#[derive(Debug)]
pub struct CounterCell {
    whole: Adder,
    rest: AtomicF64,
    created: Timestamp,
    exemplar: Exemplars,
}

/// Integers from here on are counted as floats.
const TWO_POW_63: f64 = 9_223_372_036_854_775_808.0;

impl Counter {
    /// Begins the definition of a counter; the name ends in `_total`.
    pub const fn define<'a>(name: &'a str, help: &'a str) -> Definition<'a, Self> {
        Definition::new(name, help, ())
    }

    /// Counts one.
    #[inline]
    pub fn inc(&self) {
        self.0.cell.whole.add_one();
    }

    /// Counts `amount`. Ignores negative amounts and NaN, because a counter never goes down.
    #[inline]
    pub fn inc_by(&self, amount: impl IntoNumber) {
        match amount.into_number() {
            Number::U64(n) => self.0.cell.add_whole(n),
            Number::I64(n) => self.0.cell.add_whole(u64::try_from(n).unwrap_or(0)),
            Number::F64(n) => self.0.cell.add_float(n),
        }
    }

    /// Counts `amount` and keeps `labels`, such as a trace id, as an exemplar. Only OpenMetrics and protobuf show
    /// exemplars.
    ///
    /// # Errors
    /// When the exemplar is invalid; the counter still counts the amount.
    pub fn inc_with_exemplar(
        &self,
        amount: impl IntoNumber,
        labels: &[(&str, &str)],
    ) -> Result<(), ExemplarError> {
        let amount = amount.into_number();
        self.inc_by(amount);
        let exemplar = exemplars::now(labels, amount.as_f64())?;
        // The counter ignored a negative amount or NaN.
        if amount.as_f64() > 0.0 {
            self.0.cell.exemplar.keep(0, 1, exemplar);
        }
        Ok(())
    }

    /// Counts one if `work` fails, and returns the result of `work`.
    ///
    /// # Errors
    /// Returns the error of `work`.
    ///
    /// ```
    /// let registry = exporter_kit::Registry::new();
    /// let failures = registry.counter("parse_failures_total", "Numbers that could not be read.")?;
    /// let number = failures.count_errors(|| "12x".parse::<i32>());
    /// assert!(number.is_err());
    /// assert_eq!(failures.get(), 1);
    /// # Ok::<(), exporter_kit::RegisterError>(())
    /// ```
    pub fn count_errors<T, E>(&self, work: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
        work().inspect_err(|_| self.inc())
    }

    /// Returns the count so far.
    ///
    /// The type is [`Number`], because neither `u64` nor `f64` holds every count: integers are exact beyond 2^53, and
    /// fractions such as seconds are possible. It compares with any number; use [`Number::as_f64`] for calculations.
    ///
    /// ```
    /// let sent = exporter_kit::Registry::new().counter("sent_bytes_total", "Bytes sent.")?;
    /// sent.inc_by((1_u64 << 53) + 1);
    /// assert_eq!(sent.get(), (1_u64 << 53) + 1);
    /// # Ok::<(), exporter_kit::RegisterError>(())
    /// ```
    pub fn get(&self) -> Number {
        self.0.cell.get()
    }
}

impl CounterCell {
    #[inline]
    fn add_whole(&self, n: u64) {
        if !self.whole.add(n) {
            self.add_huge(n);
        }
    }

    #[cold]
    #[inline(never)]
    #[allow(
        clippy::cast_precision_loss,
        reason = "beyond 2^63 the nearest f64 is what there is"
    )]
    fn add_huge(&self, n: u64) {
        self.rest.add(n as f64);
    }

    #[inline]
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "checked to be whole and in range"
    )]
    fn add_float(&self, n: f64) {
        if n > 0.0 {
            if n < TWO_POW_63 && n.fract() == 0.0 {
                self.add_whole(n as u64);
            } else {
                self.rest.add(n);
            }
        }
    }

    #[allow(
        clippy::cast_precision_loss,
        reason = "beyond 2^63 the nearest f64 is what there is"
    )]
    fn get(&self) -> Number {
        let whole = self.whole.get();
        let rest = self.rest.get();
        match u64::try_from(whole) {
            Ok(whole) if rest == 0.0 => Number::U64(whole),
            _ => Number::F64(whole as f64 + rest),
        }
    }
}

impl sealed::Sealed for Counter {
    const TYPE: MetricType = MetricType::Counter;
    type Cell = CounterCell;
    type Scratch = ();

    fn cell(_: &Settings) -> CounterCell {
        CounterCell {
            whole: Adder::new(),
            rest: AtomicF64::default(),
            created: Timestamp::now(),
            exemplar: Exemplars::default(),
        }
    }

    fn from_series(series: Arc<SeriesCell<CounterCell>>) -> Self {
        Self(series)
    }

    fn series(&self) -> &Arc<SeriesCell<CounterCell>> {
        &self.0
    }

    #[inline]
    fn show(
        series: &SeriesCell<CounterCell>,
        head: SeriesKey<'_>,
        (): &mut (),
        sink: &mut dyn Sink,
    ) -> bool {
        let cell = &series.cell;
        let exemplar = cell.exemplar.get(0);
        let mut point = Sample::new(Value::Counter(cell.get(), exemplar.as_ref()));
        point.created = Some(cell.created);
        sink.sample(head, &point)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Registry;

    fn counter() -> Counter {
        Registry::new().counter("c_total", "h").unwrap()
    }

    #[test]
    fn whole_amounts_are_exact_beyond_two_to_the_53() {
        let counter = counter();
        counter.inc_by((1u64 << 53) as f64);
        counter.inc();
        assert_eq!(counter.get(), Number::U64((1 << 53) + 1));
    }

    #[test]
    fn neighbours_share_no_cache_line_for_what_counting_touches() {
        // An `Arc` has two counts before its content. The allocator adds 8 bytes and rounds up to 16.
        let allocated = size_of::<SeriesCell<CounterCell>>() + 2 * 8 + 8;
        assert!(allocated.next_multiple_of(16) >= size_of::<Adder>() + 64);
    }

    #[test]
    fn ones_and_large_amounts_add_up_exactly() {
        let full = 1_u64 << 63;
        for amount in [1, full / 2, full - 1] {
            let counter = counter();
            counter.inc_by(amount);
            counter.inc_by(full - 1 - amount);
            counter.inc();
            counter.inc_by(full - 1);
            assert_eq!(counter.get(), Number::U64(u64::MAX));
            counter.inc();
            assert_eq!(counter.get(), 2.0 * TWO_POW_63);
            // These amounts fit in no atomic.
            counter.inc_by(full);
            counter.inc_by(u64::MAX);
            assert_eq!(counter.get(), 5.0 * TWO_POW_63);
        }
    }

    #[test]
    fn it_never_goes_down() {
        let counter = counter();
        counter.inc_by(2);
        for amount in [-1.0, f64::NAN, f64::NEG_INFINITY, -0.0] {
            counter.inc_by(amount);
        }
        counter.inc_by(-5);
        assert_eq!(counter.get(), 2.0);
    }

    #[test]
    fn what_counts_nothing_is_no_example() {
        let counter = counter();
        for amount in [-1.0, f64::NAN, 0.0] {
            counter.inc_with_exemplar(amount, &[("a", "b")]).unwrap();
        }
        assert_eq!(counter.0.cell.exemplar.get(0), None);
        counter.inc_with_exemplar(0.5, &[("a", "b")]).unwrap();
        assert!(counter.0.cell.exemplar.get(0).is_some());
    }

    #[test]
    fn fractions_and_what_a_u64_cannot_hold_add_up() {
        let counter = counter();
        counter.inc_by(0.5);
        counter.inc_by(u64::MAX);
        counter.inc_by(1);
        assert_eq!(counter.get(), 2.0 * TWO_POW_63);
        counter.inc_by(f64::INFINITY);
        assert_eq!(counter.get(), f64::INFINITY);
    }
}
