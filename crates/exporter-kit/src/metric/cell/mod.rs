//! Cells: the words that recording writes and a scrape reads.
//!
//! What they have in common: the first thread to touch a cell owns words in it, which it updates with plain
//! loads and stores; other threads use atomic additions beside them; and a cell that others hit often gives
//! every thread words of its own. So recording is cheap while calm and does not collide when hot.

mod adder;
mod distribution;
mod float;
mod hot_cold;
#[cfg(all(test, exporter_kit_loom))]
mod models;
mod native;
pub(crate) mod slot;
mod spaced;
mod sparse_buckets;
mod writer;

pub(crate) use adder::Adder;
pub(crate) use distribution::Distribution;
pub(crate) use float::AtomicF64;
pub(crate) use hot_cold::Totals;
pub(crate) use native::{MAX_SCHEMA, MIN_SCHEMA, NativeSettings};
pub(crate) use spaced::Spaced;
pub(crate) use sparse_buckets::SparseBuckets;
