//! Metric types: what application code records into. None of them knows a format.

mod bounds;
mod buckets;
mod callback;
mod cell;
mod counter;
mod definition;
mod enum_family;
mod exemplars;
mod family;
mod family_series;
mod fixed;
mod gauge;
mod histogram;
mod info;
#[cfg(all(test, exporter_kit_loom))]
mod models;
mod recent;
mod series;
mod setup;
mod state_set;
mod store;
mod summary;
mod timer;

pub use counter::Counter;
pub use definition::{Define, Definition, DefinitionError, FamilyDefinition};
pub use enum_family::{EnumFamily, EnumFamilyDefinition, EnumLabels, LabelEnum};
pub use family::Family;
pub use fixed::{Metric, Static};
pub use gauge::{Gauge, InProgress, IntGauge};
pub use histogram::{DEFAULT_BUCKETS, Histogram};
pub use info::{Info, InfoDefinition};
pub use series::Instrument;
pub use setup::SetupErrorKind;
pub use state_set::StateSet;
pub use summary::Summary;
pub use timer::{Observe, Timer};

pub(crate) use callback::Callback;
