//! Sinks: encoders and everything else that families are handed to.

use crate::collect::context::ScrapeContext;
use crate::model::{Descriptor, Sample, SeriesKey};

/// Takes families: an encoder, a snapshot, a filter.
///
/// Only a [`Collect`](crate::Collect) calls it. It never fails: numbers are checked before they are handed over.
pub trait Sink {
    /// Begins a family. Returns whether its series are wanted; unwanted ones are ignored.
    fn family(&mut self, descriptor: &Descriptor) -> bool;

    /// Takes one series of the family begun last. Returns whether more of them are wanted; unwanted ones are ignored.
    fn sample(&mut self, key: SeriesKey<'_>, sample: &Sample<'_>) -> bool;

    /// The context of the scrape, such as its deadline.
    fn context(&self) -> &ScrapeContext {
        ScrapeContext::NONE
    }
}
