//! The wait of a thread for a future: until a deadline, and while a scrape still wants it.

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

/// The time between two checks whether to go on.
const LOOK: Duration = Duration::from_millis(50);

/// The reason why a wait ended without the future's output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum GivenUp {
    /// The deadline has passed.
    Late,
    /// The waiting scrape has gone.
    Unwanted,
}

/// Waits on this thread. Neither the thread nor the future may need a runtime. Calls `is_wanted` about every 50 ms.
pub(crate) fn wait<F: Future>(
    future: F,
    until: Option<Instant>,
    is_wanted: impl Fn() -> bool,
) -> Result<F::Output, GivenUp> {
    let mut future = pin!(future);
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return Ok(output);
        }
        let left = until.map(|until| until.saturating_duration_since(Instant::now()));
        if left == Some(Duration::ZERO) {
            return Err(GivenUp::Late);
        }
        if !is_wanted() {
            return Err(GivenUp::Unwanted);
        }
        thread::park_timeout(left.map_or(LOOK, |left| left.min(LOOK)));
    }
}

/// Wakes a parked thread.
struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}
