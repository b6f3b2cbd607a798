//! Having memory fetched before it is read.
//!
//! Processors fetch by themselves what is read in order, but not what is behind a pointer. Where the series are too many for
//! the caches, a walk would wait for each.

use std::ptr;

/// The number of bytes that are fetched at once.
pub(super) const LINE_BYTES: usize = 64;

/// Says that this will be read soon; nothing waits for it.
#[inline]
pub(super) fn soon<T>(what: &T) {
    branches::prefetch_read_data::<T, 0>(ptr::from_ref(what));
}
