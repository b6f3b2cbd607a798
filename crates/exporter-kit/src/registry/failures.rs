//! Counts of a collector's failures.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::collect::Failure;

/// The number of a collector's failures by reason. Allocated at the first failure, because most collectors never fail.
#[derive(Default)]
pub(crate) struct Failures(OnceLock<Box<[AtomicU64; Failure::ALL.len()]>>);

impl Failures {
    pub(crate) fn count(&self, failure: Failure) {
        let times = self.0.get_or_init(Box::default);
        times[failure as usize].fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn get(&self, failure: Failure) -> u64 {
        let times = self.0.get();
        times.map_or(0, |times| times[failure as usize].load(Ordering::Relaxed))
    }

    /// Lets every scrape check cheaply for failures.
    #[inline]
    pub(crate) fn any(&self) -> bool {
        self.0.get().is_some()
    }
}
