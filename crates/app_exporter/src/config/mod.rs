//! Values of the configuration file, and errors in them.
//!
//! Knows neither sources nor formats. They define their own keys with the types of this module, and `setup` combines
//! them.

mod bounds;
mod byte_size;
mod choice;
mod column;
mod concealment;
mod duration;
mod error;
mod expansion;
mod expression;
#[cfg(feature = "_servers")]
pub(crate) mod login;
mod metric;
mod placed;
pub(crate) mod probe;
mod quote;
mod suggest;
mod template;
mod text_map;
pub(crate) mod variant;
#[cfg(feature = "_servers")]
mod visible_template;

pub(crate) use bounds::Bounds;
pub(crate) use byte_size::ByteSize;
pub(crate) use choice::OneOrNamed;
pub(crate) use column::{ColumnConfig, DerivedConfig, Notation, Replacements, TimeFormat};
pub(crate) use concealment::Concealment;
pub(crate) use duration::Span;
pub(crate) use error::{ConfigError, Fault};
pub(crate) use expansion::{Expanding, Variables};
pub(crate) use expression::{Expression, compile};
pub(crate) use metric::{Duplicates, MetricConfig, MetricType, TimestampUnit, VALUE};
pub(crate) use placed::{At, Place};
pub(crate) use probe::{ProbeConfig, TARGET, TargetEntry};
pub(crate) use quote::{MAX_QUOTED, cut};
pub(crate) use suggest::{instead, there_is};
#[cfg(feature = "_servers")]
pub(crate) use template::Template;
pub(crate) use template::{HiddenTemplate, TargetString};
pub(crate) use text_map::TextMap;
