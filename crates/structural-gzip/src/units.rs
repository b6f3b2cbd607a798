//! The known lines of a text: for each line, the tokens of its head.

use std::hash::BuildHasher;

use hashbrown::DefaultHashBuilder;
use memchr::{memchr, memchr2};

use crate::codes::{MAX_MATCH, MIN_MATCH};

/// The limit for the lines of one text, in bytes.
const MAX_BYTES: usize = if cfg!(test) { 1 << 20 } else { 16 << 20 };

/// The maximum number of lines: a line takes at least a token, the position of its end, and a hash. Most lines take two
/// or three tokens.
pub(crate) const MAX_LINES: usize = MAX_BYTES / 20;

/// The largest number of lines that a match can go back.
pub(crate) const MAX_DELTA: usize = (1 << 11) - 1;

/// The largest offset in a head where a match can begin.
const MAX_OFFSET: usize = (1 << 12) - 1;

/// The part of a head that is searched and kept, in bytes: a match can begin anywhere in it. The rest is written like a
/// value.
pub(crate) const MAX_HEAD: usize = MAX_OFFSET + 1;

/// The largest number of literals in a token.
const MAX_LITERALS: usize = 3;

/// The code of some bytes of a head: up to three literals, or a match in another head.
///
/// A match refers to a head and an offset in it. Its distance is known only when it is written, because the width of
/// the values in between varies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Token {
    /// The bytes, the first one lowest, and their number.
    Literals { bytes: u32, count: usize },
    Match {
        length: usize,
        /// The distance in lines; 0 is the same line.
        delta: usize,
        offset: usize,
    },
}

/// A token in 32 bits. Literals: 24 bits, 2 for the count. A match: 8 bits for the length, 12 for the offset,
/// 11 for the delta, and the highest bit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Packed(u32);

const IS_MATCH: u32 = 1 << 31;

impl Packed {
    pub(crate) fn matched(length: usize, delta: usize, offset: usize) -> Self {
        debug_assert!((MIN_MATCH..=MAX_MATCH).contains(&length));
        debug_assert!(delta <= MAX_DELTA && offset <= MAX_OFFSET);
        let fields = (length - MIN_MATCH) | offset << 8 | delta << 20;
        Self(IS_MATCH | fields as u32)
    }

    pub(crate) fn literal(byte: u8) -> Self {
        Self(u32::from(byte) | 1 << 24)
    }

    /// Adds a literal, if this token has literals and room.
    pub(crate) fn with(self, byte: u8) -> Option<Self> {
        match self.token() {
            Token::Literals { bytes, count } if count < MAX_LITERALS => {
                let bytes = bytes | u32::from(byte) << (8 * count);
                Some(Self(bytes | (count as u32 + 1) << 24))
            }
            _ => None,
        }
    }

    #[inline(always)]
    pub(crate) fn token(self) -> Token {
        if self.0 & IS_MATCH == 0 {
            Token::Literals {
                bytes: self.0 & 0x00ff_ffff,
                count: (self.0 >> 24) as usize,
            }
        } else {
            Token::Match {
                length: (self.0 & 0xff) as usize + MIN_MATCH,
                offset: (self.0 >> 8) as usize & MAX_OFFSET,
                delta: (self.0 >> 20) as usize & MAX_DELTA,
            }
        }
    }
}

/// Appends a literal to tokens. The first `from` tokens stay unchanged.
pub(crate) fn push_literal(tokens: &mut Vec<Packed>, from: usize, byte: u8) {
    if let Some(last) = tokens.get_mut(from..).and_then(|own| own.last_mut())
        && let Some(longer) = last.with(byte)
    {
        *last = longer;
    } else {
        tokens.push(Packed::literal(byte));
    }
}

/// Returns the rest of tokens whose first `skip` bytes are already written. `moved` returns the new position of a head
/// that they refer to. The rest ends at the first token that can't be kept.
pub(crate) fn rest_of(
    tokens: &[Packed],
    mut skip: usize,
    moved: impl Fn(usize) -> Option<usize>,
) -> Vec<Packed> {
    let mut rest = Vec::with_capacity(tokens.len());
    for packed in tokens {
        match packed.token() {
            Token::Literals { count, .. } if count <= skip => skip -= count,
            Token::Literals { bytes, count } => {
                for i in skip..count {
                    push_literal(&mut rest, 0, (bytes >> (8 * i)) as u8);
                }
                skip = 0;
            }
            Token::Match { length, .. } if length <= skip => skip -= length,
            Token::Match {
                length,
                delta,
                offset,
            } => {
                let (length, offset) = (length - skip, offset + skip);
                match moved(delta) {
                    Some(delta) if length >= MIN_MATCH && offset <= MAX_OFFSET => {
                        rest.push(Packed::matched(length, delta, offset));
                    }
                    _ => return rest,
                }
                skip = 0;
            }
        }
    }
    rest
}

/// The lines of a text, in order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Units {
    tokens: Vec<Packed>,
    /// The end of each unit in `tokens`.
    ends: Vec<u32>,
    /// The hash of each head, to find it again when lines were added or removed.
    hashes: Vec<u32>,
    hasher: DefaultHashBuilder,
}

impl Units {
    /// Copies the first `count` units, and reserves room for as many units as there are here.
    pub(crate) fn first(&self, count: usize) -> Self {
        let tokens = self.end(count).unwrap_or(0);
        let mut first = Self {
            tokens: Vec::with_capacity(self.tokens.len()),
            ends: Vec::with_capacity(self.ends.len()),
            hashes: Vec::with_capacity(self.hashes.len()),
            hasher: self.hasher.clone(),
        };
        first.tokens.extend_from_slice(&self.tokens[..tokens]);
        first.ends.extend_from_slice(&self.ends[..count]);
        first.hashes.extend_from_slice(&self.hashes[..count]);
        first
    }

    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// The end of the tokens of the first `count` units.
    #[inline]
    fn end(&self, count: usize) -> Option<usize> {
        match count.checked_sub(1) {
            None => Some(0),
            Some(last) => self.ends.get(last).map(|end| *end as usize),
        }
    }

    /// A unit's tokens; empty if the unit does not exist.
    #[inline]
    pub(crate) fn tokens(&self, unit: usize) -> &[Packed] {
        let (start, end) = (self.end(unit), self.end(unit + 1));
        start
            .zip(end)
            .and_then(|(start, end)| self.tokens.get(start..end))
            .unwrap_or_default()
    }

    #[inline]
    pub(crate) fn hash(&self, unit: usize) -> Option<u32> {
        self.hashes.get(unit).copied()
    }

    pub(crate) fn hashes(&self) -> &[u32] {
        &self.hashes
    }

    pub(crate) fn hash_of(&self, head: &[u8]) -> u32 {
        self.hasher.hash_one(head) as u32
    }

    /// Appends a unit.
    #[inline]
    pub(crate) fn push(&mut self, tokens: &[Packed], hash: u32) {
        self.tokens.extend_from_slice(tokens);
        self.ends.push(self.tokens.len() as u32);
        self.hashes.push(hash);
    }

    /// The memory that this takes, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        4 * (self.tokens.capacity() + self.ends.capacity() + self.hashes.capacity())
    }

    pub(crate) fn is_too_large(&self) -> bool {
        4 * (self.tokens.len() + self.ends.len() + self.hashes.len()) > MAX_BYTES
    }

    pub(crate) fn shrink(&mut self) {
        self.tokens.shrink_to_fit();
        self.ends.shrink_to_fit();
        self.hashes.shrink_to_fit();
    }
}

/// The length of a line's head, in bytes. A line without a value consists of its head.
///
/// A wrong result makes the body larger, never invalid.
pub(crate) fn head_len(line: &[u8]) -> usize {
    if line.first() == Some(&b'#') {
        return line.len();
    }
    let mut at = match memchr2(b' ', b'{', line) {
        None => return line.len(),
        Some(at) if line[at] == b' ' => return at + 1,
        Some(at) => at + 1,
    };
    // Inside the braces, outside quotes.
    while let Some(found) = memchr2(b'"', b'}', &line[at..]) {
        at += found + 1;
        if line[at - 1] == b'}' {
            let space = memchr(b' ', &line[at..]);
            return space.map_or(line.len(), |space| at + space + 1);
        }
        loop {
            let Some(found) = memchr2(b'\\', b'"', &line[at..]) else {
                return line.len();
            };
            at += found + 1;
            if line[at - 1] == b'"' {
                break;
            }
            // A quote after a backslash does not end the text.
            at = (at + 1).min(line.len());
        }
    }
    line.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_end_where_values_begin() {
        for (head, rest) in [
            ("up ", "1.0"),
            ("up{} ", "1.0 1520879607789"),
            (r#"a{b="c d} 5\" ",e="}"} "#, "NaN # {x=\"} \"} 1.0"),
            (r#"{"a b",c="\\"} "#, "1.0"),
            ("# HELP up 1.0 or 0.0", ""),
            ("# EOF", ""),
            ("", ""),
            ("no_value", ""),
            (r#"open{a="b\"#, ""),
            (r#"open{a="b" "#, ""),
        ] {
            assert_eq!(head_len(format!("{head}{rest}").as_bytes()), head.len());
        }
    }

    #[test]
    fn tokens_are_what_was_packed() {
        for (length, delta, offset) in [(3, 0, 0), (258, MAX_DELTA, MAX_OFFSET), (17, 1, 4000)] {
            let token = Packed::matched(length, delta, offset).token();
            assert_eq!(
                token,
                Token::Match {
                    length,
                    delta,
                    offset
                }
            );
        }
        let mut tokens = Vec::new();
        for byte in *b"\xff\0ab" {
            push_literal(&mut tokens, 0, byte);
        }
        let whole = [(0x61_00ff, 3), (0x62, 1)];
        let tokens_of = |packed: &[Packed]| -> Vec<_> {
            packed
                .iter()
                .map(|packed| match packed.token() {
                    Token::Literals { bytes, count } => (bytes, count),
                    Token::Match { .. } => (0, 0),
                })
                .collect()
        };
        assert_eq!(tokens_of(&tokens), whole);
        assert_eq!(tokens_of(&rest_of(&tokens, 1, Some)), [(0x62_6100, 3)]);
        assert_eq!(tokens_of(&rest_of(&tokens, 4, Some)), []);
    }
}
