//! A few series side by side, their heads in one text.

use crate::metric::series::Instrument;

/// How many series a segment has at most: as many as there are bits in what says which of them are live.
pub(super) const SEGMENT_SERIES: usize = u64::BITS as usize;

/// A head begins at most here, so that 16 bits say where. The last one may be as long as it likes.
const MAX_BEGIN: usize = u16::MAX as usize;

/// Up to 64 series: their heads in one text, their handles in one list.
pub(crate) struct Segment<M> {
    /// The heads, one behind the other.
    text: String,
    /// Where each head begins.
    begins: Vec<u16>,
    /// Invariant: as many as `begins`.
    series: Vec<M>,
    /// Whether anything in `text` is escaped.
    escaped: bool,
}

impl<M: Instrument> Segment<M> {
    pub(super) fn with_capacity(text_bytes: usize, series: usize) -> Self {
        Self {
            text: String::with_capacity(text_bytes),
            begins: Vec::with_capacity(series),
            series: Vec::with_capacity(series),
            escaped: false,
        }
    }

    /// An empty one with room for as much as this one has.
    pub(super) fn successor(&self) -> Self {
        Self::with_capacity(self.text.len(), self.series.len())
    }

    pub(super) fn is_full(&self) -> bool {
        self.series.len() == SEGMENT_SERIES || self.text.len() > MAX_BEGIN
    }

    /// Adds a series, whose head `render` appends. Only while the segment is not full.
    pub(super) fn push(&mut self, series: M, render: impl FnOnce(&mut String)) {
        let begin = self.text.len();
        debug_assert!(!self.is_full(), "a full segment takes no series");
        render(&mut self.text);
        self.escaped |= self.text[begin..].contains('\\');
        self.begins.push(u16::try_from(begin).unwrap_or(u16::MAX));
        self.series.push(series);
        if self.is_full() {
            self.text.shrink_to_fit();
            self.begins.shrink_to_fit();
            self.series.shrink_to_fit();
        }
    }

    /// The handles. Some may be of series that have been removed.
    #[inline]
    pub(crate) fn series(&self) -> &[M] {
        &self.series
    }

    /// The head of the series at `at`: `name{labels} `.
    #[inline]
    pub(crate) fn head(&self, at: usize) -> &str {
        let begin = usize::from(self.begins[at]);
        match self.begins.get(at + 1) {
            Some(end) => &self.text[begin..usize::from(*end)],
            None => &self.text[begin..],
        }
    }

    /// Whether any head has something escaped.
    #[inline]
    pub(super) fn is_escaped(&self) -> bool {
        self.escaped
    }

    /// Which series have not been removed: a bit for each, the first one's lowest.
    ///
    /// It reads from every cell's memory and waits for none of them, so what is not cached arrives together.
    #[inline]
    pub(crate) fn live(&self) -> u64 {
        let series = self.series.iter().enumerate();
        series.fold(0, |live, (at, series)| {
            live | u64::from(!series.series().is_removed()) << at
        })
    }

    /// What [`live`](Self::live) gives if none has been removed.
    pub(super) fn all(&self) -> u64 {
        (0..self.series.len()).fold(0, |all, at| all | 1 << at)
    }
}
