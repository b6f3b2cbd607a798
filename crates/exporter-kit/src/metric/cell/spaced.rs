//! Room around a word that is written often.

use std::ops::Deref;

/// A cell of one word with so much room behind it that the next series' word is in another cache line.
///
/// Allocators lay series of one family side by side, 64 bytes apart with this. Threads that set neighbouring gauges then
/// never wait for each other's cache line.
#[derive(Debug, Default)]
#[repr(C)]
pub struct Spaced<C> {
    /// First, so that it shares a cache line with what stands before it in a series: a scrape reads both.
    cell: C,
    _room: [u64; 2],
}

impl<C> Deref for Spaced<C> {
    type Target = C;

    #[inline]
    fn deref(&self) -> &C {
        &self.cell
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU64;

    use super::*;
    use crate::metric::series::Series;

    #[test]
    fn a_gauge_and_what_an_allocator_adds_fill_a_cache_line() {
        // An `Arc` has two counts before its content, an allocator a word of its own and sizes by 16 bytes.
        let allocated = size_of::<Series<Spaced<AtomicU64>>>() + 2 * 8 + 8;
        assert_eq!(allocated.next_multiple_of(16), 64);
    }
}
