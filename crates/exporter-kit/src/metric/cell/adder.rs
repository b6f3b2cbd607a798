//! A sum of whole numbers that many threads add to.
//!
//! What a word holds only grows, so that no reading is less than one before it.

use std::fmt;
use std::sync::atomic::AtomicUsize;

use crate::metric::cell::slot;
use crate::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use crate::sync::{OnceLock, load_own};

/// The number of threads with a word of their own in a spread cell; others add atomically.
pub(crate) const SPREAD_SLOTS: usize = if cfg!(exporter_kit_loom) { 2 } else { 16 };

/// The number of hits by other threads from one scrape to the next that makes a cell spread.
pub(crate) const SPREAD_AFTER: u32 = if cfg!(exporter_kit_loom) { 1 } else { 4096 };

/// The most cells that are spread at once: at 1.1 KiB for a sum, they take at most 4.5 MiB.
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

/// More than one is added at once to a word only as long as it stays below this: no program counts as many again one
/// by one, so that who adds one need not ask.
const FULL: u64 = 1 << 63;

/// Adds up `u64`; returns false for an amount that overflows, which it did not add.
pub(crate) struct Adder {
    /// The thread that `own` belongs to, or `slot::NOBODY`, or once the cell has spread `slot::EVERYBODY`.
    owner: AtomicU32,
    /// About how often other threads have added since the last scrape.
    foreign: AtomicU32,
    /// Invariant: only the owner writes it; it has less than 2^63 but for what was added one by one.
    own: AtomicU64,
    shared: AtomicU64,
    spread: OnceLock<Box<Spread>>,
}

struct Spread {
    words: [Line; SPREAD_SLOTS],
    /// For the threads whose numbers are beyond those.
    beyond: Line,
    _permit: SpreadPermit,
}

/// One word with a cache line of its own.
#[repr(align(64))]
#[derive(Default)]
struct Line(AtomicU64);

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

    /// Adds `n`; returns false if that overflows, and then adds nothing.
    #[must_use]
    #[inline]
    pub(crate) fn add(&self, n: u64) -> bool {
        self.in_word_of(slot::current(), |word| self.add_as_owner(word, n))
            .unwrap_or_else(|| self.add_unassigned(n))
    }

    /// Adds one, in as few instructions as a word of one's own takes.
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

    /// Adds as the thread with the number `slot`; returns false if that overflows.
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
        // A lost count here only delays the spreading.
        let foreign = self.foreign.load(Ordering::Relaxed).saturating_add(1);
        self.foreign.store(foreign, Ordering::Relaxed);
        if foreign == SPREAD_AFTER {
            self.spread_out();
        }
        add_shared(&self.shared, n)
    }

    /// Does something in the word that only this thread writes, if it has one.
    ///
    /// In code of its own for each of the two places that it can be in. Where the code first chooses the place, the
    /// processor does not foresee that an addition reads what the last one wrote, and takes twice as long.
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

    /// Adds without a read-modify-write to a word that this thread alone writes, if there is room.
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

    /// Makes the thread the owner, if it has a number and there never was an owner.
    fn claim(&self, slot: u32) -> Option<&AtomicU64> {
        slot::claim(&self.owner, slot).then_some(&self.own)
    }

    #[cold]
    fn spread_out(&self) {
        if let Some(permit) = SpreadPermit::take() {
            let words = std::array::from_fn(|_| Line::default());
            // If another thread was first, this one's permit is given back.
            let _ = self.spread.set(Box::new(Spread {
                words,
                beyond: Line::default(),
                _permit: permit,
            }));
            // The owner, too, now has a word there, so that the line that all of them read is written no more.
            self.owner.store(slot::EVERYBODY, Ordering::Relaxed);
        }
    }

    /// The sum so far.
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

/// Adds to a word that any thread writes; returns false if that overflows.
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
