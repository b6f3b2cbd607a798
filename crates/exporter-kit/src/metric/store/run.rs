//! Series that are found by their label values, and walked over segment by segment.

use std::sync::Arc;

use hashbrown::HashTable;

use super::fetch;
use super::segment::{SEGMENT_SERIES, Segment};
use crate::metric::series::Metric;

/// A series of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place(u32);

impl Place {
    /// No place.
    pub(super) const GONE: Self = Self(u32::MAX);

    /// A family with more than 2^32 series has no memory left to note them in.
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

/// So many series of the first segment are fetched before any is shown, and the others as many series ahead. Were it all
/// at once, the first would wait for the last.
const FETCHED_AHEAD: usize = 8;

/// Segments, and a table of all their series by the hash of their label values.
///
/// Removed series stay until the next merge, and are not handed out.
pub(crate) struct Run<M> {
    pub(super) table: HashTable<Place>,
    pub(super) segments: Vec<Arc<Segment<M>>>,
}

impl<M: Metric> Run<M> {
    pub(super) fn new() -> Self {
        Self {
            table: HashTable::new(),
            segments: Vec::new(),
        }
    }

    /// These segments, whose series have not been in a table yet.
    pub(super) fn of(segments: Vec<Arc<Segment<M>>>, hash_of: impl Fn(&str) -> u64) -> Self {
        let mut run = Self {
            table: HashTable::new(),
            segments,
        };
        for segment in 0..run.segments.len() {
            for at in 0..run.segments[segment].series().len() {
                run.note(Place::new(segment, at), &hash_of);
            }
        }
        run
    }

    /// Gives each series that has not been removed to `show`, with its head, until that wants no more.
    ///
    /// Meanwhile the segments to come are fetched from memory, each a step closer: where its lists are, what is in them,
    /// and what they lead to.
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

    /// The segments, to walk over.
    pub(super) fn segments(&self) -> impl Iterator<Item = &Segment<M>> {
        self.segments.iter().map(|segment| &**segment)
    }

    /// The number of series, with the removed ones.
    pub(super) fn len(&self) -> usize {
        self.table.len()
    }

    /// The series that `is` says is the one, if it has not been removed; `is` is given a head, and whether anything
    /// near it is escaped.
    #[inline]
    pub(super) fn find(&self, hash: u64, is: impl Fn(&str, bool) -> bool) -> Option<&M> {
        let place = self.table.find(hash, |place| {
            let segment = &self.segments[place.segment()];
            is(segment.head(place.at()), segment.is_escaped())
                && !segment.series()[place.at()].series().is_removed()
        })?;
        Some(&self.segments[place.segment()].series()[place.at()])
    }

    /// Adds a series behind the others; `hash` is that of the label values in its head.
    pub(super) fn push(&mut self, hash: u64, head: &str, series: M, hash_of: impl Fn(&str) -> u64) {
        // A segment that a scrape is looking at is left as it is.
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
        let place = Place::new(segments.len() - 1, at);
        self.table.insert_unique(hash, place, |place| {
            hash_of(segments[place.segment()].head(place.at()))
        });
    }

    /// The same, as far as it goes in the memory of a run that is not used any more.
    pub(super) fn rehoused(&self, old: Self) -> Self {
        let Self {
            mut table,
            segments,
        } = old;
        table.clone_from(&self.table);
        // Which others look at can't be used.
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

    /// Makes the table as large as it has to be for so many more.
    pub(super) fn make_room(&mut self, more: usize, hash_of: impl Fn(&str) -> u64) {
        let segments = &self.segments;
        let hash = |place: &Place| hash_of(segments[place.segment()].head(place.at()));
        let needed = self.table.len() + more;
        if self.table.capacity() > 4 * needed {
            self.table.shrink_to(needed, hash);
        } else {
            self.table.reserve(more, hash);
        }
    }

    /// Enters a series of the segments in the table.
    pub(super) fn note(&mut self, place: Place, hash_of: impl Fn(&str) -> u64) {
        let segments = &self.segments;
        let hash = |place: &Place| hash_of(segments[place.segment()].head(place.at()));
        self.table.insert_unique(hash(&place), place, hash);
    }
}
