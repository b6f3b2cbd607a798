//! Cells: the atomics that recording writes and a scrape reads.
//!
//! The first thread to touch a cell owns atomics in it, which it updates with plain loads and stores. Other threads use
//! atomic additions beside them. A cell that other threads hit often gives every thread atomics of its own. So
//! recording is cheap without contention and does not collide under contention.

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
