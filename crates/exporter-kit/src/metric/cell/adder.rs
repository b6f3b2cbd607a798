//! A sum of whole numbers that many threads add to.

use std::fmt;
use std::sync::atomic::AtomicUsize;

use crate::metric::cell::slot;
use crate::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use crate::sync::{OnceLock, load_own};

/// How many threads have a word of their own in a spread cell; others add atomically.
pub(crate) const SPREAD_SLOTS: usize = if cfg!(exporter_kit_loom) { 2 } else { 16 };

/// How often others hit a cell, from one scrape to the next, before it spreads.
pub(crate) const SPREAD_AFTER: u32 = if cfg!(exporter_kit_loom) { 1 } else { 4096 };

/// How many cells may be spread at once: at 1 KiB for a sum, that bounds their memory to 4 MiB.
const SPREAD_BUDGET: usize = 4096;

static SPREAD_CELLS: AtomicUsize = AtomicUsize::new(0);

/// Takes one cell's part of the budget for spread cells, and gives it back when dropped.
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

/// Adds up `u64`; a sum beyond 2^64 is told to who adds.
pub(crate) struct Adder {
    /// The thread that `own` belongs to, or `slot::NONE`.
    owner: AtomicU32,
    /// About how often other threads have added since the last scrape.
    foreign: AtomicU32,
    /// Invariant: only the owner writes it.
    own: AtomicU64,
    shared: AtomicU64,
    spread: OnceLock<Box<Spread>>,
}

struct Spread {
    words: [Line; SPREAD_SLOTS],
    _permit: SpreadPermit,
}

/// One word with a cache line of its own.
#[repr(align(64))]
#[derive(Default)]
struct Line(AtomicU64);

impl Adder {
    pub(crate) fn new() -> Self {
        Self {
            owner: AtomicU32::new(slot::NONE),
            foreign: AtomicU32::new(0),
            own: AtomicU64::new(0),
            shared: AtomicU64::new(0),
            spread: OnceLock::new(),
        }
    }

    /// Adds `n`; true if the word it went to has wrapped around, which takes 2^64 from the sum.
    #[inline]
    pub(crate) fn add(&self, n: u64) -> bool {
        self.add_from(slot::current(), n)
    }

    /// The same as the thread whose number is `slot`.
    #[inline]
    pub(super) fn add_from(&self, slot: u32, n: u64) -> bool {
        if let Some(spread) = self.spread.get() {
            return match spread.words.get((slot as usize).wrapping_sub(1)) {
                Some(line) => add_as_owner(&line.0, n),
                None => add_shared(&self.shared, n),
            };
        }
        if self.owner.load(Ordering::Relaxed) == slot && slot != slot::NONE {
            return add_as_owner(&self.own, n);
        }
        self.add_foreign(slot, n)
    }

    fn add_foreign(&self, slot: u32, n: u64) -> bool {
        if slot != slot::NONE && self.owner.load(Ordering::Relaxed) == slot::NONE {
            let claim =
                self.owner
                    .compare_exchange(slot::NONE, slot, Ordering::Relaxed, Ordering::Relaxed);
            if claim.is_ok() {
                return add_as_owner(&self.own, n);
            }
        }
        // A lost count here only delays the spreading.
        let foreign = self.foreign.load(Ordering::Relaxed).saturating_add(1);
        self.foreign.store(foreign, Ordering::Relaxed);
        if foreign == SPREAD_AFTER {
            self.spread_out();
        }
        add_shared(&self.shared, n)
    }

    #[cold]
    fn spread_out(&self) {
        if let Some(permit) = SpreadPermit::take() {
            let words = std::array::from_fn(|_| Line::default());
            // If another thread was first, this one's permit is given back.
            let _ = self.spread.set(Box::new(Spread {
                words,
                _permit: permit,
            }));
        }
    }

    /// The sum so far, modulo 2^64 for each word.
    pub(crate) fn get(&self) -> u128 {
        if self.foreign.load(Ordering::Relaxed) != 0 {
            self.foreign.store(0, Ordering::Relaxed);
        }
        let own = u128::from(self.own.load(Ordering::Relaxed));
        let shared = u128::from(self.shared.load(Ordering::Relaxed));
        let spread = self.spread.get().map_or(0, |spread| {
            spread
                .words
                .iter()
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

/// Adds without a read-modify-write. Only for a word that this thread alone writes.
#[inline]
fn add_as_owner(word: &AtomicU64, n: u64) -> bool {
    let (sum, wrapped) = load_own(word).overflowing_add(n);
    word.store(sum, Ordering::Relaxed);
    wrapped
}

#[inline]
fn add_shared(word: &AtomicU64, n: u64) -> bool {
    word.fetch_add(n, Ordering::Relaxed)
        .checked_add(n)
        .is_none()
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
                    scope.spawn(|| (0..per_thread).for_each(|_| assert!(!adder.add(1))));
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
        adder.add_from(SPREAD_SLOTS as u32 + 1, 16);
        assert_eq!(adder.get(), 31);
    }
}
