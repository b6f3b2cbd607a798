//! Laws of the runner, in a runtime whose clock jumps to the next timer when it is idle.

mod failures;
mod harness;
mod schedules;
#[cfg(feature = "http")]
mod threads;
mod waits;
