//! Values of the configuration file, and errors in them.
//!
//! Knows neither sources nor formats. They define their own keys with the types of this module, and `setup` combines
//! them.

mod byte_size;
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
#[cfg(feature = "_servers")]
mod visible_template;

pub(crate) use byte_size::ByteSize;
pub(crate) use choice::OneOrNamed;
pub(crate) use duration::Span;
pub(crate) use error::{ConfigError, Fault};
pub(crate) use metric::{Duplicates, MetricConfig, MetricType, TimestampUnit};
pub(crate) use placed::{At, Place};
pub(crate) use probe::{ProbeConfig, TARGET};
pub(crate) use suggest::{instead, there_is};
pub(crate) use template::HiddenTemplate;
#[cfg(feature = "_servers")]
pub(crate) use template::Template;
