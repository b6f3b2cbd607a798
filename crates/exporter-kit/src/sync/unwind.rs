//! Panics of a program's code, caught where the library calls it.

use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Calls `work`, and returns `None` if it panics. The panic message is on standard error already.
///
/// A panic's payload can panic as well when it is dropped. The payload of that second panic is leaked.
pub(crate) fn caught<T>(work: impl FnOnce() -> T) -> Option<T> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(output) => Some(output),
        Err(payload) => {
            if let Err(again) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
                mem::forget(again);
            }
            None
        }
    }
}
