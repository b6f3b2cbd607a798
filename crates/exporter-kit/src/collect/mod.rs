//! The two traits between numbers and formats: [`Collect`] writes families, [`Sink`] accepts them.

mod any_labels;
mod collector;
pub(crate) mod context;
mod error;
mod failure;
mod family_writer;
mod given;
mod scope;
mod sink;

pub use collector::Collect;
pub(crate) use collector::{Internal, collect_by_deref};
pub use context::ScrapeContext;
pub use error::CollectError;
pub(crate) use failure::Failure;
pub use family_writer::FamilyWriter;
pub(crate) use scope::{Scope, ScopedSink};
pub use sink::Sink;
