//! The exposition formats and their encoders.
//!
//! An encoder is a sink: it knows the metric types and their values, but not the instruments that record them.

mod bounds;
mod copy;
mod encoding;
mod escaping;
mod family_header;
mod format;
mod label_fields;
mod lines;
pub(crate) mod number;
#[cfg(feature = "experimental-openmetrics-2")]
mod openmetrics2;
mod output;
mod protobuf;
mod sample_names;
mod scraped;
mod short_number;
mod text;
mod wire;

pub(crate) use encoding::{Give, encode};
pub use escaping::Escaping;
pub use format::Format;
pub(crate) use output::{ChunkFn, Output};
pub(crate) use sample_names::{ALL_SUFFIXES, claimed_base, sample_names};
