//! Waiting for states that are not reported.

use std::fmt::Display;
use std::thread;
use std::time::{Duration, Instant};

use crate::program::PATIENCE;

/// Looks until something is found that is not reported when it appears; fails with what is seen in its place.
pub(crate) fn until<T, S: Display>(mut look: impl FnMut() -> Result<T, S>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match look() {
            Ok(found) => return found,
            Err(seen) => assert!(Instant::now() < deadline, "still {seen}"),
        }
        thread::sleep(Duration::from_millis(20));
    }
}

/// Looks until it is so.
pub(crate) fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    until(|| is_so().then_some(()).ok_or(format!("not so: {what}")));
}
