//! One gzip body: writes lines with the known structure, and learns changes.

use std::fmt;
use std::sync::Arc;

use flate2::Crc;

use crate::bits::{BitWriter, Rest};
use crate::changes::Changes;
use crate::codes::{Codes, Frequencies};
use crate::pass::{Pass, after_line};
use crate::search::{Places, Text};
use crate::units::{MAX_LINES, Units};

/// The known structure of a text: the tokens of each line's head, and suitable Huffman codes.
///
/// Cheap to clone. Several threads can use clones at once, each with its own [`Encoder`].
#[derive(Clone)]
pub struct Structure {
    units: Arc<Units>,
    codes: Arc<Codes>,
}

impl Structure {
    /// The upper limit for the number of lines whose structure is kept. Most texts reach the limit of 16 MiB at half as
    /// many lines or fewer.
    pub const MAX_LINES: usize = MAX_LINES;

    /// An empty structure, without known lines.
    pub fn new() -> Self {
        Self::with_codes(Codes::new(&Frequencies::new()))
    }

    pub(crate) fn with_codes(codes: Codes) -> Self {
        Self {
            units: Arc::default(),
            codes: Arc::new(codes),
        }
    }

    /// Returns the memory that this structure takes, in bytes.
    pub fn memory(&self) -> usize {
        self.units.bytes() + size_of::<Codes>()
    }
}

impl Default for Structure {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Structure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Structure")
            .field("lines", &self.units.len())
            .field("memory", &self.memory())
            .finish_non_exhaustive()
    }
}

/// The result of an encoded text, besides its bytes.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Learned {
    /// The structure for the next version of the text.
    pub structure: Structure,
    /// True if this structure differs from the encoder's initial one.
    pub changed: bool,
    /// The size of the body in the new codes, in bytes; `None` if the encoder made no new codes.
    pub coded_bytes: Option<usize>,
    /// The size of the text, in bytes.
    pub text_bytes: usize,
    /// The number of lines.
    pub lines: usize,
    /// The number of lines whose heads were searched, because they were unknown or no longer suitable.
    pub searched: usize,
}

/// Compresses one text to one gzip body.
///
/// ```
/// use structural_gzip::{Encoder, Structure};
///
/// let mut body = Vec::new();
/// let mut encoder = Encoder::new(Structure::new());
/// encoder.encode(&mut b"temperature 21.5\nhumidity 40\n".to_vec(), &mut body);
/// let learned = encoder.finish(&mut body).expect("a structure of two lines is kept");
/// assert_eq!((learned.lines, learned.searched), (2, 2));
///
/// let mut encoder = Encoder::new(learned.structure);
/// encoder.encode(&mut b"temperature 19\nhumidity 44.5\n".to_vec(), &mut body);
/// let learned = encoder.finish(&mut body).expect("a structure of two lines is kept");
/// assert_eq!((learned.lines, learned.searched), (2, 0));
/// ```
pub struct Encoder {
    structure: Structure,
    /// The known unit that is expected next.
    cursor: usize,
    lines: usize,
    places: Places,
    changes: Changes,
    frequencies: Frequencies,
    /// True if symbols are counted, for new codes.
    counts: bool,
    rest: Rest,
    begun: bool,
    crc: Crc,
    /// The last piece of text, which the current one can refer to.
    before: Vec<u8>,
    /// The size of the text before the current piece, in bytes.
    start: usize,
}

impl Encoder {
    /// Begins a body. With an empty structure it creates new codes, like [`renew_codes`](Self::renew_codes).
    pub fn new(structure: Structure) -> Self {
        Self {
            counts: structure.units.len() == 0,
            structure,
            cursor: 0,
            lines: 0,
            places: Places::new(),
            changes: Changes::default(),
            frequencies: Frequencies::new(),
            rest: Rest::default(),
            begun: false,
            crc: Crc::new(),
            before: Vec::new(),
            start: 0,
        }
    }

    /// Creates new Huffman codes from this text, for later texts. Worthwhile occasionally, because values change their
    /// digits; takes about 10 % more time.
    #[must_use]
    pub fn renew_codes(mut self) -> Self {
        self.counts = true;
        self
    }

    /// Appends the compressed `text` to `out`; the last bits may follow at the next call.
    ///
    /// Keeps the text, which the next piece can refer to, and leaves an empty buffer in its place.
    #[inline]
    pub fn encode(&mut self, text: &mut Vec<u8>, out: &mut Vec<u8>) {
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

    /// Appends the end of the body. Returns the learned structure, or `None` if it is too large.
    pub fn finish(mut self, out: &mut Vec<u8>) -> Option<Learned> {
        self.begin(out);
        let mut to = BitWriter::new(out, self.rest);
        self.structure.codes.end(&mut to);
        to.align();
        to.finish();
        out.extend_from_slice(&self.crc.sum().to_le_bytes());
        // Modulo 2^32, as gzip requires.
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
            // The last lines were removed.
            self.changes.recorded = Some(units.first(self.cursor));
        }
        if let Some(mut recorded) = self.changes.recorded {
            recorded.shrink();
            units = Arc::new(recorded);
            changed = true;
        }
        let mut coded_bytes = None;
        if self.counts {
            codes = Arc::new(Codes::new(&self.frequencies));
            coded_bytes = Some(self.frequencies.bytes(&codes));
        }
        Some(Learned {
            structure: Structure { units, codes },
            changed,
            coded_bytes,
            text_bytes: self.start,
            lines: self.lines,
            searched: self.changes.searched,
        })
    }
}

impl fmt::Debug for Encoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Encoder")
            .field("structure", &self.structure)
            .field("text_bytes", &self.start)
            .finish_non_exhaustive()
    }
}
