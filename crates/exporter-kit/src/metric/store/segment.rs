//! A few series side by side, their heads in one text.

use super::fetch;
use crate::metric::series::Metric;

/// The most series of a segment: as many as there are bits in what says which of them are live.
pub(super) const SEGMENT_SERIES: usize = u64::BITS as usize;

/// The most text of a segment, unless a single head is longer. All that are full have the same room, so that
/// what one gives up is what another needs. 16 bits say where a head begins.
const TEXT_BYTES: usize = 4096;

/// Up to 64 series: their heads, without how all of the family begin, in one text, their handles in one list.
pub(crate) struct Segment<M> {
    /// The heads, one behind the other.
    text: String,
    /// The position of each head.
    begins: Vec<u16>,
    /// Invariant: as many as `begins`.
    series: Vec<M>,
    /// True if anything in `text` is escaped.
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

    /// One that is likely to become as full as the one before it, with the memory for that from the start.
    pub(super) fn large(series: usize) -> Self {
        Self {
            text: String::with_capacity(TEXT_BYTES),
            begins: Vec::with_capacity(series),
            series: Vec::with_capacity(series),
            escaped: false,
        }
    }

    /// Returns whether a series with this head fits.
    pub(super) fn has_room_for(&self, head: &str) -> bool {
        let count = self.series.len();
        count == 0 || (count < SEGMENT_SERIES && self.text.len() + head.len() <= TEXT_BYTES)
    }

    /// Adds a series. Only where there is room.
    pub(super) fn push(&mut self, head: &str, series: M) {
        let begin = self.text.len();
        self.begins.push(u16::try_from(begin).unwrap_or(u16::MAX));
        self.make_room(begin + head.len());
        self.text.push_str(head);
        self.series.push(series);
        self.escaped |= head.contains('\\');
    }

    /// Makes the text's memory large enough, in steps that end where a full segment does.
    fn make_room(&mut self, needed: usize) {
        let room = self.text.capacity();
        if needed > room {
            let room = needed.max((2 * room).min(TEXT_BYTES));
            self.text.reserve_exact(room - self.text.len());
        }
    }

    /// Takes no more memory than it has to, if more series would have to be long ones to fit.
    pub(super) fn close(&mut self) {
        self.begins.shrink_to_fit();
        self.series.shrink_to_fit();
        if self.text.len() < TEXT_BYTES - TEXT_BYTES / 8 {
            self.text.shrink_to_fit();
        } else {
            self.make_room(TEXT_BYTES);
        }
    }

    /// Makes it the same as `other`, in the memory that it has as far as that goes.
    pub(super) fn become_same(&mut self, other: &Self) {
        self.text.clear();
        self.make_room(other.text.len());
        self.text.push_str(&other.text);
        self.begins.clone_from(&other.begins);
        self.series.clone_from(&other.series);
        self.escaped = other.escaped;
        self.close();
    }

    /// The handles. Some may be of series that have been removed.
    #[inline]
    pub(super) fn series(&self) -> &[M] {
        &self.series
    }

    /// The head of the series at `at`: `name{labels} `.
    #[inline]
    pub(super) fn head(&self, at: usize) -> &str {
        let begin = usize::from(self.begins[at]);
        match self.begins.get(at + 1) {
            Some(end) => &self.text[begin..usize::from(*end)],
            None => &self.text[begin..],
        }
    }

    /// The series with their heads.
    #[inline]
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &M)> {
        let mut begin = 0;
        let mut rest = &*self.text;
        let mut ends = self.begins.get(1..).unwrap_or_default().iter();
        self.series.iter().map(move |series| {
            let end = ends.next().map_or(self.text.len(), |end| usize::from(*end));
            let (head, behind) = rest.split_at_checked(end - begin).unwrap_or((rest, ""));
            (begin, rest) = (end, behind);
            (head, series)
        })
    }

    /// Returns whether any head has something escaped.
    #[inline]
    pub(super) fn is_escaped(&self) -> bool {
        self.escaped
    }

    /// The series that have not been removed: a bit for each, the first one's lowest.
    ///
    /// It reads from every cell's memory and waits for none of them, so what is not cached arrives together.
    #[inline]
    pub(super) fn live(&self) -> u64 {
        let series = self.series.iter().enumerate();
        series.fold(0, |live, (at, series)| {
            live | u64::from(!series.series().is_removed()) << at
        })
    }

    /// Has the lists fetched from memory, by which the series are found.
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

    /// Has one series fetched from memory, and a part of the heads that is as large for each.
    #[inline]
    pub(super) fn fetch_series(&self, at: usize) {
        if let Some(series) = self.series.get(at) {
            fetch::soon(&**series.series());
        }
        if let Some(text) = self.text.as_bytes().get(at * fetch::LINE_BYTES) {
            fetch::soon(text);
        }
    }

    /// The value of [`live`](Self::live) if none has been removed.
    pub(super) fn all(&self) -> u64 {
        (0..self.series.len()).fold(0, |all, at| all | 1 << at)
    }
}
