//! One scrape: walks over a registry's collectors, keeps them apart, and counts what failed.

#[cfg(feature = "http")]
pub(crate) mod ahead;
#[cfg(feature = "http")]
pub(crate) mod answer;
#[cfg_attr(
    not(feature = "http"),
    allow(dead_code, reason = "only a server has families of its own")
)]
mod appendix;
#[cfg(feature = "http")]
pub(crate) mod asking;
#[cfg(feature = "http")]
pub(crate) mod body;
mod clock;
#[cfg(feature = "http")]
pub(crate) mod coding;
#[cfg(feature = "http")]
pub(crate) mod deadline;
#[cfg(feature = "http")]
pub(crate) mod handler;
#[cfg(feature = "http")]
pub(crate) mod in_flight;
#[cfg(feature = "http")]
pub(crate) mod job;
#[cfg(feature = "http")]
pub(crate) mod negotiation;
mod nested;
#[cfg(feature = "http")]
pub(crate) mod recording;
mod scrape;
#[cfg(feature = "http")]
pub(crate) mod shared_encoding;
#[cfg(feature = "http")]
pub(crate) mod structures;
mod walk;
#[cfg(feature = "zstd")]
pub(crate) mod zstd;

use crate::collect::{Failure, Sink};
use crate::registry::Registered;

#[cfg(feature = "http")]
pub use answer::ResponseFuture;
#[cfg(feature = "http")]
pub(crate) use appendix::Appendix;
#[cfg(feature = "http")]
pub use body::{Body, BodyError};
#[cfg(feature = "http")]
pub use handler::MetricsHandler;
pub use scrape::Scrape;

/// What some collectors gave before the scrape, so that it need not wait for them.
pub(crate) trait Ahead: Send + Sync {
    /// Gives what that collector gave, and says what went wrong with it; nothing if it is to be collected now.
    fn give(&self, registered: &Registered, sink: &mut dyn Sink) -> Option<Option<Failure>>;
}
