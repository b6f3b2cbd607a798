//! All series of one family: the ordered ones, and those created since the last scrape.

use std::sync::Arc;

use super::merge::{Merged, merge};
use super::run::Run;
use super::segment::Segment;
use crate::metric::series::Metric;

/// The series of a family. Protect it with a lock, and hold that lock no longer than a few series need.
pub(crate) struct SeriesStore<M> {
    /// The series in the order of their keys, from the last scrape. Never changed, only replaced.
    sorted: Arc<Run<M>>,
    /// The series created since then, in the order of creation.
    fresh: Run<M>,
    /// The number of removed series that still are in one of the runs.
    removed: usize,
}

/// The series that a scrape puts in order. They do not change meanwhile.
pub(crate) struct Disorder<M> {
    sorted: Arc<Run<M>>,
    fresh: Vec<Arc<Segment<M>>>,
}

/// Memory out of use. Drop or reuse it outside the lock.
#[must_use]
pub(crate) struct Outdated<M> {
    disorder: Disorder<M>,
    /// The ordered result.
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

    /// Returns the number of series.
    pub(crate) fn len(&self) -> usize {
        self.held() - self.removed
    }

    /// Returns the number of series in memory. Removed series stay until the next scrape, or until they outnumber the
    /// others.
    pub(crate) fn held(&self) -> usize {
        self.sorted.len() + self.fresh.len()
    }

    /// Finds the series whose key `is` accepts. The second argument of `is` is false if the key contains no escapes.
    #[inline]
    pub(crate) fn find(&self, hash: u64, is: impl Fn(&str, bool) -> bool) -> Option<&M> {
        self.sorted
            .find(hash, &is)
            .or_else(|| self.fresh.find(hash, &is))
    }

    /// Adds a series that does not exist yet. `hash_of` returns the hash of a key's label values; for this key that is
    /// `hash`.
    pub(crate) fn push(&mut self, hash: u64, head: &str, series: M, hash_of: impl Fn(&str) -> u64) {
        // Series that come and go between scrapes must not accumulate here.
        if self.fresh.len() > 2 * self.len() + 64 {
            let Merged { run, dropped } = merge(&Run::new(), &self.fresh.segments, &hash_of);
            self.fresh = run;
            self.removed -= dropped;
        }
        self.fresh.push(hash, head, series, hash_of);
    }

    /// Removes the series that `is` accepts; returns whether it existed.
    pub(crate) fn remove(&mut self, hash: u64, is: impl Fn(&str, bool) -> bool) -> bool {
        let Some(series) = self.find(hash, is) else {
            return false;
        };
        series.series().mark_removed();
        self.removed += 1;
        true
    }

    /// Removes every series that `unwanted` accepts; returns their number.
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

    /// Returns the series if they are in the order of their keys, or the disorder to merge.
    pub(crate) fn in_order(&self) -> Result<Arc<Run<M>>, Disorder<M>> {
        if self.fresh.len() == 0 && self.removed == 0 {
            return Ok(Arc::clone(&self.sorted));
        }
        Err(Disorder {
            sorted: Arc::clone(&self.sorted),
            fresh: self.fresh.segments.clone(),
        })
    }

    /// Replaces the disorder with its ordered result. Later additions and removals stay.
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
            // The disorder holds the previous run.
            self.sorted = Arc::clone(&merged);
            self.removed -= dropped;
        }
        // Otherwise so many series came and went meanwhile that `push` merged them. The next scrape orders them.
        Outdated {
            disorder,
            merged,
            fresh: outdated_fresh,
        }
    }

    /// Replaces `merged` with an equal run in other memory.
    pub(crate) fn rehouse(&mut self, merged: &Arc<Run<M>>, rehoused: &Arc<Run<M>>) {
        if Arc::ptr_eq(&self.sorted, merged) {
            // The caller still holds `merged`, so this drops nothing.
            self.sorted = Arc::clone(rehoused);
        }
    }
}

impl<M: Metric> Disorder<M> {
    /// Puts everything in order. This is slow: call it outside the lock.
    pub(crate) fn merge(&self, hash_of: impl Fn(&str) -> u64) -> Merged<M> {
        merge(&self.sorted, &self.fresh, hash_of)
    }
}

impl<M: Metric> Outdated<M> {
    /// Returns the ordered result, and a copy of it in the memory that the new series had before.
    ///
    /// Allocators keep freed memory for the thread that allocated it. If the store kept the scrape thread's memory and
    /// freed that of the threads that create series, the keys would take memory twice.
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
