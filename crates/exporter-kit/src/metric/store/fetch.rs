//! Prefetching memory before it is read.
//!
//! Processors prefetch memory that is read in order, but not memory behind a pointer. When the series do not fit in the
//! caches, a walk without prefetching would wait for each.

/// The number of bytes that the processor fetches at once.
pub(super) const LINE_BYTES: usize = 64;

/// Prefetches a value that the caller reads soon, without waiting for it.
#[cfg(target_arch = "x86_64")]
#[inline]
pub(super) fn soon<T>(what: &T) {
    safe_arch::prefetch_t0(what);
}

/// Does nothing: stable Rust has no safe prefetch for this architecture.
#[cfg(not(target_arch = "x86_64"))]
#[inline]
pub(super) fn soon<T>(_: &T) {}
