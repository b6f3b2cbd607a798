//! The two contracts between numbers and formats: [`Collect`] gives families, [`Sink`] takes them.

mod collector;
mod error;
mod family_writer;
mod given;
mod sink;

pub use collector::Collect;
pub(crate) use collector::collect_by_deref;
pub use error::CollectError;
pub use family_writer::FamilyWriter;
pub(crate) use given::Given;
pub use sink::Sink;
