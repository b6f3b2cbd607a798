//! The atomics of a distribution that one thread writes.

use crate::metric::cell::AtomicF64;
use crate::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use crate::sync::load_own;

/// Counts per bucket and the sum of the observations. One thread updates them with plain stores; any thread reads them
/// consistently.
///
/// An update keeps the sum before it, writes its number, then the new sum, then its bucket. A reader adds up the
/// buckets between two readings of the number. If the number is the same, at most that one update is under way. The
/// buckets then show whether it has ended, and the sum before it is there if it has not. So a writer that stops between
/// any two steps, for however long, keeps no reader waiting.
///
/// A reader tries again if an update began meanwhile. A busy writer could keep it from finishing, so the reader closes
/// the atomics after a few tries. The writer then records elsewhere until the reader opens them.
pub(crate) struct WriterWords {
    /// The number of updates begun.
    begun: AtomicU64,
    /// The number of readers that have closed these atomics.
    closed: AtomicU32,
    /// The sum before the update with the number `begun`.
    sum_before: AtomicF64,
    sum: AtomicF64,
    /// Whole cache lines, so that two threads never share one.
    counts: Box<[CacheLine]>,
}

#[repr(align(64))]
#[derive(Default)]
struct CacheLine([AtomicU64; 8]);

/// The number of tries before a reader closes the atomics. Threads that record in many series rarely meet a reader
/// twice.
const OPEN_TRIES: usize = if cfg!(exporter_kit_loom) { 1 } else { 3 };

impl WriterWords {
    /// Makes atomics for `buckets`. With 0 buckets, `observe` always returns false.
    pub(crate) fn new(buckets: usize) -> Self {
        Self {
            begun: AtomicU64::new(0),
            closed: AtomicU32::new(0),
            sum_before: AtomicF64::default(),
            sum: AtomicF64::default(),
            counts: (0..buckets.div_ceil(8))
                .map(|_| CacheLine::default())
                .collect(),
        }
    }

    /// Records as the one thread that owns these atomics; returns false while a reader has closed them.
    #[inline]
    pub(crate) fn observe(&self, bucket: usize, value: f64) -> bool {
        self.observe_in_steps(bucket, value, || ())
    }

    /// Records, and calls `between` between any two steps.
    #[inline]
    pub(super) fn observe_in_steps(&self, bucket: usize, value: f64, between: impl Fn()) -> bool {
        let Some(line) = self.counts.get(bucket / 8) else {
            return false;
        };
        if self.closed.load(Ordering::Relaxed) != 0 {
            return false;
        }
        let count = &line.0[bucket % 8];
        // Each step is ordered after the steps before it.
        self.sum_before.copy_as_owner(&self.sum);
        between();
        let begun = load_own(&self.begun).wrapping_add(1);
        self.begun.store(begun, Ordering::Release);
        between();
        self.sum.add_as_owner(value);
        between();
        count.store(load_own(count) + 1, Ordering::Release);
        true
    }

    /// Adds the recorded counts to `counts` and returns the sum of the observations.
    pub(crate) fn add_to(&self, counts: &mut [u64]) -> f64 {
        // Most histograms fit here without an allocation.
        let mut here = [0; 32];
        let mut there = Vec::new();
        let read = match here.get_mut(..counts.len()) {
            Some(here) => here,
            None => {
                there.resize(counts.len(), 0);
                &mut there[..]
            }
        };
        let sum = self.read(read);
        for (total, count) in counts.iter_mut().zip(read) {
            *total += *count;
        }
        sum
    }

    /// Replaces `counts` with the recorded counts and returns the sum of the observations. Without buckets, leaves
    /// `counts` unchanged.
    pub(crate) fn read(&self, counts: &mut [u64]) -> f64 {
        (0..OPEN_TRIES)
            .find_map(|_| self.try_read(counts))
            .unwrap_or_else(|| self.read_closed(counts))
    }

    /// Each try fails only if an update began during it. So the loop ends with the first try after the writer has seen
    /// that the atomics are closed, and a stopped writer does not prolong it.
    #[cold]
    fn read_closed(&self, counts: &mut [u64]) -> f64 {
        self.closed.fetch_add(1, Ordering::Relaxed);
        let sum = loop {
            if let Some(sum) = self.try_read(counts) {
                break sum;
            }
        };
        self.closed.fetch_sub(1, Ordering::Relaxed);
        sum
    }

    fn try_read(&self, counts: &mut [u64]) -> Option<f64> {
        let begun = self.begun.load(Ordering::Acquire);
        // Before the buckets: a later update's value comes with the bucket of this one, and is then not used.
        let sum_before = self.sum_before.get_acquire();
        let mut ended = 0_u64;
        for (line, counts) in self.counts.iter().zip(counts.chunks_mut(8)) {
            for (word, count) in line.0.iter().zip(counts) {
                *count = word.load(Ordering::Acquire);
                ended = ended.wrapping_add(*count);
            }
        }
        let sum = if ended == begun {
            self.sum.get_acquire()
        } else {
            sum_before
        };
        (self.begun.load(Ordering::Relaxed) == begun).then_some(sum)
    }
}
