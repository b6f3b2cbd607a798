//! Counts observations in buckets and sums them: the cell of histograms and summaries.

use std::fmt;

use crate::metric::cell::adder::{SPREAD_AFTER, SPREAD_SLOTS, SpreadPermit};
use crate::metric::cell::hot_cold::{HotCold, Totals};
use crate::metric::cell::native::NativeSettings;
use crate::metric::cell::slot;
use crate::metric::cell::writer::WriterWords;
use crate::sync::atomic::{AtomicU32, Ordering};
use crate::sync::{Mutex, OnceLock, lock};

/// Counts in `buckets` classic buckets, and in native buckets if set.
///
/// A writer records each observation completely in one place, and a reader reads each place completely. So a reading
/// never contains half an observation.
pub(crate) struct Distribution {
    buckets: usize,
    /// The thread that owns `own`, or `slot::NOBODY`; `slot::EVERYBODY` once the cell has spread. With native buckets,
    /// which all threads share, it is `slot::EVERYBODY` from the start.
    owner: AtomicU32,
    /// The approximate number of observations by other threads since the last scrape.
    foreign: AtomicU32,
    own: WriterWords,
    shared: OnceLock<Box<HotCold>>,
    spread: OnceLock<Box<SpreadWriters>>,
    native: Option<NativeSettings>,
    /// The observations drained from `shared` so far, if any. Draining holds this lock.
    accumulated: Mutex<Option<Box<Totals>>>,
}

struct SpreadWriters {
    words: [OnceLock<Box<Apart>>; SPREAD_SLOTS],
    _permit: SpreadPermit,
}

/// The atomics of one thread, with cache lines of their own.
#[repr(align(64))]
struct Apart(WriterWords);

impl Distribution {
    pub(crate) fn new(buckets: usize, native: Option<NativeSettings>) -> Self {
        let (owner, own) = match native {
            None => (slot::NOBODY, buckets),
            Some(_) => (slot::EVERYBODY, 0),
        };
        Self {
            buckets,
            owner: AtomicU32::new(owner),
            foreign: AtomicU32::new(0),
            own: WriterWords::new(own),
            shared: OnceLock::new(),
            spread: OnceLock::new(),
            native,
            accumulated: Mutex::new(None),
        }
    }

    /// Records `value`, which falls in the classic bucket `bucket`.
    #[inline]
    pub(crate) fn observe(&self, bucket: usize, value: f64) {
        let words = self.words_of(slot::current());
        if !words.is_some_and(|words| words.observe(bucket, value)) {
            self.observe_unassigned(bucket, value);
        }
    }

    #[cold]
    #[inline(never)]
    fn observe_unassigned(&self, bucket: usize, value: f64) {
        self.observe_from(slot::assigned(), bucket, value);
    }

    /// Records `value` as the thread with number `slot`.
    pub(super) fn observe_from(&self, slot: u32, bucket: usize, value: f64) {
        let words = self.words_of(slot).or_else(|| self.claim(slot));
        if words.is_some_and(|words| words.observe(bucket, value)) {
            return;
        }
        if self.native.is_none() && self.spread.get().is_none() {
            // A lost count only delays the spreading.
            let foreign = self.foreign.load(Ordering::Relaxed).saturating_add(1);
            self.foreign.store(foreign, Ordering::Relaxed);
            if foreign == SPREAD_AFTER {
                self.spread_out();
            }
        }
        self.shared().observe(bucket, value);
    }

    /// Returns the atomics that only this thread writes, if it has any.
    #[inline]
    fn words_of(&self, slot: u32) -> Option<&WriterWords> {
        if self.owner.load(Ordering::Relaxed) == slot {
            return Some(&self.own);
        }
        let words = self.spread.get()?.words.get(slot as usize)?.get()?;
        Some(&words.0)
    }

    /// Assigns atomics to the thread, if it has a number and atomics are available.
    fn claim(&self, slot: u32) -> Option<&WriterWords> {
        if let Some(spread) = self.spread.get() {
            let words = spread.words.get(slot as usize)?;
            let words = words.get_or_init(|| Box::new(Apart(WriterWords::new(self.buckets))));
            return Some(&words.0);
        }
        slot::claim(&self.owner, slot).then_some(&self.own)
    }

    fn shared(&self) -> &HotCold {
        self.shared
            .get_or_init(|| Box::new(HotCold::new(self.buckets, self.native.as_ref())))
    }

    #[cold]
    fn spread_out(&self) {
        if let Some(permit) = SpreadPermit::take() {
            let words = std::array::from_fn(|_| OnceLock::new());
            // If another thread was first, dropping the value returns this permit.
            let _ = self.spread.set(Box::new(SpreadWriters {
                words,
                _permit: permit,
            }));
            // The owner now has atomics there too, so no thread writes the cache lines that all threads read.
            self.owner.store(slot::EVERYBODY, Ordering::Relaxed);
        }
    }

    /// Records one observation of 1.0 in bucket 0 in each place that this thread may use, and calls `read` between all
    /// steps of them, as if the threads that record had lost their processors there. Returns the number of observations.
    #[cfg(test)]
    pub(crate) fn stop_midway(&self, read: impl Fn()) -> u64 {
        let side = self.shared().begin();
        read();
        side.count(0, 1.0);
        read();
        let own = self.claim(slot::assigned()).unwrap_or(&self.own);
        let in_own = own.observe_in_steps(0, 1.0, &read);
        side.end();
        1 + u64::from(in_own)
    }

    /// Returns all observations so far.
    pub(crate) fn totals(&self) -> Totals {
        let mut totals = Totals::new(self.buckets, self.native.as_ref());
        self.read(&mut totals, |_| ());
        totals
    }

    /// Replaces the contents of `totals` with all observations so far. Passes to `latest` the observations that arrived
    /// in the shared atomics since the last reading: with native buckets, these are all.
    pub(crate) fn read(&self, totals: &mut Totals, latest: impl FnOnce(&Totals)) {
        if self.foreign.load(Ordering::Relaxed) != 0 {
            self.foreign.store(0, Ordering::Relaxed);
        }
        match self.shared.get() {
            None => {
                totals.begin_with(None, self.buckets, self.native.as_ref());
                totals.sum = self.own.read(&mut totals.counts);
            }
            Some(shared) => {
                let mut accumulated = lock(&self.accumulated);
                let mut drained = Totals::new(self.buckets, self.native.as_ref());
                shared.drain_into(&mut drained);
                latest(&drained);
                match &mut *accumulated {
                    Some(accumulated) => accumulated.merge(&drained),
                    none => *none = Some(Box::new(drained)),
                }
                totals.begin_with(accumulated.as_deref(), self.buckets, self.native.as_ref());
                totals.sum += self.own.add_to(&mut totals.counts);
            }
        }
        let Some(spread) = self.spread.get() else {
            return;
        };
        for words in spread.words.iter().filter_map(OnceLock::get) {
            totals.sum += words.0.add_to(&mut totals.counts);
        }
    }
}

impl fmt::Debug for Distribution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Distribution")
            .field("buckets", &self.buckets)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;
    use std::sync::atomic::AtomicBool;
    use std::thread;

    /// Checks that count and sum of each reading are equal while threads observe 1.0.
    fn readings_are_whole(native: Option<NativeSettings>) {
        let distribution = Distribution::new(3, native);
        let per_thread = u64::from(SPREAD_AFTER) * 4;
        let done = AtomicBool::new(false);
        thread::scope(|scope| {
            let writers: Vec<_> = (0..3)
                .map(|i| {
                    let distribution = &distribution;
                    scope.spawn(move || (0..per_thread).for_each(|_| distribution.observe(i, 1.0)))
                })
                .collect();
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    let totals = distribution.totals();
                    assert_eq!(totals.counts.iter().sum::<u64>() as f64, totals.sum);
                    if let Some(native) = &totals.native {
                        assert_eq!(native.count() as f64, totals.sum);
                    }
                }
            });
            writers
                .into_iter()
                .for_each(|writer| writer.join().unwrap());
            done.store(true, Ordering::Relaxed);
        });
        let totals = distribution.totals();
        assert_eq!(totals.counts, [per_thread; 3]);
        assert_eq!(totals.sum, (per_thread * 3) as f64);
    }

    /// Returns the count, and asserts that it is the sum of observations of 1.0.
    fn whole_count(distribution: &Distribution) -> u64 {
        let totals = distribution.totals();
        let count: u64 = totals.counts.iter().sum();
        assert_eq!(count as f64, totals.sum);
        if let Some(native) = &totals.native {
            assert_eq!(native.count(), count);
        }
        count
    }

    #[test]
    fn a_reading_never_waits_for_a_writer_and_never_shows_less_than_the_one_before() {
        let native = NativeSettings {
            schema: 3,
            zero_threshold: 0.0,
            bucket_limit: 160,
        };
        for native in [None, Some(native)] {
            let distribution = Distribution::new(3, native);
            let (shown, readings) = (Cell::new(0), Cell::new(0));
            let read = || {
                // Other threads go on recording.
                distribution.shared().observe(1, 1.0);
                let count = whole_count(&distribution);
                assert!(count >= shown.get(), "{count} after {}", shown.get());
                shown.set(count);
                readings.set(readings.get() + 1);
            };
            let stopped = distribution.stop_midway(read);
            assert_eq!(whole_count(&distribution), readings.get() + stopped);
        }
    }

    #[test]
    fn a_reading_never_has_half_an_observation() {
        readings_are_whole(None);
    }

    #[test]
    fn nor_with_native_buckets() {
        readings_are_whole(Some(NativeSettings {
            schema: 3,
            zero_threshold: 0.0,
            bucket_limit: 160,
        }));
    }
}
