//! Counts of a collector's failures.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::collect::Failure;

/// The number of a collector's failures by reason.
#[derive(Default)]
pub(crate) struct Failures {
    /// Lets every scrape check cheaply for failures.
    any: AtomicBool,
    times: [AtomicU64; Failure::ALL.len()],
}

impl Failures {
    pub(crate) fn count(&self, failure: Failure) {
        self.times[failure as usize].fetch_add(1, Ordering::Relaxed);
        self.any.store(true, Ordering::Release);
    }

    pub(crate) fn get(&self, failure: Failure) -> u64 {
        self.times[failure as usize].load(Ordering::Relaxed)
    }

    #[inline]
    pub(crate) fn any(&self) -> bool {
        self.any.load(Ordering::Acquire)
    }
}
