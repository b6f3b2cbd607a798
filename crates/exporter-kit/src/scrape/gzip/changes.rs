//! Lines that are not what was expected: they are found again, or searched, and recorded for the next scrape.

use hashbrown::HashMap;
use memchr::memchr;

use super::pass::Pass;
use super::search::Search;
use super::units::{MAX_HEAD, Units, head_len, rest_of};

/// How many lines ahead a head is looked for before all are indexed: few lines go at a time.
const NEAR: usize = 32;

/// What differs from the exposition that is known.
#[derive(Default)]
pub(super) struct Changes {
    /// The units of this scrape, from when they are others than those known.
    pub(super) recorded: Option<Units>,
    pub(super) too_large: bool,
    pub(super) missed: usize,
    search: Option<Box<Search>>,
    /// Where each head is known, by its hash; made when lines have come, or many have gone.
    index: Option<HashMap<u32, u32>>,
}

impl Changes {
    /// Writes the head of a line that is not the unit expected, or whose tokens hold no longer: `done` of them
    /// are written. Says which unit to expect next.
    #[cold]
    #[inline(never)]
    pub(super) fn line<const COUNT: bool>(
        &mut self,
        units: &Units,
        cursor: usize,
        pass: &mut Pass<'_, COUNT>,
        line: usize,
        done: usize,
    ) -> usize {
        let text = pass.text;
        let rest = &text.now[line..];
        let rest = &rest[..memchr(b'\n', rest).unwrap_or(rest.len())];
        let end = line + head_len(rest).min(MAX_HEAD);
        let hash = units.hash_of(&text.now[line..end]);
        let found = self.find(units, cursor, hash);

        let mut tokens = units.tokens(cursor)[..done].to_vec();
        if let Some(found) = found {
            pass.places.set_unit(found);
            // The heads it refers to may be fewer or more lines away by now.
            let moved = |delta| pass.places.delta_of(found.checked_sub(delta)?);
            let rest = rest_of(units.tokens(found), pass.at - line, moved);
            let done = pass.write::<false>(&rest);
            tokens.extend_from_slice(&rest[..done]);
        }
        if pass.at < end {
            self.missed += 1;
            pass.places.set_head(end - line);
            let search = self.search.get_or_insert_with(|| Box::new(Search::new()));
            let from = tokens.len();
            let (position, end) = (text.start + pass.at, text.start + end);
            search.parse(text, pass.places, position, end, &mut tokens);
            pass.write::<false>(&tokens[from..]);
        }

        if !self.too_large {
            let recorded = self.recorded.get_or_insert_with(|| units.first(cursor));
            recorded.push(&tokens, hash);
            if recorded.is_too_large() {
                self.too_large = true;
                self.recorded = None;
            }
        }
        found.map_or(cursor, |found| found + 1)
    }

    /// The unit of a head.
    fn find(&mut self, units: &Units, cursor: usize, hash: u32) -> Option<usize> {
        let hashes = units.hashes();
        let ahead = hashes.get(cursor..).unwrap_or_default();
        let near = &ahead[..ahead.len().min(NEAR)];
        if let Some(found) = near.iter().position(|other| *other == hash) {
            return Some(cursor + found);
        }
        let index = self.index.get_or_insert_with(|| {
            let numbers = (0_u32..).take(hashes.len());
            hashes.iter().copied().zip(numbers).collect()
        });
        index.get(&hash).map(|found| *found as usize)
    }
}
