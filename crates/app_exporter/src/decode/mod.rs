//! Decoders: from bytes to rows of named columns. Knows neither sources nor metrics.

mod csv;
mod decoder;
mod encoding;
mod failure;
mod format;
mod ini;
mod json;
mod key_value;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod law;
mod number;
mod pattern;
mod prometheus;
mod table;
mod text;
mod time_limit;
mod xml;
mod yaml;

pub(crate) use decoder::Decoder;
pub(crate) use failure::Failure;
pub(crate) use format::Format;
pub(crate) use table::{
    Cell, Content, Limits, Part, PartInfo, Parts, ROWS_PER_CHECK, Table, TableBuilder, Wanted,
};
pub(crate) use text::{parse_number, shown};
pub(crate) use time_limit::{check_deadline, with_deadline};
