//! Merges new series into the ordered ones.

use std::sync::Arc;

use super::run::{Run, SeriesPosition};
use super::segment::{SEGMENT_SERIES, Segment};
use crate::metric::series::Metric;

/// Segments with fewer series are joined with the next one, if possible.
const LEAST_SERIES: usize = SEGMENT_SERIES / 4;

/// The result of a merge.
pub(crate) struct Merged<M> {
    /// All series in the order of their keys, without the removed ones.
    pub(super) run: Run<M>,
    /// The number of removed series left out.
    pub(super) dropped: usize,
}

/// Merges the series created since the last scrape into the ordered run.
///
/// The result shares a segment of that run, without copying, if no series was removed from it and no new one falls into
/// it.
pub(super) fn merge<M: Metric>(
    sorted: &Run<M>,
    fresh: &[Arc<Segment<M>>],
    hash_of: impl Fn(&str) -> u64,
) -> Merged<M> {
    let mut made: Vec<Origin<'_, M>> = Vec::new();
    let mut dropped = 0;
    for segment in fresh {
        let live = segment.live();
        dropped += (segment.all() & !live).count_ones() as usize;
        made.extend(origins(segment, live, None));
    }
    made.sort_unstable_by(|a, b| a.head().cmp(b.head()));
    let mut made = made.into_iter().peekable();

    let mut merge = Merge {
        segments: Vec::with_capacity(sorted.segments.len() + fresh.len()),
        waiting: Vec::with_capacity(4 * SEGMENT_SERIES),
        moved: vec![SeriesPosition::GONE; sorted.segments.len() * SEGMENT_SERIES],
        made: Vec::with_capacity(made.len()),
    };
    for (i, segment) in sorted.segments.iter().enumerate() {
        let next = sorted.segments.get(i + 1).map(|next| next.head(0));
        let belongs_here = |origin: &Origin<'_, M>| next.is_none_or(|next| origin.head() < next);
        let live = segment.live();
        let removed = (segment.all() & !live).count_ones() as usize;
        dropped += removed;
        if removed == 0 && !made.peek().is_some_and(belongs_here) {
            merge.keep(i, segment);
            continue;
        }
        for origin in origins(segment, live, Some(i)) {
            while let Some(before) = made.next_if(|made| made.head() < origin.head()) {
                merge.put(before);
            }
            merge.put(origin);
        }
        while let Some(behind) = made.next_if(belongs_here) {
            merge.put(behind);
        }
    }
    made.for_each(|origin| merge.put(origin));
    merge.settle(0);

    let Merge {
        segments,
        moved,
        made,
        ..
    } = merge;
    let mut run = Run {
        table: sorted.table.clone(),
        segments,
    };
    run.table.retain(|place| {
        *place = moved[place.index()];
        *place != SeriesPosition::GONE
    });
    run.make_room(made.len(), &hash_of);
    for place in made {
        run.note(place, &hash_of);
    }
    Merged { run, dropped }
}

/// The origin of a series.
struct Origin<'a, M> {
    segment: &'a Segment<M>,
    at: usize,
    /// Its place in the sorted run, unless it is new.
    was: Option<SeriesPosition>,
}

impl<M> Clone for Origin<'_, M> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<M> Copy for Origin<'_, M> {}

impl<'a, M: Metric> Origin<'a, M> {
    fn head(&self) -> &'a str {
        self.segment.head(self.at)
    }
}

/// Returns the live series of a segment; `number` is its position in the sorted run, if it is part of that.
fn origins<M: Metric>(
    segment: &Segment<M>,
    live: u64,
    number: Option<usize>,
) -> impl Iterator<Item = Origin<'_, M>> {
    (0..segment.series().len())
        .filter(move |at| live >> at & 1 == 1)
        .map(move |at| Origin {
            segment,
            at,
            was: number.map(|number| SeriesPosition::new(number, at)),
        })
}

struct Merge<'a, M> {
    segments: Vec<Arc<Segment<M>>>,
    /// Series without a segment yet: they follow all series that have one.
    waiting: Vec<Origin<'a, M>>,
    /// The new places of the sorted run's series.
    moved: Vec<SeriesPosition>,
    /// The places of the new series.
    made: Vec<SeriesPosition>,
}

impl<'a, M: Metric> Merge<'a, M> {
    fn put(&mut self, origin: Origin<'a, M>) {
        self.waiting.push(origin);
        if self.waiting.len() == 4 * SEGMENT_SERIES {
            self.settle(SEGMENT_SERIES);
        }
    }

    /// Takes a segment of the sorted run unchanged, unless that would leave a small segment before it.
    fn keep(&mut self, number: usize, segment: &'a Arc<Segment<M>>) {
        let series = segment.series().len();
        self.settle(LEAST_SERIES);
        if (1..LEAST_SERIES).contains(&self.waiting.len()) {
            self.waiting
                .extend(origins(segment, segment.all(), Some(number)));
            if self.waiting.len() >= SEGMENT_SERIES / 2 {
                // Two half-full segments are better than a full and a small one.
                let half = self.waiting.split_off(self.waiting.len() / 2);
                self.settle(0);
                self.waiting = half;
                self.settle(0);
            }
            return;
        }
        for at in 0..series {
            self.moved[SeriesPosition::new(number, at).index()] =
                SeriesPosition::new(self.segments.len(), at);
        }
        self.segments.push(Arc::clone(segment));
    }

    /// Moves waiting series into segments until fewer than `left` remain; moves all if `left` is 0.
    fn settle(&mut self, left: usize) {
        let mut waiting = self.waiting.as_slice();
        while !waiting.is_empty() && waiting.len() >= left {
            let mut segment = Segment::large(waiting.len().min(SEGMENT_SERIES));
            while let [origin, rest @ ..] = waiting
                && segment.has_room_for(origin.head())
            {
                let place = SeriesPosition::new(self.segments.len(), segment.series().len());
                match origin.was {
                    Some(was) => self.moved[was.index()] = place,
                    None => self.made.push(place),
                }
                let series = origin.segment.series()[origin.at].clone();
                segment.push(origin.head(), series);
                waiting = rest;
            }
            segment.close();
            self.segments.push(Arc::new(segment));
        }
        let settled = self.waiting.len() - waiting.len();
        self.waiting.drain(..settled);
    }
}
