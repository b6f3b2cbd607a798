//! One run of a source: its time and its result.

use std::sync::{Arc, OnceLock};

use tokio::time::Instant;

use super::error::{SourceError, SourceErrorReason};
use super::fetch::{Deadline, Fetched};
use super::flight::Flight;
use super::memory::{MemoryLimit, MemoryShare};

/// The result of a run: numbers, or a failure that is already counted.
pub(crate) type RunResult = Result<Arc<Good>, SourceErrorReason>;

/// A run of a source that is under way. Dropping it stops the work.
pub(crate) struct SourceRun {
    pub(crate) flight: Flight<RunResult>,
    /// The deadline passed to the source.
    pub(crate) deadline: Deadline,
    /// True if the deadline is before the source's own timeout.
    pub(crate) is_cut_short: bool,
}

/// Numbers, and the time of their fetch.
pub(crate) struct Good {
    pub(crate) fetched: Fetched,
    pub(crate) at: Instant,
    /// The conflict with another source, once found and counted.
    pub(crate) conflict: OnceLock<Arc<str>>,
    /// The memory of the numbers, which goes back with them.
    pub(crate) _memory: MemoryShare,
}

impl Good {
    /// Holds new numbers, and takes their memory.
    ///
    /// # Errors
    /// When they exceed the limit together with those of other sources.
    pub(crate) fn hold(fetched: Fetched, limit: &MemoryLimit) -> Result<Self, SourceError> {
        let bytes = fetched.snapshot().held_bytes();
        let mut memory = limit.share();
        if !memory.take(bytes) {
            return Err(SourceError::limit(format!(
                "its numbers take about {bytes} bytes, and those of all sources more than the memory limit of {} bytes; \
                 fetch fewer series, or raise the limit",
                limit.bytes()
            )));
        }
        Ok(Self {
            fetched,
            at: Instant::now(),
            conflict: OnceLock::new(),
            _memory: memory,
        })
    }
}

/// The deadlines of one scrape.
#[derive(Clone, Copy)]
pub(crate) struct Deadlines {
    /// The end of the sources' work.
    pub(crate) work: Deadline,
    /// The end of the scrape's wait for them.
    pub(crate) scrape: Deadline,
}
