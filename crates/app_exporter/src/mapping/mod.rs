//! Rows → families: the one way from what a source says to what is shown. Knows no source and no format.

mod assembly;
mod failures;
mod group;
mod metric;
mod moment;
mod number;
mod plan;

pub(crate) use failures::Failures;
pub(crate) use plan::{Mapped, Mapping};
