//! The words of a distribution that one thread writes.

use crate::metric::cell::AtomicF64;
use crate::sync::atomic::{AtomicBool, AtomicU64, Ordering, fence};
use crate::sync::{load_own, yield_now};

/// Counts per bucket and the sum, updated by one thread with plain stores, read by any other as a whole.
///
/// Readers use the version as a sequence lock: it is odd while an update is under way, and a reading
/// counts only if the version stood still. So that a busy writer can't keep a reader from ever finishing,
/// a reader that fails once closes the words: the writer then records elsewhere until they are opened.
pub(crate) struct WriterWords {
    version: AtomicU64,
    closed: AtomicBool,
    sum: AtomicF64,
    /// Whole cache lines, so that the words of two threads never share one.
    counts: Box<[Line]>,
}

#[repr(align(64))]
#[derive(Default)]
struct Line([AtomicU64; 8]);

impl WriterWords {
    pub(crate) fn new(buckets: usize) -> Self {
        Self {
            version: AtomicU64::new(0),
            closed: AtomicBool::new(false),
            sum: AtomicF64::default(),
            counts: (0..buckets.div_ceil(8)).map(|_| Line::default()).collect(),
        }
    }

    /// Records as the one thread that these words belong to; false while a reader has closed them.
    #[inline]
    pub(crate) fn observe(&self, bucket: usize, value: f64) -> bool {
        let Some(line) = self.counts.get(bucket / 8) else {
            return false;
        };
        if self.closed.load(Ordering::Acquire) {
            return false;
        }
        let version = load_own(&self.version);
        self.version.store(version + 1, Ordering::Relaxed);
        fence(Ordering::Release);
        let count = &line.0[bucket % 8];
        count.store(load_own(count) + 1, Ordering::Relaxed);
        self.sum.add_as_owner(value);
        self.version.store(version + 2, Ordering::Release);
        true
    }

    /// Adds what was recorded to `counts` and gives its sum.
    pub(crate) fn read(&self, counts: &mut [u64]) -> f64 {
        // Room for most histograms without an allocation.
        let mut here = [0; 32];
        let mut there = Vec::new();
        let read = match here.get_mut(..counts.len()) {
            Some(here) => here,
            None => {
                there.resize(counts.len(), 0);
                &mut there[..]
            }
        };
        let sum = self
            .try_read(read)
            .unwrap_or_else(|| self.read_closed(read));
        for (total, count) in counts.iter_mut().zip(read) {
            *total += *count;
        }
        sum
    }

    #[cold]
    fn read_closed(&self, counts: &mut [u64]) -> f64 {
        self.closed.store(true, Ordering::Release);
        let sum = loop {
            // The update under way when it was closed has to end, unless another reader opens the words before.
            if let Some(sum) = self.try_read(counts) {
                break sum;
            }
            yield_now();
        };
        self.closed.store(false, Ordering::Release);
        sum
    }

    fn try_read(&self, counts: &mut [u64]) -> Option<f64> {
        let before = self.version.load(Ordering::Acquire);
        if before % 2 == 1 {
            return None;
        }
        let words = self.counts.iter().flat_map(|line| &line.0);
        for (count, word) in counts.iter_mut().zip(words) {
            *count = word.load(Ordering::Relaxed);
        }
        let sum = self.sum.get();
        fence(Ordering::Acquire);
        (self.version.load(Ordering::Relaxed) == before).then_some(sum)
    }
}
