//! The count of scrapes in progress.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A scrape in progress, until its body is dropped.
#[derive(Debug)]
pub(crate) struct InFlight(Arc<AtomicUsize>);

impl InFlight {
    /// Counts one more, unless the limit is reached; 0 means unlimited.
    pub(crate) fn begin(count: &Arc<AtomicUsize>, limit: usize) -> Option<Self> {
        let before = count.fetch_add(1, Ordering::Relaxed);
        // Decrement at once if the limit is exceeded.
        let one = Self(Arc::clone(count));
        (limit == 0 || before < limit).then_some(one)
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
