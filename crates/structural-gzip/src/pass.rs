//! The work on one piece of text: compares it with the tokens, and writes the matching ones.

use memchr::memchr;

use crate::bits::{BitWriter, Rest};
use crate::codes::{Codes, Frequencies, MAX_DISTANCE, MAX_MATCH};
use crate::search::{Places, Text};
use crate::units::{Packed, Token};

/// The work on one piece of text.
pub(crate) struct Pass<'a, const COUNT: bool> {
    pub(crate) text: Text<'a>,
    /// The end of the lines that were compared.
    pub(crate) at: usize,
    /// The end of the written text. The bytes up to `at` become literals, unless the next match takes them.
    written: usize,
    to: BitWriter<'a>,
    codes: &'a Codes,
    pub(crate) places: &'a mut Places,
    frequencies: &'a mut Frequencies,
}

impl<'a, const COUNT: bool> Pass<'a, COUNT> {
    pub(crate) fn new(
        text: Text<'a>,
        to: BitWriter<'a>,
        codes: &'a Codes,
        places: &'a mut Places,
        frequencies: &'a mut Frequencies,
    ) -> Self {
        Self {
            text,
            at: 0,
            written: 0,
            to,
            codes,
            places,
            frequencies,
        }
    }

    /// Writes tokens while they match the text, and returns their number. The last match of a whole head may extend
    /// into the value.
    #[inline(always)]
    pub(crate) fn write<const WHOLE: bool>(&mut self, tokens: &[Packed]) -> usize {
        for (done, token) in tokens.iter().enumerate() {
            let holds = match token.token() {
                Token::Literals { bytes, count } => self.skip(bytes, count),
                Token::Match {
                    length,
                    delta,
                    offset,
                } => {
                    let source = self.places.start(delta).wrapping_add(offset);
                    self.matched(length, source, WHOLE && done + 1 == tokens.len())
                }
            };
            if !holds {
                return done;
            }
        }
        tokens.len()
    }

    #[inline(always)]
    fn skip(&mut self, bytes: u32, count: usize) -> bool {
        let rest = self.text.now.get(self.at..).unwrap_or_default();
        let holds = match rest.first_chunk::<4>() {
            Some(next) => u32::from_le_bytes(*next) & ((1 << (8 * count)) - 1) == bytes,
            None => rest.get(..count) == bytes.to_le_bytes().get(..count),
        };
        if holds {
            self.at += count;
        }
        holds
    }

    #[inline(always)]
    fn matched(&mut self, length: usize, source: usize, last: bool) -> bool {
        let now = self.text.now;
        let distance = (self.text.start + self.at).wrapping_sub(source);
        if distance.wrapping_sub(1) >= MAX_DISTANCE {
            return false;
        }
        let (piece, from) = self.text.find(source);
        match (
            piece.get(from..from + length),
            now.get(self.at..self.at + length),
        ) {
            (Some(source), Some(text)) if source == text => {}
            _ => return false,
        }
        // The bytes before are often equal too: the end of the value, and the line feed.
        let more = common_suffix(&piece[..from], &now[..self.at])
            .min(self.at - self.written)
            .min(MAX_MATCH - length);
        self.literals(self.at - more);
        self.at += length;
        let mut whole = length + more;
        if last {
            // The beginning of the value is often equal too, up to the line feed.
            let end = after_line(now, self.at);
            whole += common_prefix(&piece[from + length..], &now[self.at..])
                .min(end - self.at)
                .min(MAX_MATCH - whole);
        }
        self.codes.matched(&mut self.to, whole, distance);
        if COUNT {
            self.frequencies.matched(whole, distance);
        }
        self.written = self.at + (whole - length - more);
        true
    }

    /// Writes the pending bytes up to `end`.
    #[inline(always)]
    fn literals(&mut self, end: usize) {
        let bytes = self.text.now.get(self.written..end).unwrap_or_default();
        self.codes.literals(&mut self.to, bytes);
        if COUNT {
            for byte in bytes {
                self.frequencies.literal(*byte);
            }
        }
        self.written = end;
    }

    /// Writes the last bytes: the next piece cannot reach them.
    pub(crate) fn finish(mut self) -> Rest {
        self.literals(self.text.now.len());
        self.to.finish()
    }
}

/// The number of equal bytes among the first eight; 0 if there are fewer than eight.
#[inline(always)]
fn common_prefix(a: &[u8], b: &[u8]) -> usize {
    match (a.first_chunk::<8>(), b.first_chunk::<8>()) {
        (Some(a), Some(b)) => {
            let differing = u64::from_le_bytes(*a) ^ u64::from_le_bytes(*b);
            (differing.trailing_zeros() / 8) as usize
        }
        _ => 0,
    }
}

/// The number of equal bytes among the last eight; 0 if there are fewer than eight.
#[inline(always)]
fn common_suffix(a: &[u8], b: &[u8]) -> usize {
    match (a.last_chunk::<8>(), b.last_chunk::<8>()) {
        (Some(a), Some(b)) => {
            let differing = u64::from_le_bytes(*a) ^ u64::from_le_bytes(*b);
            (differing.leading_zeros() / 8) as usize
        }
        _ => 0,
    }
}

/// The position after the line that contains `at`.
#[inline(always)]
pub(crate) fn after_line(text: &[u8], at: usize) -> usize {
    const ONES: u64 = u64::from_le_bytes([1; 8]);
    let rest = text.get(at..).unwrap_or_default();
    // Most values have fewer than eight characters: the lowest byte that equals a line feed is found exactly.
    if let Some(first) = rest.first_chunk::<8>() {
        let differing = u64::from_le_bytes(*first) ^ (ONES * b'\n' as u64);
        let equal = differing.wrapping_sub(ONES) & !differing & (ONES << 7);
        if equal != 0 {
            return at + (equal.trailing_zeros() / 8) as usize + 1;
        }
    }
    memchr(b'\n', rest).map_or(text.len(), |found| at + found + 1)
}
