//! The lines of a page as scraped, and those that go on after a line feed in quotes.

use crate::model::escape;

/// A label value with line feeds is followed over this many lines. A limit, so that quotes that never close cost no
/// more than linear time.
const MAX_JOINED: usize = 16;

/// The lines of a page, with their numbers from 1.
pub(crate) struct PageLines<'a> {
    page: &'a [u8],
    /// The begin of the current line.
    begin: usize,
    /// The begin of the next line.
    next: usize,
    number: usize,
}

impl<'a> PageLines<'a> {
    pub(crate) fn new(page: &'a [u8]) -> Self {
        Self {
            page,
            begin: 0,
            next: 0,
            number: 0,
        }
    }

    /// Returns the current line joined with those behind it, up to the one where its quotes are closed, and their
    /// number. They are not passed over.
    pub(crate) fn joined(&self) -> Option<(&'a [u8], usize)> {
        let mut next = self.next;
        for count in 1..MAX_JOINED {
            if next >= self.page.len() {
                return None;
            }
            let end = end_of_line(self.page, next);
            let line = &self.page[self.begin..end];
            if std::str::from_utf8(line).is_ok_and(closes_its_quotes) {
                return Some((line, count));
            }
            next = end + 1;
        }
        None
    }

    /// Passes over the next lines.
    pub(crate) fn pass_over(&mut self, count: usize) {
        for _ in 0..count {
            self.next();
        }
    }
}

impl<'a> Iterator for PageLines<'a> {
    type Item = (usize, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        if self.next >= self.page.len() {
            return None;
        }
        let end = end_of_line(self.page, self.next);
        self.begin = self.next;
        self.next = end + 1;
        self.number += 1;
        Some((self.number, &self.page[self.begin..end]))
    }
}

fn end_of_line(page: &[u8], from: usize) -> usize {
    memchr::memchr(b'\n', &page[from..]).map_or(page.len(), |at| from + at)
}

fn closes_its_quotes(line: &str) -> bool {
    let mut rest = line;
    while let Some(at) = memchr::memchr(b'"', rest.as_bytes()) {
        rest = &rest[at + 1..];
        match escape::closing_quote(rest) {
            Some(end) => rest = &rest[end + 1..],
            None => return false,
        }
    }
    true
}
