//! From rows to families. Knows neither sources nor formats.

mod assembly;
mod column;
mod distribution;
mod failures;
mod group;
mod metric;
mod moment;
mod number;
mod plan;
mod totals;

pub(crate) use failures::Failures;
pub(crate) use plan::{Mapped, Mapping};
