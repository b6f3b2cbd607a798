//! An `f64` that several threads can set and add to.

use crate::sync::atomic::{AtomicU64, Ordering};
use crate::sync::load_own;

#[derive(Debug, Default)]
pub struct AtomicF64(AtomicU64);

impl AtomicF64 {
    #[inline]
    pub(crate) fn get(&self) -> f64 {
        f64::from_bits(self.0.load(Ordering::Relaxed))
    }

    /// Returns the value, and makes everything visible that its [owner](Self::add_as_owner) did before it wrote it.
    pub(crate) fn get_acquire(&self) -> f64 {
        f64::from_bits(self.0.load(Ordering::Acquire))
    }

    #[inline]
    pub(crate) fn set(&self, value: f64) {
        self.0.store(value.to_bits(), Ordering::Relaxed);
    }

    /// Sets the value and returns the previous one.
    pub(crate) fn swap(&self, value: f64) -> f64 {
        f64::from_bits(self.0.swap(value.to_bits(), Ordering::Relaxed))
    }

    #[inline]
    pub(crate) fn add(&self, amount: f64) {
        let mut before = self.0.load(Ordering::Relaxed);
        loop {
            let after = (f64::from_bits(before) + amount).to_bits();
            match self
                .0
                .compare_exchange_weak(before, after, Ordering::Relaxed, Ordering::Relaxed)
            {
                Ok(_) => return,
                Err(now) => before = now,
            }
        }
    }

    /// Adds without a read-modify-write, ordered after all earlier operations of the thread. Only for an atomic that
    /// one thread writes.
    #[inline]
    pub(crate) fn add_as_owner(&self, amount: f64) {
        let sum = f64::from_bits(load_own(&self.0)) + amount;
        self.0.store(sum.to_bits(), Ordering::Release);
    }

    /// Copies the value of `other`, ordered after all earlier operations of the thread. Only for atomics that one
    /// thread writes.
    #[inline]
    pub(crate) fn copy_as_owner(&self, other: &Self) {
        self.0.store(load_own(&other.0), Ordering::Release);
    }
}
