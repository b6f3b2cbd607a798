//! One run of a source: its time and its result.

use std::sync::{Arc, OnceLock};

use tokio::time::Instant;

use super::error::SourceErrorReason;
use super::fetch::{Deadline, Fetched};
use super::flight::Flight;

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
}

/// The deadlines of one scrape.
#[derive(Clone, Copy)]
pub(crate) struct Deadlines {
    /// The end of the sources' work.
    pub(crate) work: Deadline,
    /// The end of the scrape's wait for them.
    pub(crate) scrape: Deadline,
}
