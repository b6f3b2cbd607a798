//! The store of a family's series: a scrape walks through memory in one direction.
//!
//! Series created since the last scrape are in the order of creation; a scrape merges them into the others, in the
//! order of their keys. Bytes per series in addition to the cell's allocation: the rest of its key, 2 for the key's
//! position, 8 for the handle, and 6 to 12 in the hash table of label values.

mod fetch;
mod merge;
mod run;
mod segment;
mod series_store;

pub(crate) use run::Run;
pub(crate) use series_store::SeriesStore;
