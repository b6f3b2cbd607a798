//! Sinks: receivers of families, such as encoders.

use crate::collect::context::ScrapeContext;
use crate::model::{Descriptor, Sample, SeriesKey};

/// Accepts families: an encoder, a snapshot, a filter.
///
/// Only a [`Collect`](crate::Collect) calls it. It never fails: numbers are checked before they reach it.
pub trait Sink {
    /// Begins a family. Returns whether the sink wants its series; it ignores unwanted ones.
    fn family(&mut self, descriptor: &Descriptor) -> bool;

    /// Adds one series to the family begun last. Returns whether the sink wants more series; it ignores unwanted ones.
    fn sample(&mut self, key: SeriesKey<'_>, sample: &Sample<'_>) -> bool;

    /// The context of the scrape, such as its deadline.
    fn context(&self) -> &ScrapeContext {
        ScrapeContext::NONE
    }
}
