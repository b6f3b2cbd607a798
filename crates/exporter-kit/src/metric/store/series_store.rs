//! All series of one family: those in order, and those made since the last scrape.

use std::sync::Arc;

use super::merge::{Merged, merge};
use super::run::Run;
use super::segment::Segment;
use crate::metric::series::Metric;

/// The series of a family. To be held under a lock, which is never held for longer than a few series take.
pub(crate) struct SeriesStore<M> {
    /// In the order of the heads, as the last scrape left them. Never changed, only replaced.
    sorted: Arc<Run<M>>,
    /// Made since, in the order of their creation.
    fresh: Run<M>,
    /// The number of removed series that are still in one of the runs.
    removed: usize,
}

/// The series that a scrape puts in order. They do not change meanwhile.
pub(crate) struct Disorder<M> {
    sorted: Arc<Run<M>>,
    fresh: Vec<Arc<Segment<M>>>,
}

/// Memory out of use, to be dropped or used again: not under the lock.
#[must_use]
pub(crate) struct Outdated<M> {
    disorder: Disorder<M>,
    /// The result of ordering.
    merged: Arc<Run<M>>,
    fresh: Run<M>,
}

impl<M: Metric> SeriesStore<M> {
    pub(crate) fn new() -> Self {
        Self {
            sorted: Arc::new(Run::new()),
            fresh: Run::new(),
            removed: 0,
        }
    }

    /// The number of series.
    pub(crate) fn len(&self) -> usize {
        self.held() - self.removed
    }

    /// The number of series that take memory: those that have been removed stay until the next scrape, or until there are
    /// more of them than others.
    pub(crate) fn held(&self) -> usize {
        self.sorted.len() + self.fresh.len()
    }

    /// The series whose head `is` recognises; it is also told whether something may be escaped in that head.
    #[inline]
    pub(crate) fn find(&self, hash: u64, is: impl Fn(&str, bool) -> bool) -> Option<&M> {
        self.sorted
            .find(hash, &is)
            .or_else(|| self.fresh.find(hash, &is))
    }

    /// Adds a series that is not there, under its head. `hash_of` gives the hash of a head's label values, which for
    /// this one is `hash`.
    pub(crate) fn push(&mut self, hash: u64, head: &str, series: M, hash_of: impl Fn(&str) -> u64) {
        // Series that come and go between scrapes must not pile up here.
        if self.fresh.len() > 2 * self.len() + 64 {
            let Merged { run, dropped } = merge(&Run::new(), &self.fresh.segments, &hash_of);
            self.fresh = run;
            self.removed -= dropped;
        }
        self.fresh.push(hash, head, series, hash_of);
    }

    /// Removes the series that `is` recognises; says whether it was there.
    pub(crate) fn remove(&mut self, hash: u64, is: impl Fn(&str, bool) -> bool) -> bool {
        let Some(series) = self.find(hash, is) else {
            return false;
        };
        series.series().mark_removed();
        self.removed += 1;
        true
    }

    /// Removes every series that is not wanted, by its head; says how many there were.
    pub(crate) fn remove_if(&mut self, mut unwanted: impl FnMut(&M, &str) -> bool) -> usize {
        let mut removed = 0;
        for segment in self.sorted.segments().chain(self.fresh.segments()) {
            let live = segment.live();
            for (at, series) in segment.series().iter().enumerate() {
                if live >> at & 1 == 1 && unwanted(series, segment.head(at)) {
                    series.series().mark_removed();
                    removed += 1;
                }
            }
        }
        self.removed += removed;
        removed
    }

    /// The series in the order of their heads, if they are so.
    pub(crate) fn in_order(&self) -> Result<Arc<Run<M>>, Disorder<M>> {
        if self.fresh.len() == 0 && self.removed == 0 {
            return Ok(Arc::clone(&self.sorted));
        }
        Err(Disorder {
            sorted: Arc::clone(&self.sorted),
            fresh: self.fresh.segments.clone(),
        })
    }

    /// Replaces what was in disorder by what came of it. What was made or removed meanwhile stays so.
    pub(crate) fn settle(
        &mut self,
        disorder: Disorder<M>,
        merged: Merged<M>,
        hash_of: impl Fn(&str) -> u64,
    ) -> Outdated<M> {
        let Merged { run, dropped } = merged;
        let merged = Arc::new(run);
        let mut outdated_fresh = Run::new();
        let were = &disorder.fresh;
        let still = self.fresh.segments.get(..were.len());
        if still.is_some_and(|still| still.iter().zip(were).all(|(a, b)| Arc::ptr_eq(a, b))) {
            let later = self.fresh.segments.split_off(were.len());
            outdated_fresh = std::mem::replace(&mut self.fresh, Run::of(later, hash_of));
            // The disorder has the one before.
            self.sorted = Arc::clone(&merged);
            self.removed -= dropped;
        }
        // Otherwise so many have come and gone meanwhile that those made were gathered again: for the next scrape.
        Outdated {
            disorder,
            merged,
            fresh: outdated_fresh,
        }
    }

    /// Replaces `merged` by the same in other memory.
    pub(crate) fn rehouse(&mut self, merged: &Arc<Run<M>>, rehoused: &Arc<Run<M>>) {
        if Arc::ptr_eq(&self.sorted, merged) {
            // Who asks has `merged` still, so nothing is dropped here.
            self.sorted = Arc::clone(rehoused);
        }
    }
}

impl<M: Metric> Disorder<M> {
    /// Puts everything in order, which takes its time: not under the lock.
    pub(crate) fn merge(&self, hash_of: impl Fn(&str) -> u64) -> Merged<M> {
        merge(&self.sorted, &self.fresh, hash_of)
    }
}

impl<M: Metric> Outdated<M> {
    /// The result of the disorder, and the same in the memory that the new series had before.
    ///
    /// Allocators keep what a thread frees for those that allocated it. If the memory of a scrape's thread were kept
    /// and that of the threads that make series given up, the heads would take memory twice.
    pub(crate) fn reuse(self) -> (Arc<Run<M>>, Arc<Run<M>>) {
        let Self {
            disorder,
            merged,
            fresh,
        } = self;
        drop(disorder);
        let rehoused = Arc::new(merged.rehoused(fresh));
        (merged, rehoused)
    }
}
