//! A small number for each thread, so that cells can give threads atomics of their own.
//!
//! A thread takes the smallest free number and returns it when it ends. A mutex protects this hand-over, so the old
//! thread's plain stores happen before the new thread's reads.

use std::cell::Cell;
use std::collections::BTreeSet;
// Not the types of crate::sync: loom has none for statics. Its models assign the numbers themselves.
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::sync::atomic::{AtomicU32, Ordering};

/// In place of a thread's number: the thread is ending, or does not have a number yet.
pub(crate) const NONE: u32 = u32::MAX;

/// In place of an owner's number: the atomics do not have an owner yet. No thread has this number.
pub(super) const NOBODY: u32 = u32::MAX - 1;

/// In place of an owner's number: the atomics no longer belong to a single thread. No thread has this number.
pub(super) const EVERYBODY: u32 = u32::MAX - 2;

/// The count of numbers, which start at 0.
const NUMBERS: u32 = EVERYBODY;

/// The free numbers.
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
            // Threads beyond the last number do not share one: they use the shared atomics.
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

/// A thread's number; returns it when the thread ends.
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

/// Returns this thread's number, or [`NONE`] if the thread does not have one; [`assigned`] can assign one.
///
/// One instruction, without a check for a number: callers check only when they find no atomics for it.
#[inline]
pub(crate) fn current() -> u32 {
    SLOT.get()
}

/// Returns this thread's number and assigns one if necessary; returns [`NONE`] while the thread ends.
#[cold]
pub(super) fn assigned() -> u32 {
    // loom runs all threads of a model on one system thread.
    if SLOT.get() == NONE && cfg!(not(exporter_kit_loom)) {
        SLOT.set(LEASE.try_with(|lease| lease.0).unwrap_or(NONE));
    }
    SLOT.get()
}

/// Makes the thread with number `slot` the owner, if that is a number and an owner was never set.
pub(super) fn claim(owner: &AtomicU32, slot: u32) -> bool {
    // Load first: a failed exchange takes the cache line from the threads that read it.
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
