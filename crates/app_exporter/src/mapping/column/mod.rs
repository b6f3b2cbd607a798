//! Columns of rows: those of the decoder, and values that are derived from them. The same for every source.

mod derivation;
mod duration;
mod notation;
mod quantity;
mod reading;
mod time;

pub(super) use notation::not_a_number;
pub(super) use reading::{Column, ColumnPlace};
pub(super) use time::zoned_time;
