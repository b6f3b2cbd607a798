//! One scrape: walks over a registry's collectors, keeps them apart, and counts what failed.

mod clock;
mod failure;
mod gate;
#[cfg_attr(
    not(feature = "http"),
    allow(dead_code, reason = "only a server has families of its own")
)]
mod own;
mod scrape;

use crate::collect::Sink;
use crate::registry::Registered;

pub(crate) use failure::{Failure, Failures};
#[cfg(feature = "http")]
pub(crate) use own::Own;
pub use scrape::Scrape;

/// What some collectors gave before the scrape, so that it need not wait for them.
pub(crate) trait Ahead: Send + Sync {
    /// Gives what that collector gave, and says what went wrong with it; nothing if it is to be collected now.
    fn give(&self, registered: &Registered, sink: &mut dyn Sink) -> Option<Option<Failure>>;
}
