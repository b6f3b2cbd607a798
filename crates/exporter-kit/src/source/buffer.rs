//! Families of a collector, kept in bounded memory for the scrapes that share them.

use std::fmt;
use std::mem::size_of;

use super::memory::{MemoryLimit, MemoryShare};
use crate::collect::context::ScrapeContext;
use crate::collect::{Failure, Sink};
use crate::model::{Descriptor, Sample, SeriesKey};
use crate::snapshot::{OwnedSample, heap_bytes};

/// The number of bytes to take from the limit at a time.
const STEP: usize = 64 * 1024;

/// The number of samples between two checks of the clock.
const SAMPLES_BETWEEN_LOOKS: usize = 64;

/// Stores the families of a collector, within the limits of time and memory.
pub(crate) struct BufferWriter<'a> {
    buffer: FamilyBuffer,
    context: ScrapeContext,
    /// Called regularly; `true` stops the collector.
    is_over: &'a dyn Fn() -> bool,
    until_look: usize,
    /// The approximate number of used bytes.
    used: usize,
}

impl fmt::Debug for BufferWriter<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.buffer.fmt(f)
    }
}

impl<'a> BufferWriter<'a> {
    pub(crate) fn new(
        memory: &MemoryLimit,
        context: ScrapeContext,
        is_over: &'a dyn Fn() -> bool,
    ) -> Self {
        Self {
            buffer: FamilyBuffer {
                families: Vec::new(),
                points: Vec::new(),
                text: String::new(),
                cut: None,
                memory: memory.share(),
            },
            context,
            is_over,
            until_look: 0,
            used: 0,
        }
    }

    pub(crate) fn finish(self) -> FamilyBuffer {
        self.buffer
    }

    /// Returns whether time and memory suffice for that many more bytes.
    fn takes(&mut self, bytes: usize) -> bool {
        let buffer = &mut self.buffer;
        if buffer.cut.is_some() {
            return false;
        }
        if self.until_look == 0 {
            self.until_look = SAMPLES_BETWEEN_LOOKS;
            if (self.is_over)() {
                buffer.cut = Some(Failure::Deadline);
                return false;
            }
        }
        self.until_look -= 1;
        self.used += bytes;
        let taken = buffer.memory.taken();
        if self.used > taken {
            let more = (self.used - taken).next_multiple_of(STEP);
            if !buffer.memory.take(more) {
                buffer.cut = Some(Failure::Limit);
                return false;
            }
        }
        true
    }
}

impl Sink for BufferWriter<'_> {
    fn family(&mut self, descriptor: &Descriptor) -> bool {
        let bytes = size_of::<BufferedFamily>() + descriptor.name().len() + descriptor.help().len();
        // Check the clock at each family: the work before its samples may have taken long.
        self.until_look = 0;
        if !self.takes(bytes) {
            return false;
        }
        let first = self.buffer.points.len();
        self.buffer.families.push(BufferedFamily {
            descriptor: descriptor.clone(),
            first,
        });
        true
    }

    fn sample(&mut self, head: SeriesKey<'_>, point: &Sample<'_>) -> bool {
        let bytes = size_of::<BufferedSeries>() + head.len() + heap_bytes(point);
        if !self.takes(bytes) {
            return false;
        }
        let buffer = &mut self.buffer;
        let begin = buffer.text.len();
        for part in head.parts() {
            buffer.text.push_str(part);
        }
        buffer.points.push(BufferedSeries {
            head: begin..buffer.text.len(),
            name_len: head.name().len(),
            legacy: head.is_legacy(),
            point: point.into(),
        });
        true
    }

    fn context(&self) -> &ScrapeContext {
        &self.context
    }
}

/// The families of a collector.
pub(crate) struct FamilyBuffer {
    families: Vec<BufferedFamily>,
    points: Vec<BufferedSeries>,
    /// All series keys, one after the other.
    text: String,
    cut: Option<Failure>,
    memory: MemoryShare,
}

struct BufferedFamily {
    descriptor: Descriptor,
    /// Its first sample.
    first: usize,
}

struct BufferedSeries {
    head: std::ops::Range<usize>,
    name_len: usize,
    legacy: bool,
    point: OwnedSample,
}

impl FamilyBuffer {
    /// The reason why the families are incomplete.
    pub(crate) fn cut(&self) -> Option<Failure> {
        self.cut
    }

    /// Writes the families to a sink.
    pub(crate) fn give(&self, sink: &mut dyn Sink) {
        let ends = self.families.iter().skip(1).map(|family| family.first);
        let ends = ends.chain([self.points.len()]);
        for (family, end) in self.families.iter().zip(ends) {
            if !sink.family(&family.descriptor) {
                continue;
            }
            let points = self.points.get(family.first..end).unwrap_or_default();
            for series in points {
                let text = self.text.get(series.head.clone()).unwrap_or_default();
                let head = SeriesKey::from_parts(text, series.name_len, series.legacy);
                if !sink.sample(head, &series.point.as_sample()) {
                    break;
                }
            }
        }
    }
}

impl fmt::Debug for FamilyBuffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FamilyBuffer")
            .field("families", &self.families.len())
            .field("points", &self.points.len())
            .field("cut", &self.cut)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshot::Snapshot;

    const EXPOSITION: &str = "# HELP a Help.\n# TYPE a gauge\na{x=\"\\\"\"} 1.0\na{x=\"b\"} 2.0 123\n\
        # HELP b Help.\n# TYPE b histogram\nb_bucket{le=\"1.0\"} 3\nb_bucket{le=\"+Inf\"} 4\nb_sum 2.5\nb_count 4\n\
        # HELP c_total None.\n# TYPE c_total counter\nc_total 1.0\n";

    fn record(memory: &MemoryLimit, over: bool) -> FamilyBuffer {
        use crate::collect::Collect;
        let is_over = || over;
        let mut writer = BufferWriter::new(memory, ScrapeContext::default(), &is_over);
        let snapshot = crate::parse::text(EXPOSITION).unwrap();
        snapshot.collect(&mut writer).unwrap();
        writer.finish()
    }

    #[test]
    fn what_was_buffer_is_given_again() {
        let memory = MemoryLimit::new(STEP);
        let buffer = record(&memory, false);
        assert_eq!(buffer.cut(), None);
        for _ in 0..2 {
            let mut again = Snapshot::new();
            buffer.give(&mut again);
            assert_eq!(again, crate::parse::text(EXPOSITION).unwrap());
        }
        assert_eq!(memory.taken(), STEP);
        drop(buffer);
        assert_eq!(memory.taken(), 0);
    }

    #[test]
    fn without_room_or_time_nothing_is_taken() {
        let memory = MemoryLimit::new(STEP);
        assert_eq!(record(&memory, true).cut(), Some(Failure::Deadline));
        let first = record(&memory, false);
        assert_eq!(record(&memory, false).cut(), Some(Failure::Limit));
        drop(first);
        assert_eq!(record(&memory, false).cut(), None);
    }
}
