//! Bytes → rows of named columns. Knows no source and no metric.

mod csv;
mod failure;
mod format;
mod json;
mod key_value;
#[cfg(test)]
mod laws;
mod number;
mod pattern;
mod prometheus;
mod table;
mod text;

pub(crate) use failure::Failure;
pub(crate) use format::{Decoder, FORMATS, Format};
pub(crate) use table::{Cell, Content, Limits, Part, PartInfo, Parts, Table, TableBuilder, Wanted};
pub(crate) use text::parse_number;
