//! Numbers that are fetched from elsewhere: asynchronous sources, and what runs them.
//!
//! A [`Source`] fetches; [`Sources`] runs any number of them side by side, each within its time, shares one run among
//! scrapes that arrive together, keeps numbers for as long as it was told to, and says of each source how it is. It is
//! a [`Collect`](crate::Collect): register it, and tell the server of it so that a scrape asks the sources first. A
//! longer introduction is in [`docs::sources`](crate::docs::sources).

mod backoff;
mod catch;
mod error;
mod flight;
mod health;
mod merge;
mod runner;
mod source;
mod sources;
mod spec;
mod status;
#[cfg(test)]
mod tests;
mod view;

pub use error::{ReplaceError, SourceError, SourceErrorReason};
pub use source::{Deadline, Fetched, Source};
pub use sources::{Replaced, Sources, SourcesBuilder};
pub use spec::{OnError, Schedule, SourceSpec};
pub use status::SourceStatus;
