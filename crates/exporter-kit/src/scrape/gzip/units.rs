//! What is known about an exposition: the tokens that each line's head was compressed to.

use std::hash::BuildHasher;

use hashbrown::DefaultHashBuilder;
use memchr::{memchr, memchr2};

use super::codes::{MAX_MATCH, MIN_MATCH};

/// How much may be kept about one exposition, in bytes.
const MAX_BYTES: usize = if cfg!(test) { 1 << 20 } else { 16 << 20 };

/// An exposition of more lines is not even tried: the least that a line takes is a token, where it ends, and a hash;
/// most take two or three tokens.
pub(super) const MAX_LINES: usize = MAX_BYTES / 20;

/// How many lines back a match may go.
pub(super) const MAX_DELTA: usize = (1 << 11) - 1;

/// How far into a head a match may begin.
const MAX_OFFSET: usize = (1 << 12) - 1;

/// How much of a head is searched and remembered, in bytes: a match can begin anywhere in it. More of it is
/// written as values are.
pub(super) const MAX_HEAD: usize = MAX_OFFSET + 1;

/// How many literals a token has at most.
const MAX_LITERALS: usize = 3;

/// What some bytes of a head were compressed to: up to three literals, or a match in another head.
///
/// A match says in which head and where in it. Its distance is known only when it is written, as the values
/// in between have other widths each time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token {
    /// The bytes, the first one lowest, and how many.
    Literals { bytes: u32, count: usize },
    Match {
        length: usize,
        /// How many lines before, 0 being the same line.
        delta: usize,
        offset: usize,
    },
}

/// A token in 32 bits. Literals: 24 bits, 2 for the count. A match: 8 bits for the length, 12 for the offset,
/// 11 for the delta, and the highest bit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Packed(u32);

const IS_MATCH: u32 = 1 << 31;

impl Packed {
    pub(super) fn matched(length: usize, delta: usize, offset: usize) -> Self {
        debug_assert!((MIN_MATCH..=MAX_MATCH).contains(&length));
        debug_assert!(delta <= MAX_DELTA && offset <= MAX_OFFSET);
        let fields = (length - MIN_MATCH) | offset << 8 | delta << 20;
        Self(IS_MATCH | fields as u32)
    }

    pub(super) fn literal(byte: u8) -> Self {
        Self(u32::from(byte) | 1 << 24)
    }

    /// With one literal more, if it is of literals and has room.
    pub(super) fn with(self, byte: u8) -> Option<Self> {
        match self.token() {
            Token::Literals { bytes, count } if count < MAX_LITERALS => {
                let bytes = bytes | u32::from(byte) << (8 * count);
                Some(Self(bytes | (count as u32 + 1) << 24))
            }
            _ => None,
        }
    }

    #[inline(always)]
    pub(super) fn token(self) -> Token {
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

/// Appends a literal to tokens, the first of which must be left alone up to `from`.
pub(super) fn push_literal(tokens: &mut Vec<Packed>, from: usize, byte: u8) {
    if let Some(last) = tokens.get_mut(from..).and_then(|own| own.last_mut())
        && let Some(longer) = last.with(byte)
    {
        *last = longer;
    } else {
        tokens.push(Packed::literal(byte));
    }
}

/// What remains of tokens when their first `skip` bytes are written already, and the heads they refer to are
/// where `moved` says. It ends at the first that can't be kept.
pub(super) fn rest_of(
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

/// The lines of an exposition, in order.
#[derive(Clone, Debug, Default)]
pub(super) struct Units {
    tokens: Vec<Packed>,
    /// Where in `tokens` each unit ends.
    ends: Vec<u32>,
    /// What each head hashes to, to find it again when lines have come or gone.
    hashes: Vec<u32>,
    hasher: DefaultHashBuilder,
}

impl Units {
    /// The first `count` units; in the whole about as many are expected.
    pub(super) fn first(&self, count: usize) -> Self {
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

    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// Where the tokens of the first `count` units end.
    #[inline]
    fn end(&self, count: usize) -> Option<usize> {
        match count.checked_sub(1) {
            None => Some(0),
            Some(last) => self.ends.get(last).map(|end| *end as usize),
        }
    }

    /// A unit's tokens; none if there is no such unit.
    #[inline]
    pub(super) fn tokens(&self, unit: usize) -> &[Packed] {
        let (start, end) = (self.end(unit), self.end(unit + 1));
        start
            .zip(end)
            .and_then(|(start, end)| self.tokens.get(start..end))
            .unwrap_or_default()
    }

    #[inline]
    pub(super) fn hash(&self, unit: usize) -> Option<u32> {
        self.hashes.get(unit).copied()
    }

    pub(super) fn hashes(&self) -> &[u32] {
        &self.hashes
    }

    pub(super) fn hash_of(&self, head: &[u8]) -> u32 {
        self.hasher.hash_one(head) as u32
    }

    /// Appends a unit.
    #[inline]
    pub(super) fn push(&mut self, tokens: &[Packed], hash: u32) {
        self.tokens.extend_from_slice(tokens);
        self.ends.push(self.tokens.len() as u32);
        self.hashes.push(hash);
    }

    /// How much memory this takes.
    pub(super) fn bytes(&self) -> usize {
        4 * (self.tokens.capacity() + self.ends.capacity() + self.hashes.capacity())
    }

    pub(super) fn is_too_large(&self) -> bool {
        4 * (self.tokens.len() + self.ends.len() + self.hashes.len()) > MAX_BYTES
    }

    pub(super) fn shrink(&mut self) {
        self.tokens.shrink_to_fit();
        self.ends.shrink_to_fit();
        self.hashes.shrink_to_fit();
    }
}

/// How many bytes of a line stand before its value. All of them if it has none.
///
/// Which ones does not matter for what is written, only for how small it gets.
pub(super) fn head_len(line: &[u8]) -> usize {
    if line.first() == Some(&b'#') {
        return line.len();
    }
    let mut at = match memchr2(b' ', b'{', line) {
        None => return line.len(),
        Some(at) if line[at] == b' ' => return at + 1,
        Some(at) => at + 1,
    };
    // Within the braces, outside of quotes.
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
            // The character after a backslash is no quote.
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
