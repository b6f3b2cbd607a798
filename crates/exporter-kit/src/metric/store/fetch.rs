//! Prefetching memory before it is read.
//!
//! Processors prefetch memory that is read in order, but not memory behind a pointer. When the series do not fit in the
//! caches, a walk without prefetching would wait for each.

use std::ptr;

/// The number of bytes that the processor fetches at once.
pub(super) const LINE_BYTES: usize = 64;

/// Prefetches a value that the caller reads soon, without waiting for it.
#[inline]
pub(super) fn soon<T>(what: &T) {
    branches::prefetch_read_data::<T, 0>(ptr::from_ref(what));
}
