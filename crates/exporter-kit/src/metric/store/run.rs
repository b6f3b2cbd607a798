//! Series with a look-up by label values and a walk segment by segment.

use std::sync::Arc;

use hashbrown::HashTable;

use super::fetch;
use super::segment::{SEGMENT_SERIES, Segment};
use crate::metric::series::Metric;

/// The place of a series: its segment and its position there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SeriesPosition(u32);

impl SeriesPosition {
    /// No place: the series was removed.
    pub(super) const GONE: Self = Self(u32::MAX);

    /// Returns `GONE` for a series beyond 2^32: memory is exhausted before that.
    pub(super) fn new(segment: usize, at: usize) -> Self {
        u32::try_from(segment * SEGMENT_SERIES + at).map_or(Self::GONE, Self)
    }

    #[inline]
    pub(super) fn index(self) -> usize {
        self.0 as usize
    }

    #[inline]
    fn segment(self) -> usize {
        self.index() / SEGMENT_SERIES
    }

    #[inline]
    fn at(self) -> usize {
        self.index() % SEGMENT_SERIES
    }
}

/// The number of series to prefetch before the first one is shown; the rest of the first segment follows at this
/// distance. With all of them at once, the first would wait for the last.
const FETCHED_AHEAD: usize = 8;

/// Segments, and a table of all their series by the hash of their label values.
///
/// Removed series stay until the next merge, but are never returned.
pub(crate) struct Run<M> {
    pub(super) table: HashTable<SeriesPosition>,
    pub(super) segments: Vec<Arc<Segment<M>>>,
}

impl<M: Metric> Run<M> {
    pub(super) fn new() -> Self {
        Self {
            table: HashTable::new(),
            segments: Vec::new(),
        }
    }

    /// Makes a run of these segments, and a table of their series.
    pub(super) fn of(segments: Vec<Arc<Segment<M>>>, hash_of: impl Fn(&str) -> u64) -> Self {
        let mut run = Self {
            table: HashTable::new(),
            segments,
        };
        for segment in 0..run.segments.len() {
            for at in 0..run.segments[segment].series().len() {
                run.note(SeriesPosition::new(segment, at), &hash_of);
            }
        }
        run
    }

    /// Passes each series that has not been removed to `show`, with its key, until that returns false.
    ///
    /// Meanwhile it prefetches the next segments, each one step further: the segment, its lists, and the series.
    pub(crate) fn walk(&self, mut show: impl FnMut(&str, &M) -> bool) {
        let segment = |number: usize| self.segments.get(number).map(|segment| &**segment);
        if let Some(first) = segment(0) {
            first.fetch_lists();
            (0..FETCHED_AHEAD).for_each(|at| first.fetch_series(at));
        }
        if let Some(second) = segment(1) {
            second.fetch_lists();
        }
        for (number, present) in self.segments.iter().enumerate() {
            if let Some(third) = segment(number + 3) {
                fetch::soon(third);
            }
            if let Some(second) = segment(number + 2) {
                second.fetch_lists();
            }
            let next = segment(number + 1);
            let first = (number == 0).then_some(present);
            for (at, (head, series)) in present.iter().enumerate() {
                if let Some(next) = next {
                    next.fetch_series(at);
                }
                if let Some(first) = first {
                    first.fetch_series(at + FETCHED_AHEAD);
                }
                if !series.series().is_removed() && !show(head, series) {
                    return;
                }
            }
        }
    }

    /// Returns the segments for a walk.
    pub(super) fn segments(&self) -> impl Iterator<Item = &Segment<M>> {
        self.segments.iter().map(|segment| &**segment)
    }

    /// Returns the number of series, including removed ones.
    pub(super) fn len(&self) -> usize {
        self.table.len()
    }

    /// Finds the series whose key `is` accepts, unless it has been removed. The second argument of `is` is false if the
    /// series' segment contains no escapes.
    #[inline]
    pub(super) fn find(&self, hash: u64, is: impl Fn(&str, bool) -> bool) -> Option<&M> {
        let place = self.table.find(hash, |place| {
            let segment = &self.segments[place.segment()];
            is(segment.head(place.at()), segment.is_escaped())
                && !segment.series()[place.at()].series().is_removed()
        })?;
        Some(&self.segments[place.segment()].series()[place.at()])
    }

    /// Adds a series after the others; `hash` is the hash of the label values in its key.
    pub(super) fn push(&mut self, hash: u64, head: &str, series: M, hash_of: impl Fn(&str) -> u64) {
        // A segment that a scrape is reading stays unchanged.
        let last = self.segments.last_mut().and_then(Arc::get_mut);
        let at = match last {
            Some(last) if last.has_room_for(head) => {
                last.push(head, series);
                last.series().len() - 1
            }
            last => {
                let mut next = match last {
                    Some(last) => {
                        last.close();
                        Segment::large(last.series().len())
                    }
                    None => Segment::new(),
                };
                next.push(head, series);
                self.segments.push(Arc::new(next));
                0
            }
        };
        let segments = &self.segments;
        let place = SeriesPosition::new(segments.len() - 1, at);
        self.table.insert_unique(hash, place, |place| {
            hash_of(segments[place.segment()].head(place.at()))
        });
    }

    /// Copies this run, as far as possible into the memory of a run that is out of use.
    pub(super) fn rehoused(&self, old: Self) -> Self {
        let Self {
            mut table,
            segments,
        } = old;
        table.clone_from(&self.table);
        // Segments with other readers are not reusable.
        let mut old = segments.into_iter().filter_map(Arc::into_inner);
        let segments = self.segments.iter().map(|segment| match old.next() {
            Some(mut old) => {
                old.become_same(segment);
                Arc::new(old)
            }
            None => Arc::clone(segment),
        });
        let segments = segments.collect();
        Self { table, segments }
    }

    /// Resizes the table for `more` additional series.
    pub(super) fn make_room(&mut self, more: usize, hash_of: impl Fn(&str) -> u64) {
        let segments = &self.segments;
        let hash = |place: &SeriesPosition| hash_of(segments[place.segment()].head(place.at()));
        let needed = self.table.len() + more;
        if self.table.capacity() > 4 * needed {
            self.table.shrink_to(needed, hash);
        } else {
            self.table.reserve(more, hash);
        }
    }

    /// Adds a series of the segments to the table.
    pub(super) fn note(&mut self, place: SeriesPosition, hash_of: impl Fn(&str) -> u64) {
        let segments = &self.segments;
        let hash = |place: &SeriesPosition| hash_of(segments[place.segment()].head(place.at()));
        self.table.insert_unique(hash(&place), place, hash);
    }
}
