//! The search for matches between a head and the heads before it.

use crate::codes::{MAX_DISTANCE, MAX_MATCH, match_bits};
use crate::units::{MAX_DELTA, Packed, push_literal};

/// A shorter match hardly pays: the most frequent three characters of a head are as short as literals.
const MIN_LENGTH: usize = 4;

/// The largest distance of a new match: less than deflate allows, because values can grow.
const REACH: usize = MAX_DISTANCE - MAX_DISTANCE / 8;

/// The number of bytes of known lines to search again before a new line; enough for a large group of similar lines.
const CATCH_UP: usize = 8 * 1024;

/// The number of positions with the same beginning to compare.
const CANDIDATES: usize = 24;

/// A match of this length is accepted without a search for a longer one at the next byte.
const GOOD_LENGTH: usize = 128;

const HASH_BITS: u32 = 13;
const WINDOW: usize = MAX_DISTANCE;

/// The current piece and the previous one. Positions count from the start of the text.
#[derive(Clone, Copy)]
pub(crate) struct Text<'a> {
    pub(crate) before: &'a [u8],
    pub(crate) now: &'a [u8],
    /// The position where `now` begins.
    pub(crate) start: usize,
}

impl<'a> Text<'a> {
    /// The piece that contains a position, and the offset in it. The piece is empty if the position is too old.
    #[inline(always)]
    pub(crate) fn find(&self, position: usize) -> (&'a [u8], usize) {
        if position >= self.start {
            (self.now, position - self.start)
        } else if let Some(at) = self.before.len().checked_sub(self.start - position) {
            (self.before, at)
        } else {
            (&[], 0)
        }
    }
}

/// The start of a line, the length of its head, and the unit expected there.
#[derive(Clone, Copy, Debug, Default)]
struct Place {
    start: usize,
    head: u32,
    unit: u32,
}

/// The positions of the last lines, by their number.
#[derive(Debug)]
pub(crate) struct Places {
    ring: Box<[Place; MAX_DELTA + 1]>,
    /// The number of the current line.
    present: usize,
}

impl Places {
    pub(crate) fn new() -> Self {
        Self {
            ring: Box::new([Place::default(); MAX_DELTA + 1]),
            present: 0,
        }
    }

    #[inline(always)]
    fn get(&self, number: usize) -> Place {
        self.ring[number & MAX_DELTA]
    }

    /// The start of the line that is `delta` lines before the current one.
    #[inline(always)]
    pub(crate) fn start(&self, delta: usize) -> usize {
        self.get(self.present.wrapping_sub(delta)).start
    }

    /// Begins the next line.
    #[inline(always)]
    pub(crate) fn begin(&mut self, start: usize, unit: usize) {
        self.present = self.present.wrapping_add(1);
        self.ring[self.present & MAX_DELTA] = Place {
            start,
            head: 0,
            unit: unit as u32,
        };
    }

    #[inline(always)]
    pub(crate) fn set_head(&mut self, head: usize) {
        self.ring[self.present & MAX_DELTA].head = head as u32;
    }

    /// Sets the unit of the current line.
    pub(crate) fn set_unit(&mut self, unit: usize) {
        self.ring[self.present & MAX_DELTA].unit = unit as u32;
    }

    /// The number of lines between a unit's line and the current one.
    pub(crate) fn delta_of(&self, unit: usize) -> Option<usize> {
        // Units are in order, except new lines, which count as the unit expected after them.
        let number = self.last_number(|place| place.unit as usize <= unit)?;
        (self.get(number).unit as usize == unit).then_some(self.present - number)
    }

    /// The number of the last line that begins at or before a position, if it is recent enough.
    fn number_at(&self, position: usize) -> Option<usize> {
        self.last_number(|place| place.start <= position)
    }

    /// The number of the last line for which `before` holds.
    fn last_number(&self, before: impl Fn(Place) -> bool) -> Option<usize> {
        let mut first = self.present.saturating_sub(MAX_DELTA).max(1);
        let mut end = self.present + 1;
        if first >= end || !before(self.get(first)) {
            return None;
        }
        while end - first > 1 {
            let middle = first + (end - first) / 2;
            if before(self.get(middle)) {
                first = middle;
            } else {
                end = middle;
            }
        }
        Some(first)
    }
}

#[derive(Clone, Copy)]
struct Found {
    length: usize,
    delta: usize,
    offset: usize,
    /// An estimate of its bits, and the number of bytes that it replaces.
    bits: u32,
    bytes: u32,
}

impl Found {
    /// This match with a literal before it.
    fn after(self, literal_bits: u32) -> Self {
        Self {
            bits: self.bits + literal_bits,
            bytes: self.bytes + 1,
            ..self
        }
    }

    /// Returns whether this match needs fewer bits per byte.
    fn is_cheaper_than(self, other: Self) -> bool {
        self.bits * other.bytes < other.bits * self.bytes
    }
}

/// Estimates the bits of a literal: most are digits of values.
fn literal_bits(byte: u8) -> u32 {
    if byte.is_ascii_digit() { 4 } else { 9 }
}

/// Positions in heads by the four bytes at each.
pub(crate) struct Search {
    /// The newest position for each hash.
    newest: Box<[u32]>,
    /// The position before each position that has the same hash.
    older: Box<[u32]>,
    /// Positions before this one are known, or too old.
    known: usize,
}

impl Search {
    pub(crate) fn new() -> Self {
        Self {
            newest: vec![0; 1 << HASH_BITS].into(),
            older: vec![0; WINDOW].into(),
            known: 0,
        }
    }

    /// Appends the tokens for the bytes from `position` to `end` in the head of the current line.
    pub(crate) fn parse(
        &mut self,
        text: Text<'_>,
        places: &Places,
        mut position: usize,
        end: usize,
        tokens: &mut Vec<Packed>,
    ) {
        self.catch_up(text, places, position);
        let from = tokens.len();
        while position < end {
            let mut found = self.cheapest(text, places, position, end);
            if let Some(first) = found
                && first.length < GOOD_LENGTH
            {
                self.insert(text, position);
                let (piece, at) = text.find(position);
                let literal = piece.get(at).map_or(0, |byte| literal_bits(*byte));
                if self
                    .cheapest(text, places, position + 1, end)
                    .is_some_and(|second| second.after(literal).is_cheaper_than(first))
                {
                    found = None;
                }
            }
            let next = match found {
                Some(found) => {
                    tokens.push(Packed::matched(found.length, found.delta, found.offset));
                    position + found.length
                }
                None => {
                    let (piece, at) = text.find(position);
                    let Some(byte) = piece.get(at) else {
                        return;
                    };
                    push_literal(tokens, from, *byte);
                    position + 1
                }
            };
            for position in position..next {
                self.insert(text, position);
            }
            position = next;
        }
    }

    /// Inserts the known heads before `end`.
    fn catch_up(&mut self, text: Text<'_>, places: &Places, end: usize) {
        let from = self.known.max(end.saturating_sub(CATCH_UP));
        let first = places.number_at(from).unwrap_or(places.present);
        for number in first..=places.present {
            let place = places.get(number);
            for position in place.start.max(from)..end.min(place.start + place.head as usize) {
                self.insert(text, position);
            }
        }
        self.known = self.known.max(end);
    }

    fn insert(&mut self, text: Text<'_>, position: usize) {
        if position >= self.known
            && let Some(hash) = hash(text, position)
        {
            self.older[position % WINDOW] = self.newest[hash];
            self.newest[hash] = position as u32;
            self.known = position + 1;
        }
    }

    /// The match in another head, or earlier in the same one, that needs the fewest bits per byte; among equals the
    /// nearest.
    fn cheapest(
        &self,
        text: Text<'_>,
        places: &Places,
        position: usize,
        end: usize,
    ) -> Option<Found> {
        let (piece, at) = text.find(position);
        let wanted = piece.get(at..at + (end.checked_sub(position)?).min(MAX_MATCH))?;
        if wanted.len() < MIN_LENGTH {
            return None;
        }
        let mut best: Option<Found> = None;
        let mut longest = MIN_LENGTH - 1;
        let mut candidate = self.newest[hash(text, position)?];
        let mut last_distance = 0;
        for _ in 0..CANDIDATES {
            let distance = (position as u32).wrapping_sub(candidate) as usize;
            if distance <= last_distance || distance > REACH || distance > position {
                break;
            }
            last_distance = distance;
            let (source, from) = text.find(position - distance);
            let length = common_prefix(source.get(from..).unwrap_or_default(), wanted);
            if length > longest
                && let Some(number) = places.number_at(position - distance)
            {
                let place = places.get(number);
                let offset = position - distance - place.start;
                let length = length.min((place.head as usize).saturating_sub(offset));
                if length > longest {
                    longest = length;
                    let found = Found {
                        length,
                        delta: places.present - number,
                        offset,
                        bits: match_bits(length, distance),
                        bytes: length as u32,
                    };
                    if best.is_none_or(|best| found.is_cheaper_than(best)) {
                        best = Some(found);
                    }
                    if length == wanted.len() {
                        break;
                    }
                }
            }
            candidate = self.older[candidate as usize % WINDOW];
        }
        best
    }
}

fn hash(text: Text<'_>, position: usize) -> Option<usize> {
    let (piece, at) = text.find(position);
    let bytes = piece.get(at..)?.first_chunk::<4>()?;
    let mixed = u32::from_le_bytes(*bytes).wrapping_mul(0x9e37_79b1);
    Some((mixed >> (32 - HASH_BITS)) as usize)
}

fn common_prefix(a: &[u8], b: &[u8]) -> usize {
    let words = a.chunks_exact(8).zip(b.chunks_exact(8));
    let equal = 8 * words.take_while(|(a, b)| a == b).count();
    let rest = a[equal..].iter().zip(&b[equal..]);
    equal + rest.take_while(|(a, b)| a == b).count()
}
