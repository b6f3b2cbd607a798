//! Why collectors fail, and how often they did.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Why a collector's families are missing from a scrape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    Error,
    Panic,
    Duplicate,
    /// There was no time for it, or not for all of it.
    Deadline,
    /// It is still at work for a scrape that has ended without it.
    Hanging,
    /// It gave more than can be kept.
    Limit,
}

impl Failure {
    pub(super) const ALL: [Self; 6] = [
        Self::Error,
        Self::Panic,
        Self::Duplicate,
        Self::Deadline,
        Self::Hanging,
        Self::Limit,
    ];

    pub(super) fn reason(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Panic => "panic",
            Self::Duplicate => "duplicate_family",
            Self::Deadline => "deadline",
            Self::Hanging => "still_running",
            Self::Limit => "limit",
        }
    }
}

/// How often a collector failed, by reason.
#[derive(Default)]
pub(crate) struct Failures {
    /// Every scrape asks whether it ever failed.
    any: AtomicBool,
    times: [AtomicU64; Failure::ALL.len()],
}

impl Failures {
    pub(super) fn count(&self, failure: Failure) {
        self.times[failure as usize].fetch_add(1, Ordering::Relaxed);
        self.any.store(true, Ordering::Release);
    }

    pub(super) fn get(&self, failure: Failure) -> u64 {
        self.times[failure as usize].load(Ordering::Relaxed)
    }

    #[inline]
    pub(super) fn any(&self) -> bool {
        self.any.load(Ordering::Acquire)
    }
}
