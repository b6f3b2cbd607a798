//! Synchronization types: the standard library's, or loom's when models are checked.
//!
//! A panic elsewhere does not poison these locks: their data is consistent between statements.

#[cfg(not(exporter_kit_loom))]
mod std_types {
    pub(crate) use std::sync::{
        Mutex, MutexGuard, OnceLock, RwLock, RwLockReadGuard, RwLockWriteGuard, atomic,
    };

    /// Reads an atomic that only this thread writes.
    #[inline]
    pub(crate) fn load_own(word: &atomic::AtomicU64) -> u64 {
        word.load(atomic::Ordering::Relaxed)
    }
}

#[cfg(exporter_kit_loom)]
mod loom_types;
#[cfg(feature = "http")]
mod race;
mod unwind;

use std::sync::PoisonError;

#[cfg(exporter_kit_loom)]
pub(crate) use loom_types::*;
#[cfg(feature = "http")]
pub(crate) use race::first;
#[cfg(not(exporter_kit_loom))]
pub(crate) use std_types::*;
pub(crate) use unwind::caught;

pub(crate) fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[inline]
pub(crate) fn read<T: ?Sized>(lock: &RwLock<T>) -> RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

pub(crate) fn write<T: ?Sized>(lock: &RwLock<T>) -> RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(PoisonError::into_inner)
}
