//! What takes families.

use crate::collect::context::ScrapeContext;
use crate::model::{Descriptor, Sample, SeriesKey};

/// Takes families: an encoder, a snapshot, a filter.
///
/// Called by [`Collect`](crate::Collect) only. It never fails: what can go wrong with a number is found before it gets here.
pub trait Sink {
    /// Begins a family. `false` says that its series are not wanted; giving them all the same is harmless.
    fn family(&mut self, descriptor: &Descriptor) -> bool;

    /// Takes one series of the family begun last. `false` says that no more of them are wanted; giving them all
    /// the same is harmless.
    fn sample(&mut self, key: SeriesKey<'_>, sample: &Sample<'_>) -> bool;

    /// What is known of the scrape: until when it must be done, for one.
    fn context(&self) -> &ScrapeContext {
        ScrapeContext::NONE
    }
}
