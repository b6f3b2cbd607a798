//! A small number for each thread, so that cells can give threads words of their own.
//!
//! The smallest free number is given out, and comes back when its thread ends. Giving it to the next
//! thread goes through a mutex, so what the old thread wrote with plain stores happened before what the
//! new one reads.

use std::cell::Cell;
use std::collections::BTreeSet;
// Not those of crate::sync: loom has none for statics. Its models hand the numbers out themselves.
use std::sync::{Mutex, MutexGuard, PoisonError};

/// No number: the thread is ending, or has not been given one yet.
pub(crate) const NONE: u32 = 0;

/// The numbers that no thread has.
pub(super) struct Free {
    returned: BTreeSet<u32>,
    next: u32,
}

impl Free {
    pub(super) const fn new() -> Self {
        Self {
            returned: BTreeSet::new(),
            next: NONE + 1,
        }
    }

    pub(super) fn take(&mut self) -> u32 {
        self.returned.pop_first().unwrap_or_else(|| {
            let next = self.next;
            // More threads than there are numbers share none: they use the atomic words.
            if next != NONE {
                self.next = next.wrapping_add(1);
            }
            next
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

/// This thread's number, or [`NONE`] while the thread ends.
#[inline]
pub(crate) fn current() -> u32 {
    if cfg!(exporter_kit_loom) {
        // loom's threads are all one thread of the system's.
        return NONE;
    }
    match SLOT.get() {
        NONE => assign(),
        slot => slot,
    }
}

#[cold]
fn assign() -> u32 {
    let slot = LEASE.try_with(|lease| lease.0).unwrap_or(NONE);
    SLOT.set(slot);
    slot
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
            send.send(current()).unwrap();
            let _ = wait.recv();
        });
        let theirs = receive.recv().unwrap();
        assert_ne!(theirs, current());
        assert_eq!(current(), current());
        drop(release);
        other.join().unwrap();
        let free = free();
        assert!(free.returned.contains(&theirs) || free.next > theirs);
    }

    #[test]
    fn numbers_that_run_out_are_shared_by_nobody() {
        let mut free = Free::new();
        free.next = u32::MAX;
        assert_eq!(
            [free.take(), free.take(), free.take()],
            [u32::MAX, NONE, NONE]
        );
        free.give_back(NONE);
        free.give_back(u32::MAX);
        assert_eq!([free.take(), free.take()], [u32::MAX, NONE]);
    }
}
