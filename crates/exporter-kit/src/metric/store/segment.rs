//! A few series side by side, with their keys in one string.

use super::fetch;
use crate::metric::series::Metric;

/// The maximum number of series in a segment: one bit each in the mask of live series.
pub(super) const SEGMENT_SERIES: usize = u64::BITS as usize;

/// The maximum length of a segment's text, unless a single key is longer. All full segments have the same capacity, so
/// that one can reuse the memory of another. Positions of keys have 16 bits.
const TEXT_BYTES: usize = 4096;

/// Up to 64 series: the keys, without the family's common prefix, in one string; the handles in one list.
pub(crate) struct Segment<M> {
    /// The keys, one after the other.
    text: String,
    /// The position of each key after the first.
    begins: Vec<u16>,
    /// Invariant: one more than `begins`, or none.
    series: Vec<M>,
    /// True if `text` contains an escape.
    escaped: bool,
}

impl<M: Metric> Segment<M> {
    pub(super) fn new() -> Self {
        Self {
            text: String::new(),
            begins: Vec::new(),
            series: Vec::new(),
            escaped: false,
        }
    }

    /// Makes a segment with memory for `series` series: it is likely to become as full as the segment before it.
    pub(super) fn large(series: usize) -> Self {
        Self {
            text: String::with_capacity(TEXT_BYTES),
            begins: Vec::with_capacity(series),
            series: Vec::with_capacity(series),
            escaped: false,
        }
    }

    /// Returns whether a series with this key fits.
    pub(super) fn has_room_for(&self, head: &str) -> bool {
        let count = self.series.len();
        count == 0 || (count < SEGMENT_SERIES && self.text.len() + head.len() <= TEXT_BYTES)
    }

    /// Adds a series. The caller ensures that it fits.
    pub(super) fn push(&mut self, head: &str, series: M) {
        let begin = self.text.len();
        if self.series.is_empty() {
            // Many families have one series only.
            self.series.reserve_exact(1);
        } else {
            let begin = u16::try_from(begin).unwrap_or(u16::MAX);
            self.begins.push(begin);
        }
        self.make_room(begin + head.len());
        self.text.push_str(head);
        self.series.push(series);
        self.escaped |= head.contains('\\');
    }

    /// Grows the text's memory, in steps that end at the size of a full segment.
    fn make_room(&mut self, needed: usize) {
        let room = self.text.capacity();
        if needed > room {
            let room = needed.max((2 * room).min(TEXT_BYTES));
            self.text.reserve_exact(room - self.text.len());
        }
    }

    /// Shrinks the lists, and the text unless it is nearly full. A nearly full text gets the size of a full one.
    pub(super) fn close(&mut self) {
        self.begins.shrink_to_fit();
        self.series.shrink_to_fit();
        if self.text.len() < TEXT_BYTES - TEXT_BYTES / 8 {
            self.text.shrink_to_fit();
        } else {
            self.make_room(TEXT_BYTES);
        }
    }

    /// Makes this segment equal to `other`, and reuses its own memory as far as possible.
    pub(super) fn become_same(&mut self, other: &Self) {
        self.text.clear();
        self.make_room(other.text.len());
        self.text.push_str(&other.text);
        self.begins.clone_from(&other.begins);
        self.series.clone_from(&other.series);
        self.escaped = other.escaped;
        self.close();
    }

    /// Returns the handles, including those of removed series.
    #[inline]
    pub(super) fn series(&self) -> &[M] {
        &self.series
    }

    /// Returns the key of the series at `at`: `name{labels} `.
    #[inline]
    pub(super) fn head(&self, at: usize) -> &str {
        let begin = match at.checked_sub(1) {
            Some(before) => usize::from(self.begins[before]),
            None => 0,
        };
        match self.begins.get(at) {
            Some(end) => &self.text[begin..usize::from(*end)],
            None => &self.text[begin..],
        }
    }

    /// Iterates over the series with their keys.
    #[inline]
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &M)> {
        let mut begin = 0;
        let mut rest = &*self.text;
        let mut ends = self.begins.iter();
        self.series.iter().map(move |series| {
            let end = ends.next().map_or(self.text.len(), |end| usize::from(*end));
            let (head, behind) = rest.split_at_checked(end - begin).unwrap_or((rest, ""));
            (begin, rest) = (end, behind);
            (head, series)
        })
    }

    /// Returns whether any key contains an escape.
    #[inline]
    pub(super) fn is_escaped(&self) -> bool {
        self.escaped
    }

    /// Returns a mask of the series that have not been removed: one bit each, the lowest for the first series.
    ///
    /// It reads the memory of all cells without waiting for any of them, so cache misses overlap.
    #[inline]
    pub(super) fn live(&self) -> u64 {
        let series = self.series.iter().enumerate();
        series.fold(0, |live, (at, series)| {
            live | u64::from(!series.series().is_removed()) << at
        })
    }

    /// Prefetches the lists that lead to the series.
    pub(super) fn fetch_lists(&self) {
        let begins = self
            .begins
            .iter()
            .step_by(fetch::LINE_BYTES / size_of::<u16>());
        begins.for_each(fetch::soon);
        let series = self
            .series
            .iter()
            .step_by(fetch::LINE_BYTES / size_of::<M>());
        series.for_each(fetch::soon);
    }

    /// Prefetches one series, and an equal part of the keys.
    #[inline]
    pub(super) fn fetch_series(&self, at: usize) {
        if let Some(series) = self.series.get(at) {
            fetch::soon(&**series.series());
        }
        if let Some(text) = self.text.as_bytes().get(at * fetch::LINE_BYTES) {
            fetch::soon(text);
        }
    }

    /// Returns the value of [`live`](Self::live) for a segment without removed series.
    pub(super) fn all(&self) -> u64 {
        (0..self.series.len()).fold(0, |all, at| all | 1 << at)
    }
}
