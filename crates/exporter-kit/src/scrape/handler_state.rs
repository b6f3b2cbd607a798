//! The options of a handler, and the state of its clones.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize};
use std::time::Duration;

use crate::registry::Registry;
use crate::scrape::appendix::Appendix;
use crate::scrape::coding::Compressors;
use crate::scrape::slots::Slots;
use crate::source::MemoryLimit;

/// The largest text, in bytes, kept in memory for several readers.
pub(crate) const SHARED_BYTES: usize = 1024 * 1024;

/// A size that no text has: the last one was too large to be shared, or none exists yet.
pub(crate) const UNKNOWN_SIZE: usize = usize::MAX;

/// The options of a handler.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    pub(super) timeout_offset: Duration,
    pub(super) default_timeout: Option<Duration>,
    /// 0 means unlimited.
    pub(super) max_requests: usize,
    /// Families of the server, which come last.
    pub(super) appendix: Option<Arc<Appendix>>,
}

/// The state that the clones of a handler share.
pub(crate) struct HandlerState {
    pub(crate) registry: Registry,
    pub(crate) compressors: Compressors,
    pub(super) slots: Slots,
    pub(crate) memory: MemoryLimit,
    /// True if the last complete scrape was fast and small.
    pub(crate) quick: AtomicBool,
    /// The size of the last complete text, in bytes.
    pub(crate) size: AtomicUsize,
}
