//! Metrics without a scrape: into a file, to a Pushgateway, to Graphite.
//!
//! For jobs that end before a scrape, and for systems that only receive. A scrape is better for a program that keeps
//! running, because Prometheus then notices that it is down.
//!
//! - [`Registry::write_text_file`](crate::Registry::write_text_file) leaves a file for node_exporter's textfile
//!   collector.
#![cfg_attr(
    feature = "push",
    doc = "- [`PushGateway`] replaces, adds to or deletes a group of metrics there."
)]
#![cfg_attr(
    feature = "push",
    doc = "- [`Graphite`] sends once, or every so often."
)]
#![cfg_attr(
    not(feature = "push"),
    doc = "- With the feature `push`: a Pushgateway, and Graphite."
)]

#[cfg(feature = "push")]
mod error;
#[cfg(feature = "push")]
mod exchange;
#[cfg(feature = "push")]
mod gateway;
#[cfg(feature = "push")]
mod graphite;
#[cfg(feature = "push")]
mod target;
mod text_file;

#[cfg(feature = "push")]
pub use error::PushError;
#[cfg(feature = "push")]
pub use gateway::PushGateway;
#[cfg(feature = "push")]
pub use graphite::{Graphite, GraphiteError, Pushing};
pub use text_file::TextFileError;
