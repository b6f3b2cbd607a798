//! One scrape: walks over a registry's collectors, keeps them apart, and counts what failed.

#[cfg(feature = "http")]
pub(crate) mod ahead;
#[cfg(feature = "http")]
pub(crate) mod asking;
#[cfg(feature = "http")]
pub(crate) mod body;
mod clock;
#[cfg(feature = "http")]
pub(crate) mod coding;
#[cfg(feature = "http")]
pub(crate) mod deadline;
mod failure;
mod gate;
#[cfg(feature = "http")]
pub(crate) mod handler;
#[cfg(feature = "http")]
pub(crate) mod in_flight;
#[cfg(feature = "http")]
pub(crate) mod job;
#[cfg(feature = "http")]
pub(crate) mod negotiate;
#[cfg_attr(
    not(feature = "http"),
    allow(dead_code, reason = "only a server has families of its own")
)]
mod own;
#[cfg(feature = "http")]
pub(crate) mod recording;
mod scrape;
#[cfg(feature = "http")]
pub(crate) mod structures;
#[cfg(feature = "http")]
pub(crate) mod together;
#[cfg(feature = "zstd")]
pub(crate) mod zstd;

use crate::collect::Sink;
use crate::registry::Registered;

#[cfg(feature = "http")]
pub use body::{Body, BodyError};
pub(crate) use failure::{Failure, Failures};
#[cfg(feature = "http")]
pub use handler::{MetricsHandler, ResponseFuture};
#[cfg(feature = "http")]
pub(crate) use own::Own;
pub use scrape::Scrape;

/// What some collectors gave before the scrape, so that it need not wait for them.
pub(crate) trait Ahead: Send + Sync {
    /// Gives what that collector gave, and says what went wrong with it; nothing if it is to be collected now.
    fn give(&self, registered: &Registered, sink: &mut dyn Sink) -> Option<Option<Failure>>;
}
