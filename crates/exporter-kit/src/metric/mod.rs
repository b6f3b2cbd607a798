//! Metric types that application code records into. They are independent of exposition formats.

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
mod gauge;
mod histogram;
mod info;
#[cfg(all(test, exporter_kit_loom))]
mod models;
mod recent;
mod series;
mod setup;
mod setup_error;
mod state_set;
mod statics;
mod store;
mod summary;
mod timer;

pub use buckets::DEFAULT_BUCKETS;
pub use counter::Counter;
pub use definition::{Definition, DefinitionError};
pub use enum_family::{EnumFamily, EnumLabels, LabelEnum};
pub use family::Family;
pub use gauge::{Gauge, InProgress, IntGauge};
pub use histogram::Histogram;
pub use info::Info;
pub use series::Metric;
pub use setup_error::SetupErrorKind;
pub use state_set::StateSet;
pub use statics::Static;
pub use summary::Summary;
pub use timer::{Observe, Timer};

pub(crate) use callback::Callback;
pub(crate) use definition::Defined;
