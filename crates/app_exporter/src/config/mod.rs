//! The configuration file: what the user wrote, checked, and nothing else.
//!
//! Nothing here opens, connects or reads the environment; what runs is built from it by `sources`.

mod check;
mod choice;
mod duration;
mod error;
mod families;
mod file;
mod login;
mod metric;
mod placed;
pub(crate) mod probe;
mod secret;
mod shown;
mod source;
mod suggest;
mod template;
pub(crate) mod variant;

pub(crate) use check::descriptor;
pub(crate) use choice::OneOrNamed;
pub(crate) use duration::Span;
pub(crate) use error::{ConfigError, Fault};
pub(crate) use file::{Config, Location};
pub(crate) use login::{Basic, Credential, Login, LoginKeys};
pub(crate) use metric::{Duplicates, MetricConfig, MetricType, TimestampUnit};
pub(crate) use placed::{At, Place};
pub(crate) use probe::{ProbeConfig, TARGET};
pub(crate) use secret::Secret;
pub(crate) use shown::shown;
pub(crate) use source::{OnError, Schedule, SourceConfig, SourceName};
pub(crate) use suggest::{instead, there_is};
pub(crate) use template::{HiddenTemplate, Template};
