//! A limit of memory that several users share, each with what it took.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A limit of memory in bytes, which several users share. Cheap to clone; clones are the same limit.
///
/// It limits what its users take from it, which are estimates of their large parts; it measures nothing by itself.
///
/// ```
/// use exporter_kit::source::MemoryLimit;
///
/// let limit = MemoryLimit::new(1000);
/// let mut text = limit.share();
/// assert!(text.take(900));
/// assert!(!limit.share().take(200));
/// drop(text);
/// assert_eq!(limit.taken(), 0);
/// ```
#[derive(Clone)]
pub struct MemoryLimit {
    state: Arc<State>,
}

struct State {
    bytes: usize,
    taken: AtomicUsize,
}

/// The part of a [`MemoryLimit`] that one user has taken. It goes back when this is dropped.
#[derive(Debug)]
pub struct MemoryShare {
    limit: MemoryLimit,
    taken: usize,
}

impl MemoryLimit {
    /// Creates a limit of that many bytes.
    pub fn new(bytes: usize) -> Self {
        Self {
            state: Arc::new(State {
                bytes,
                taken: AtomicUsize::new(0),
            }),
        }
    }

    /// The limit, in bytes.
    pub fn bytes(&self) -> usize {
        self.state.bytes
    }

    /// The bytes that are taken at present.
    pub fn taken(&self) -> usize {
        self.state.taken.load(Ordering::Relaxed)
    }

    /// Creates a share, without any bytes yet.
    pub fn share(&self) -> MemoryShare {
        MemoryShare {
            limit: self.clone(),
            taken: 0,
        }
    }
}

impl MemoryShare {
    /// Takes that many bytes more. Returns `false`, and takes none, if they exceed the limit.
    pub fn take(&mut self, bytes: usize) -> bool {
        let state = &self.limit.state;
        let more = |taken: usize| taken.checked_add(bytes).filter(|all| *all <= state.bytes);
        let taken = state
            .taken
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, more)
            .is_ok();
        if taken {
            self.taken += bytes;
        }
        taken
    }

    /// The bytes that it has taken.
    pub fn taken(&self) -> usize {
        self.taken
    }
}

impl Drop for MemoryShare {
    fn drop(&mut self) {
        let taken = &self.limit.state.taken;
        taken.fetch_sub(self.taken, Ordering::Relaxed);
    }
}

impl fmt::Debug for MemoryLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryLimit")
            .field("bytes", &self.bytes())
            .field("taken", &self.taken())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn shares_together_never_exceed_their_limit_and_give_all_back() {
        const LIMIT: usize = 1000;
        let limit = MemoryLimit::new(LIMIT);
        thread::scope(|scope| {
            for size in 1..=8 {
                let limit = &limit;
                scope.spawn(move || {
                    for _ in 0..1000 {
                        let mut share = limit.share();
                        while share.take(size * 10) {
                            assert!(limit.taken() <= LIMIT);
                        }
                    }
                });
            }
        });
        assert_eq!(limit.taken(), 0);
        assert!(limit.share().take(LIMIT));
    }

    #[test]
    fn a_number_that_overflows_is_too_much() {
        let limit = MemoryLimit::new(usize::MAX);
        let mut share = limit.share();
        assert!(share.take(1));
        assert!(!share.take(usize::MAX));
        assert_eq!(share.taken(), 1);
    }
}
