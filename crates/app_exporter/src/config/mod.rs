//! Values of the configuration file, and what is wrong with them and where.
//!
//! Knows no source and no format: each reads its own keys with what is here, and `setup` puts them together.

mod choice;
mod duration;
mod error;
#[cfg(feature = "_servers")]
pub(crate) mod login;
mod metric;
mod placed;
pub(crate) mod probe;
mod suggest;
mod template;
pub(crate) mod variant;

pub(crate) use choice::OneOrNamed;
pub(crate) use duration::Span;
pub(crate) use error::{ConfigError, Fault};
pub(crate) use metric::{Duplicates, MetricConfig, MetricType, TimestampUnit};
pub(crate) use placed::{At, Place};
pub(crate) use probe::{ProbeConfig, TARGET};
pub(crate) use suggest::{instead, there_is};
pub(crate) use template::{HiddenTemplate, Template};
