//! Lines that differ from the known structure: finds or searches them, and records them.

use hashbrown::HashMap;
use memchr::memchr;

use crate::pass::Pass;
use crate::search::Search;
use crate::units::{MAX_HEAD, Units, head_len, rest_of};

/// The number of lines to compare before indexing all: usually few lines are removed at a time.
const NEAR: usize = 32;

/// The differences from the known structure.
#[derive(Default)]
pub(crate) struct Changes {
    /// The units of this text, from the first difference on.
    pub(crate) recorded: Option<Units>,
    pub(crate) too_large: bool,
    pub(crate) searched: usize,
    search: Option<Box<Search>>,
    /// Unit numbers by the hash of the head; built when lines were added, or many removed.
    index: Option<HashMap<u32, u32>>,
}

impl Changes {
    /// Writes the head of a line that is not the expected unit, or whose tokens no longer match. The first `done`
    /// tokens are already written. Returns the unit to expect next.
    #[cold]
    #[inline(never)]
    pub(crate) fn line<const COUNT: bool>(
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
            // The distance in lines to the heads it refers to may have changed.
            let moved = |delta| pass.places.delta_of(found.checked_sub(delta)?);
            let rest = rest_of(units.tokens(found), pass.at - line, moved);
            let done = pass.write::<false>(&rest);
            tokens.extend_from_slice(&rest[..done]);
        }
        if pass.at < end {
            self.searched += 1;
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

    /// Finds the unit of a head by its hash.
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
