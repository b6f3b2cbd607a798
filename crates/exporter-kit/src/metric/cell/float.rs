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

    /// Returns the value, and makes everything visible that a thread did before it [set](Self::set_release) the value.
    pub(crate) fn get_acquire(&self) -> f64 {
        f64::from_bits(self.0.load(Ordering::Acquire))
    }

    /// Returns the value. Only for an atomic that this thread alone writes.
    #[inline]
    pub(crate) fn get_own(&self) -> f64 {
        f64::from_bits(load_own(&self.0))
    }

    /// Sets the value, ordered after all earlier operations of the thread.
    #[inline]
    pub(crate) fn set_release(&self, value: f64) {
        self.0.store(value.to_bits(), Ordering::Release);
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
}
