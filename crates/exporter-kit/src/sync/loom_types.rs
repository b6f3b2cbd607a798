//! loom's types under the names of the standard library's.

pub(crate) use loom::sync::{Mutex, MutexGuard, RwLock, RwLockReadGuard, RwLockWriteGuard, atomic};

use atomic::{AtomicBool, AtomicU64, Ordering};

/// Reads an atomic that only this thread writes.
///
/// loom remembers only the last access to an atomic. A plain load before the following store would hide an earlier read
/// by another thread. loom would then never try the store first.
pub(crate) fn load_own(word: &AtomicU64) -> u64 {
    word.fetch_add(0, Ordering::Relaxed)
}

/// A write-once cell, which loom lacks. loom tracks the order and visibility of accesses. The standard library's cell
/// holds the value, and is read only where loom says that it is set.
#[derive(Debug)]
pub(crate) struct OnceLock<T> {
    there: AtomicBool,
    writers: Mutex<()>,
    value: std::sync::OnceLock<T>,
}

impl<T> OnceLock<T> {
    pub(crate) fn new() -> Self {
        Self {
            there: AtomicBool::new(false),
            writers: Mutex::new(()),
            value: std::sync::OnceLock::new(),
        }
    }

    pub(crate) fn get(&self) -> Option<&T> {
        let there = self.there.load(Ordering::Acquire);
        there.then(|| self.value.get()).flatten()
    }

    pub(crate) fn set(&self, value: T) -> Result<(), T> {
        let _turn = super::lock(&self.writers);
        self.value.set(value)?;
        self.there.store(true, Ordering::Release);
        Ok(())
    }

    pub(crate) fn get_or_init(&self, make: impl FnOnce() -> T) -> &T {
        if let Some(value) = self.get() {
            return value;
        }
        let _turn = super::lock(&self.writers);
        let value = self.value.get_or_init(make);
        self.there.store(true, Ordering::Release);
        value
    }
}

impl<T> Default for OnceLock<T> {
    fn default() -> Self {
        Self::new()
    }
}
