//! Padding behind an atomic that threads write often.

use std::ops::Deref;

/// A cell of one atomic with padding, so that the next series' atomic is in another cache line.
///
/// With it, allocators place the series of one family side by side at a distance of 64 bytes. Threads that set
/// neighbouring gauges then never wait for each other's cache line.
#[derive(Debug, Default)]
#[repr(C)]
pub struct Spaced<C> {
    /// First, to share a cache line with the fields before it in a series: a scrape reads both.
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
    use crate::metric::series::SeriesCell;

    #[test]
    fn a_gauge_and_what_an_allocator_adds_fill_a_cache_line() {
        // An `Arc` has two counts before its content. The allocator adds 8 bytes and rounds up to 16.
        let allocated = size_of::<SeriesCell<Spaced<AtomicU64>>>() + 2 * 8 + 8;
        assert_eq!(allocated.next_multiple_of(16), 64);
    }
}
