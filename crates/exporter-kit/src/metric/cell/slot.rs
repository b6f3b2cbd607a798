//! A small number for each thread, so that cells can give threads words of their own.
//!
//! The smallest free number is given out, and comes back when its thread ends. Giving it to the next
//! thread goes through a mutex, so what the old thread wrote with plain stores happened before what the
//! new one reads.

use std::cell::Cell;
use std::collections::BTreeSet;
// Not those of crate::sync: loom has none for statics. Its models hand the numbers out themselves.
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::sync::atomic::{AtomicU32, Ordering};

/// No number: the thread is ending, or has not been given one yet.
pub(crate) const NONE: u32 = u32::MAX;

/// In place of an owner's number: nobody owns the words yet. No thread has this number.
pub(super) const NOBODY: u32 = u32::MAX - 1;

/// In place of an owner's number: the words belong to no single thread any more. No thread has this number.
pub(super) const EVERYBODY: u32 = u32::MAX - 2;

/// So many numbers there are, from 0.
const NUMBERS: u32 = EVERYBODY;

/// The numbers that no thread has.
pub(super) struct Free {
    returned: BTreeSet<u32>,
    next: u32,
}

impl Free {
    pub(super) const fn new() -> Self {
        Self {
            returned: BTreeSet::new(),
            next: 0,
        }
    }

    pub(super) fn take(&mut self) -> u32 {
        self.returned.pop_first().unwrap_or_else(|| {
            // More threads than there are numbers share none: they use the atomic words.
            if self.next == NUMBERS {
                return NONE;
            }
            self.next += 1;
            self.next - 1
        })
    }

    pub(super) fn give_back(&mut self, slot: u32) {
        if slot != NONE {
            self.returned.insert(slot);
        }
    }
}

static FREE: Mutex<Free> = Mutex::new(Free::new());

fn free() -> MutexGuard<'static, Free> {
    FREE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Holds a thread's number until the thread ends.
struct Lease(u32);

impl Lease {
    fn take() -> Self {
        Self(free().take())
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        SLOT.set(NONE);
        free().give_back(self.0);
    }
}

thread_local! {
    // Without a destructor, so that reading it is one instruction and never fails.
    static SLOT: Cell<u32> = const { Cell::new(NONE) };
    static LEASE: Lease = Lease::take();
}

/// This thread's number, or [`NONE`] while it has none: [`assigned`] may give it one.
///
/// One instruction, and no question whether there is a number: that is asked where words for it are not found.
#[inline]
pub(crate) fn current() -> u32 {
    SLOT.get()
}

/// This thread's number, now given if it had none, or [`NONE`] while the thread ends.
#[cold]
pub(super) fn assigned() -> u32 {
    // loom's threads are all one thread of the system's.
    if SLOT.get() == NONE && cfg!(not(exporter_kit_loom)) {
        SLOT.set(LEASE.try_with(|lease| lease.0).unwrap_or(NONE));
    }
    SLOT.get()
}

/// Makes the thread with this number the owner, if it has a number and there never was an owner.
pub(super) fn claim(owner: &AtomicU32, slot: u32) -> bool {
    // Asked first: an exchange that fails takes the cache line from those who read it.
    slot != NONE
        && owner.load(Ordering::Relaxed) == NOBODY
        && owner
            .compare_exchange(NOBODY, slot, Ordering::Relaxed, Ordering::Relaxed)
            .is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;
    use std::thread;

    #[test]
    fn threads_that_live_together_have_different_numbers_and_give_them_back() {
        let (send, receive) = mpsc::channel();
        let (release, wait) = mpsc::channel::<()>();
        let other = thread::spawn(move || {
            send.send(assigned()).unwrap();
            let _ = wait.recv();
        });
        let theirs = receive.recv().unwrap();
        assert_ne!(theirs, assigned());
        assert_eq!(current(), assigned());
        drop(release);
        other.join().unwrap();
        let free = free();
        assert!(free.returned.contains(&theirs) || free.next > theirs);
    }

    #[test]
    fn numbers_that_run_out_are_shared_by_nobody() {
        let mut free = Free::new();
        let last = NUMBERS - 1;
        free.next = last;
        assert_eq!([free.take(), free.take(), free.take()], [last, NONE, NONE]);
        free.give_back(NONE);
        free.give_back(last);
        assert_eq!([free.take(), free.take()], [last, NONE]);
    }
}
