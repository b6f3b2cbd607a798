//! A sum of integers that many threads add to.
//!
//! Each atomic only grows, so no reading is less than an earlier one.

use std::fmt;
use std::sync::atomic::AtomicUsize;

use crate::metric::cell::slot;
use crate::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use crate::sync::{OnceLock, load_own};

/// The number of threads with an atomic of their own in a spread cell; other threads share one and add atomically.
pub(crate) const SPREAD_SLOTS: usize = if cfg!(exporter_kit_loom) { 2 } else { 16 };

/// A cell spreads after this number of hits by other threads between two scrapes.
pub(crate) const SPREAD_AFTER: u32 = if cfg!(exporter_kit_loom) { 1 } else { 4096 };

/// The maximum number of spread cells at once: at 1.1 KiB for a sum, they take at most 4.5 MiB.
const SPREAD_BUDGET: usize = 4096;

static SPREAD_CELLS: AtomicUsize = AtomicUsize::new(0);

/// One cell's part of the budget for spread cells; returns it on drop.
#[derive(Debug)]
pub(crate) struct SpreadPermit(());

impl SpreadPermit {
    pub(crate) fn take() -> Option<Self> {
        let within = |cells| (cells < SPREAD_BUDGET).then_some(cells + 1);
        SPREAD_CELLS
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, within)
            .ok()
            .map(|_| Self(()))
    }
}

impl Drop for SpreadPermit {
    fn drop(&mut self) {
        SPREAD_CELLS.fetch_sub(1, Ordering::Relaxed);
    }
}

/// An addition of more than one keeps an atomic below this value. No program counts from here to the overflow one by
/// one, so additions of one skip the check.
const FULL: u64 = 1 << 63;

/// Sums `u64` amounts; rejects an amount that overflows and returns false.
pub(crate) struct Adder {
    /// The thread that owns `own`, or `slot::NOBODY`; `slot::EVERYBODY` once the cell has spread.
    owner: AtomicU32,
    /// The approximate number of additions by other threads since the last scrape.
    foreign: AtomicU32,
    /// Invariant: only the owner writes it. It stays below 2^63, apart from additions of one.
    own: AtomicU64,
    shared: AtomicU64,
    spread: OnceLock<Box<SpreadCounts>>,
}

struct SpreadCounts {
    words: [PaddedAtomic; SPREAD_SLOTS],
    /// The atomic of threads whose numbers are `SPREAD_SLOTS` or more.
    beyond: PaddedAtomic,
    _permit: SpreadPermit,
}

/// One atomic with a cache line of its own.
#[repr(align(64))]
#[derive(Default)]
struct PaddedAtomic(AtomicU64);

impl Adder {
    pub(crate) fn new() -> Self {
        Self {
            owner: AtomicU32::new(slot::NOBODY),
            foreign: AtomicU32::new(0),
            own: AtomicU64::new(0),
            shared: AtomicU64::new(0),
            spread: OnceLock::new(),
        }
    }

    /// Adds `n`; returns false and adds nothing if that overflows.
    #[must_use]
    #[inline]
    pub(crate) fn add(&self, n: u64) -> bool {
        self.in_word_of(slot::current(), |word| self.add_as_owner(word, n))
            .unwrap_or_else(|| self.add_unassigned(n))
    }

    /// Adds one, with as few instructions as a thread's own atomic needs.
    #[inline]
    pub(crate) fn add_one(&self) {
        let add = |word: &AtomicU64| {
            word.store(load_own(word).wrapping_add(1), Ordering::Relaxed);
        };
        if self.in_word_of(slot::current(), add).is_none() {
            let _is_room = self.add_unassigned(1);
        }
    }

    #[cold]
    #[inline(never)]
    fn add_unassigned(&self, n: u64) -> bool {
        self.add_from(slot::assigned(), n)
    }

    /// Adds as the thread with number `slot`; returns false if that overflows.
    pub(super) fn add_from(&self, slot: u32, n: u64) -> bool {
        let as_owner = |word: &AtomicU64| self.add_as_owner(word, n);
        if let Some(is_room) = self.in_word_of(slot, as_owner) {
            return is_room;
        }
        if let Some(spread) = self.spread.get() {
            return add_shared(&spread.beyond.0, n);
        }
        if let Some(word) = self.claim(slot) {
            return self.add_as_owner(word, n);
        }
        // A lost count only delays the spreading.
        let foreign = self.foreign.load(Ordering::Relaxed).saturating_add(1);
        self.foreign.store(foreign, Ordering::Relaxed);
        if foreign == SPREAD_AFTER {
            self.spread_out();
        }
        add_shared(&self.shared, n)
    }

    /// Calls `then` with the atomic that only this thread writes, if the thread has one.
    ///
    /// Each of the atomic's two possible places has code of its own. Code that first selects the place takes twice as
    /// long: the processor does not predict that an addition reads the result of the previous one.
    #[inline]
    fn in_word_of<T>(&self, slot: u32, then: impl Fn(&AtomicU64) -> T) -> Option<T> {
        let spread = self.spread.get();
        if let Some(line) = spread.and_then(|spread| spread.words.get(slot as usize)) {
            return Some(then(&line.0));
        }
        if self.owner.load(Ordering::Relaxed) == slot {
            return Some(then(&self.own));
        }
        None
    }

    /// Adds without a read-modify-write to an atomic that only this thread writes, if the sum fits.
    #[inline]
    fn add_as_owner(&self, word: &AtomicU64, n: u64) -> bool {
        match load_own(word).checked_add(n) {
            Some(sum) if sum < FULL => {
                word.store(sum, Ordering::Relaxed);
                true
            }
            _ => self.share(n),
        }
    }

    #[cold]
    #[inline(never)]
    fn share(&self, n: u64) -> bool {
        add_shared(&self.shared, n)
    }

    /// Makes the thread the owner, if it has a number and the cell never had an owner.
    fn claim(&self, slot: u32) -> Option<&AtomicU64> {
        slot::claim(&self.owner, slot).then_some(&self.own)
    }

    #[cold]
    fn spread_out(&self) {
        if let Some(permit) = SpreadPermit::take() {
            let words = std::array::from_fn(|_| PaddedAtomic::default());
            // If another thread was first, dropping the value returns this permit.
            let _ = self.spread.set(Box::new(SpreadCounts {
                words,
                beyond: PaddedAtomic::default(),
                _permit: permit,
            }));
            // The owner now has an atomic there too, so no thread writes the cache line that all threads read.
            self.owner.store(slot::EVERYBODY, Ordering::Relaxed);
        }
    }

    /// Returns the sum so far.
    pub(crate) fn get(&self) -> u128 {
        if self.foreign.load(Ordering::Relaxed) != 0 {
            self.foreign.store(0, Ordering::Relaxed);
        }
        let own = u128::from(self.own.load(Ordering::Relaxed));
        let shared = u128::from(self.shared.load(Ordering::Relaxed));
        let spread = self.spread.get().map_or(0, |spread| {
            let lines = spread.words.iter().chain([&spread.beyond]);
            lines
                .map(|line| u128::from(line.0.load(Ordering::Relaxed)))
                .sum()
        });
        own + shared + spread
    }
}

impl fmt::Debug for Adder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Adder").field(&self.get()).finish()
    }
}

/// Adds to an atomic that any thread writes; returns false if that overflows.
fn add_shared(word: &AtomicU64, n: u64) -> bool {
    if n == 1 {
        word.fetch_add(1, Ordering::Relaxed);
        return true;
    }
    let add = |sum: u64| sum.checked_add(n).filter(|sum| *sum < FULL);
    word.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add)
        .is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    #[test]
    fn nothing_is_lost_while_a_cell_spreads_and_threads_end() {
        let adder = Adder::new();
        let per_thread = u64::from(SPREAD_AFTER) * 3;
        for _round in 0..3 {
            thread::scope(|scope| {
                for _ in 0..4 {
                    scope.spawn(|| (0..per_thread).for_each(|_| assert!(adder.add(1))));
                }
            });
        }
        assert_eq!(adder.get(), u128::from(per_thread) * 12);
    }

    #[test]
    fn an_ending_thread_and_one_beyond_the_slots_still_count() {
        let adder = Adder::new();
        adder.add_from(slot::NONE, 1);
        adder.add_from(1, 2);
        adder.spread_out();
        adder.add_from(slot::NONE, 4);
        adder.add_from(1, 8);
        adder.add_from(SPREAD_SLOTS as u32, 16);
        assert_eq!(adder.get(), 31);
    }
}
