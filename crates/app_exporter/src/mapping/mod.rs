//! From rows to families. Knows neither sources nor formats.

mod assembly;
mod failures;
mod group;
mod metric;
mod moment;
mod number;
mod plan;

pub(crate) use failures::Failures;
pub(crate) use plan::{Mapped, Mapping};
