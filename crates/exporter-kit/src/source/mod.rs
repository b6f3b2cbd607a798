//! Numbers fetched from elsewhere: asynchronous sources, and their runner.
//!
//! A [`Source`] fetches. [`Sources`] runs any number of them side by side, each within its timeout, and shares one run
//! among scrapes that arrive together. It keeps numbers for the configured time, and reports the health of each source.
//! [Register](crate::Registry::register) it: each scrape of a server then fetches from the sources first. For an
//! introduction, see [`docs::sources`](crate::docs::sources).

mod backoff;
#[cfg(feature = "http")]
mod blocking;
#[cfg(feature = "http")]
mod buffer;
mod caught;
mod error;
mod fetch;
mod flight;
mod health;
mod history;
mod memory;
mod merge;
#[cfg(feature = "http")]
mod patience;
mod pool;
mod run;
mod runner;
mod sources;
mod spec;
mod status;
#[cfg(test)]
mod tests;
mod threads;
mod view;

#[cfg(feature = "http")]
pub(crate) use blocking::{Batch, Collected, CollectorRun, CollectorRuns};
pub use error::{ReplaceError, SourceError, SourceErrorReason};
pub use fetch::{Deadline, Fetched, Source};
pub use memory::{MemoryLimit, MemoryShare};
#[cfg(feature = "http")]
pub(crate) use sources::Fetches;
pub(crate) use sources::LastNumbers;
pub use sources::{Replaced, Sources, SourcesBuilder};
pub use spec::{OnError, Schedule, SourceSpec};
pub use status::SourceStatus;
pub use threads::{BlockingThreads, BlockingTurn};
#[cfg(feature = "http")]
pub(crate) use view::View;
