//! What the tests with real systems share: finding them, running them, a folder for their files.

mod prometheus;
mod required;
mod scratch;
mod tool;

pub(crate) use prometheus::{Prometheus, number};
pub(crate) use required::require;
pub(crate) use scratch::Scratch;
pub(crate) use tool::{run, said};
