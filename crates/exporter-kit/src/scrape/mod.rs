//! A scrape, from the request's head to the body's bytes. Independent of sockets.

#[cfg(feature = "http")]
pub(crate) mod answer;
#[cfg_attr(
    not(feature = "http"),
    allow(dead_code, reason = "only a server has families of its own")
)]
mod appendix;
#[cfg(feature = "http")]
pub(crate) mod body;
#[cfg(feature = "http")]
pub(crate) mod clauses;
mod clock;
#[cfg(feature = "http")]
pub(crate) mod coding;
#[cfg(feature = "http")]
pub(crate) mod deadline;
mod exposition;
#[cfg(feature = "http")]
pub(crate) mod fairness;
#[cfg(feature = "http")]
pub(crate) mod gathering;
#[cfg(feature = "http")]
pub(crate) mod handler;
#[cfg(feature = "http")]
mod handler_state;
#[cfg(feature = "http")]
pub(crate) mod job;
#[cfg(feature = "http")]
pub(crate) mod negotiation;
mod nested;
#[cfg(feature = "http")]
pub(crate) mod peer;
#[cfg(feature = "http")]
pub(crate) mod pieces;
#[cfg(feature = "http")]
pub(crate) mod shared_encoding;
#[cfg(feature = "http")]
pub(crate) mod slots;
#[cfg(feature = "http")]
pub(crate) mod structures;
#[cfg(feature = "http")]
mod unread;
mod walk;
#[cfg(feature = "zstd")]
pub(crate) mod zstd;

use std::sync::Arc;

use crate::collect::{Failure, Sink};
use crate::registry::{InOrder, Registered};

#[cfg(feature = "http")]
pub use answer::ResponseFuture;
#[cfg(feature = "http")]
pub(crate) use appendix::Appendix;
#[cfg(feature = "http")]
pub use body::Body;
pub use exposition::Scrape;
#[cfg(feature = "http")]
pub use handler::MetricsHandler;
#[cfg(feature = "http")]
pub use pieces::BodyError;

/// Families collected before the scrape, so that it need not wait for them.
pub(crate) trait Prepared: Send + Sync {
    /// The collectors, in the order of the positions.
    fn in_order(&self) -> &Arc<InOrder>;

    /// Writes the families of the collector at that position; returns `None` if it must be collected now.
    fn give(
        &self,
        at: usize,
        registered: &Registered,
        sink: &mut dyn Sink,
    ) -> Option<Result<(), Failure>>;
}
