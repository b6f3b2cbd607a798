//! The store of a family's series: a scrape walks through memory in one direction.
//!
//! Series made since the last scrape are in the order of their creation; a scrape puts them between the others,
//! in the order of their heads. Bytes per series beside its cell's allocation: the rest of its head, 2 to find it, 8
//! for the handle, and 6 to 12 in the table that finds it by its label values.

mod fetch;
mod merge;
mod run;
mod segment;
mod series_store;

pub(crate) use run::Run;
pub(crate) use series_store::SeriesStore;
