//! All series of one family: those in order, and those made since the last scrape.

use std::sync::Arc;

use super::merge::{Merged, merge};
use super::run::Run;
use super::segment::Segment;
use crate::metric::series::Instrument;

/// The series of a family. To be held under a lock, which is never held for longer than a few series take.
pub(crate) struct SeriesStore<M> {
    /// In the order of the heads, as the last scrape left them. Never changed, only replaced.
    sorted: Arc<Run<M>>,
    /// Made since, in the order of their creation.
    fresh: Run<M>,
    /// How many have been removed that are still in one of the runs.
    removed: usize,
}

/// What a scrape has to put in order. While it is there, nothing in it changes.
pub(crate) struct Disorder<M> {
    sorted: Arc<Run<M>>,
    fresh: Vec<Arc<Segment<M>>>,
}

/// What has come out of use. To be dropped once the lock is given back.
#[must_use = "it may take long to drop: not under the lock"]
#[allow(dead_code, reason = "it is there to be dropped")]
pub(crate) struct Outdated<M> {
    disorder: Disorder<M>,
    sorted: Arc<Run<M>>,
    fresh: Run<M>,
}

impl<M: Instrument> SeriesStore<M> {
    pub(crate) fn new() -> Self {
        Self {
            sorted: Arc::new(Run::new()),
            fresh: Run::new(),
            removed: 0,
        }
    }

    /// How many series there are.
    pub(crate) fn len(&self) -> usize {
        self.held() - self.removed
    }

    /// How many series take memory: those that have been removed stay until the next scrape, or until there are
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

    /// Adds a series that is not there. `render` appends its head; `hash_of` gives the hash of a head's label values,
    /// which `hash` is for this one.
    pub(crate) fn push(
        &mut self,
        hash: u64,
        series: M,
        render: impl FnOnce(&mut String),
        hash_of: impl Fn(&str) -> u64,
    ) {
        // Where series come and go and nobody scrapes, the removed ones must not pile up here.
        if self.fresh.len() > 2 * self.len() + 64 {
            let Merged { run, dropped } = merge(&Run::new(), &self.fresh.segments, &hash_of);
            self.fresh = run;
            self.removed -= dropped;
        }
        self.fresh.push(hash, series, render, hash_of);
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

    /// Replaces what was in disorder by what came of it, and gives that. What was made or removed meanwhile stays so.
    pub(crate) fn settle(
        &mut self,
        disorder: Disorder<M>,
        merged: Merged<M>,
        hash_of: impl Fn(&str) -> u64,
    ) -> (Arc<Run<M>>, Outdated<M>) {
        let Merged { run, dropped } = merged;
        let merged = Arc::new(run);
        let mut outdated = Outdated {
            disorder,
            sorted: Arc::clone(&merged),
            fresh: Run::new(),
        };
        let Disorder { fresh, .. } = &outdated.disorder;
        let still = self.fresh.segments.get(..fresh.len());
        if still.is_some_and(|still| still.iter().zip(fresh).all(|(a, b)| Arc::ptr_eq(a, b))) {
            let later = self.fresh.segments.split_off(fresh.len());
            outdated.fresh = std::mem::replace(&mut self.fresh, Run::of(later, hash_of));
            outdated.sorted = std::mem::replace(&mut self.sorted, Arc::clone(&merged));
            self.removed -= dropped;
        }
        // Otherwise so many have come and gone meanwhile that those made were gathered anew. That is for the next scrape.
        (merged, outdated)
    }
}

impl<M: Instrument> Disorder<M> {
    /// Puts everything in order, which takes its time: not under the lock.
    pub(crate) fn merge(&self, hash_of: impl Fn(&str) -> u64) -> Merged<M> {
        merge(&self.sorted, &self.fresh, hash_of)
    }
}
