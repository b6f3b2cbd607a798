//! The atomics of a distribution that one thread writes.

use crate::metric::cell::AtomicF64;
use crate::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use crate::sync::{load_own, yield_now};

/// Counts per bucket and the sum of the observations. One thread updates them with plain stores; any thread reads them
/// consistently.
///
/// An update writes its bucket first, then the sum, then the number of ended updates. A reader reads in the opposite
/// order, so each part contains at least the updates of the part it read before. If the buckets add up to the number of
/// ended updates, which was read first, all three parts contain exactly the same updates.
///
/// A busy writer could keep a reader from finishing. So a reader that fails once closes the atomics: the writer then
/// records elsewhere until the reader opens them.
pub(crate) struct WriterWords {
    ended: AtomicU64,
    closed: AtomicBool,
    sum: AtomicF64,
    /// Whole cache lines, so that two threads never share one.
    counts: Box<[CacheLine]>,
}

#[repr(align(64))]
#[derive(Default)]
struct CacheLine([AtomicU64; 8]);

impl WriterWords {
    /// Makes atomics for `buckets`. With 0 buckets, `observe` always returns false.
    pub(crate) fn new(buckets: usize) -> Self {
        Self {
            ended: AtomicU64::new(0),
            closed: AtomicBool::new(false),
            sum: AtomicF64::default(),
            counts: (0..buckets.div_ceil(8))
                .map(|_| CacheLine::default())
                .collect(),
        }
    }

    /// Records as the one thread that owns these atomics; returns false while a reader has closed them.
    #[inline]
    pub(crate) fn observe(&self, bucket: usize, value: f64) -> bool {
        let Some(line) = self.counts.get(bucket / 8) else {
            return false;
        };
        if self.closed.load(Ordering::Relaxed) {
            return false;
        }
        let count = &line.0[bucket % 8];
        count.store(load_own(count) + 1, Ordering::Relaxed);
        self.sum.add_as_owner(value);
        self.ended
            .store(load_own(&self.ended) + 1, Ordering::Release);
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
        self.try_read(counts)
            .unwrap_or_else(|| self.read_closed(counts))
    }

    #[cold]
    fn read_closed(&self, counts: &mut [u64]) -> f64 {
        let sum = loop {
            // Close each time, because another reader may have opened the atomics. The update under way has to end.
            self.closed.store(true, Ordering::Relaxed);
            if let Some(sum) = self.try_read(counts) {
                break sum;
            }
            yield_now();
        };
        self.closed.store(false, Ordering::Relaxed);
        sum
    }

    fn try_read(&self, counts: &mut [u64]) -> Option<f64> {
        let ended = self.ended.load(Ordering::Acquire);
        let sum = self.sum.get_acquire();
        let mut begun = 0_u64;
        for (line, counts) in self.counts.iter().zip(counts.chunks_mut(8)) {
            for (word, count) in line.0.iter().zip(counts) {
                *count = word.load(Ordering::Relaxed);
                begun = begun.wrapping_add(*count);
            }
        }
        (begun == ended).then_some(sum)
    }
}
