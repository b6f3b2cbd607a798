//! One gzip stream: writes lines as an earlier scrape wrote them, and learns what has changed.

use std::sync::Arc;

use flate2::Crc;

use super::bits::{BitWriter, Rest};
use super::changes::Changes;
use super::codes::{Codes, Frequencies};
use super::kept::Size;
use super::pass::{Pass, after_line};
use super::search::{Places, Text};
use super::units::Units;

/// What is known about an exposition. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Structure {
    units: Arc<Units>,
    codes: Arc<Codes>,
}

impl Structure {
    /// Nothing is known yet.
    pub(super) fn empty() -> Self {
        Self::of(Codes::new(&Frequencies::new()))
    }

    /// Nothing but codes.
    pub(super) fn of(codes: Codes) -> Self {
        Self {
            units: Arc::default(),
            codes: Arc::new(codes),
        }
    }

    /// How much memory is kept, in bytes.
    pub(super) fn bytes(&self) -> usize {
        self.units.bytes() + size_of::<Codes>()
    }
}

/// What a stream has found out.
pub(super) struct Learned {
    /// What to begin the next stream with.
    pub(super) structure: Structure,
    /// Whether it is another than this stream began with.
    pub(super) changed: bool,
    /// How many bytes a stream of the same symbols has in the new structure's codes, if they were counted.
    pub(super) bytes: Option<usize>,
    pub(super) size: Size,
    /// How many lines had to be searched.
    pub(super) missed: usize,
}

/// Codes one body.
pub(crate) struct Stream {
    structure: Structure,
    /// The cached unit that is expected next.
    cursor: usize,
    lines: usize,
    places: Places,
    changes: Changes,
    frequencies: Frequencies,
    /// Whether symbols are counted, to make codes from.
    counts: bool,
    rest: Rest,
    begun: bool,
    crc: Crc,
    /// The last piece of text, which the present one refers to.
    before: Vec<u8>,
    /// How many bytes of text there were before the present piece.
    start: usize,
}

impl Stream {
    pub(super) fn new(structure: Structure, counts: bool) -> Self {
        Self {
            structure,
            cursor: 0,
            lines: 0,
            places: Places::new(),
            changes: Changes::default(),
            frequencies: Frequencies::new(),
            counts,
            rest: Rest::default(),
            begun: false,
            crc: Crc::new(),
            before: Vec::new(),
            start: 0,
        }
    }

    /// Appends the code of `text` to `out`, and takes the text, which later text refers to; another buffer is
    /// left in its place. Some of the code may follow with the next call.
    pub(crate) fn code(&mut self, text: &mut Vec<u8>, out: &mut Vec<u8>) {
        let now = std::mem::take(text);
        let before = std::mem::take(&mut self.before);
        self.crc.update(&now);
        let pieces = Text {
            before: &before,
            now: &now,
            start: self.start,
        };
        if self.counts {
            self.run::<true>(pieces, out);
        } else {
            self.run::<false>(pieces, out);
        }
        self.start = self.start.wrapping_add(now.len());
        self.before = now;
        *text = before;
        text.clear();
    }

    fn begin(&mut self, out: &mut Vec<u8>) {
        if !self.begun {
            self.begun = true;
            self.rest = self.structure.codes.begin(out);
        }
    }

    fn run<const COUNT: bool>(&mut self, text: Text<'_>, out: &mut Vec<u8>) {
        self.begin(out);
        let Structure { units, codes } = self.structure.clone();
        let mut pass: Pass<'_, COUNT> = Pass::new(
            text,
            BitWriter::new(out, self.rest),
            &codes,
            &mut self.places,
            &mut self.frequencies,
        );
        let mut cursor = self.cursor;
        let mut lines = 0;
        while pass.at < text.now.len() {
            let line = pass.at;
            pass.places.begin(text.start + line, cursor);
            let tokens = units.tokens(cursor);
            let done = pass.write::<true>(tokens);
            if done == tokens.len() && done > 0 {
                if let (Some(recorded), Some(hash)) =
                    (&mut self.changes.recorded, units.hash(cursor))
                {
                    recorded.push(tokens, hash);
                }
                cursor += 1;
            } else {
                cursor = self.changes.line(&units, cursor, &mut pass, line, done);
            }
            pass.places.set_head(pass.at - line);
            pass.at = after_line(text.now, pass.at);
            lines += 1;
        }
        self.rest = pass.finish();
        self.cursor = cursor;
        self.lines += lines;
    }

    /// Appends the end of the stream, and says what was learned; nothing if that is too much to be kept.
    pub(super) fn finish(mut self, out: &mut Vec<u8>) -> Option<Learned> {
        self.begin(out);
        let mut to = BitWriter::new(out, self.rest);
        self.structure.codes.end(&mut to);
        to.align();
        to.finish();
        out.extend_from_slice(&self.crc.sum().to_le_bytes());
        // Modulo 2^32, as the format has it.
        out.extend_from_slice(&(self.start as u32).to_le_bytes());

        if self.changes.too_large {
            return None;
        }
        let mut changed = self.counts;
        let Structure {
            mut units,
            mut codes,
        } = self.structure;
        if self.changes.recorded.is_none() && self.cursor < units.len() {
            // The last lines have gone.
            self.changes.recorded = Some(units.first(self.cursor));
        }
        if let Some(mut recorded) = self.changes.recorded {
            recorded.shrink();
            units = Arc::new(recorded);
            changed = true;
        }
        let mut bytes = None;
        if self.counts {
            codes = Arc::new(Codes::new(&self.frequencies));
            bytes = Some(self.frequencies.bytes(&codes));
        }
        Some(Learned {
            structure: Structure { units, codes },
            changed,
            bytes,
            size: Size {
                bytes: self.start,
                lines: self.lines,
            },
            missed: self.changes.missed,
        })
    }
}
