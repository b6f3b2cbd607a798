//! Connections that wait for the next collection.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// Connections that nobody uses now. They are closed by being dropped.
pub(super) struct Kept<C>(Arc<Shelf<C>>);

struct Shelf<C> {
    idle: Mutex<AllIdle<C>>,
    keep_idle: Duration,
}

struct AllIdle<C> {
    /// The one that was used last is the last.
    list: Vec<Idle<C>>,
    /// Whether a task waits to close some.
    watched: bool,
}

struct Idle<C> {
    connection: C,
    until: Instant,
}

impl<C: Send + 'static> Kept<C> {
    pub(super) fn new(keep_idle: Duration) -> Self {
        Self(Arc::new(Shelf {
            idle: Mutex::new(AllIdle {
                list: Vec::new(),
                watched: false,
            }),
            keep_idle,
        }))
    }

    /// The one that was used last.
    pub(super) fn take(&self) -> Option<C> {
        self.0.lock().list.pop().map(|idle| idle.connection)
    }

    /// Keeps one for later, but not for ever.
    pub(super) fn put(&self, connection: C) {
        let until = Instant::now() + self.0.keep_idle;
        let mut idle = self.0.lock();
        idle.list.push(Idle { connection, until });
        if !std::mem::replace(&mut idle.watched, true) {
            tokio::spawn(close(Arc::downgrade(&self.0), until));
        }
    }

    /// Closes all: if one was lost, the others most likely were too.
    pub(super) fn clear(&self) {
        let lost = std::mem::take(&mut self.0.lock().list);
        drop(lost);
    }
}

impl<C> Shelf<C> {
    fn lock(&self) -> MutexGuard<'_, AllIdle<C>> {
        // Nothing is done under the lock that could leave it half done.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Closes connections as their time is over, until there is none.
async fn close<C>(shelf: Weak<Shelf<C>>, mut next: Instant) {
    loop {
        sleep_until(next).await;
        let Some(shelf) = shelf.upgrade() else { return };
        // What closing does is not done under the lock.
        let (over, earliest) = shelf.lock().take_over(Instant::now());
        drop(over);
        match earliest {
            Some(until) => next = until,
            None => return,
        }
    }
}

impl<C> AllIdle<C> {
    /// Those whose time is over, and when that of the next will be.
    fn take_over(&mut self, now: Instant) -> (Vec<Idle<C>>, Option<Instant>) {
        let all = std::mem::take(&mut self.list);
        let (over, kept) = all.into_iter().partition(|idle| idle.until <= now);
        self.list = kept;
        let earliest = self.list.iter().map(|idle| idle.until).min();
        self.watched = earliest.is_some();
        (over, earliest)
    }
}

impl<C> fmt::Debug for Kept<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Kept")
            .field(&self.0.lock().list.len())
            .finish()
    }
}
