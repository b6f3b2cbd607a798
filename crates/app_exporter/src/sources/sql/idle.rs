//! Connections that are kept for the next fetch.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// Idle connections. Dropping one closes it.
pub(super) struct IdleConnections<C>(Arc<Shelf<C>>);

struct Shelf<C> {
    idle: Mutex<AllIdle<C>>,
    keep_idle: Duration,
}

struct AllIdle<C> {
    /// Ordered by last use, the most recent last.
    list: Vec<Idle<C>>,
    /// True while a task waits to close some.
    watched: bool,
}

struct Idle<C> {
    connection: C,
    until: Instant,
}

impl<C: Send + 'static> IdleConnections<C> {
    pub(super) fn new(keep_idle: Duration) -> Self {
        Self(Arc::new(Shelf {
            idle: Mutex::new(AllIdle {
                list: Vec::new(),
                watched: false,
            }),
            keep_idle,
        }))
    }

    /// Takes the most recently used connection.
    pub(super) fn take(&self) -> Option<C> {
        self.0.lock().list.pop().map(|idle| idle.connection)
    }

    /// Keeps a connection for a limited time.
    pub(super) fn put(&self, connection: C) {
        let until = Instant::now() + self.0.keep_idle;
        let mut idle = self.0.lock();
        idle.list.push(Idle { connection, until });
        if !std::mem::replace(&mut idle.watched, true) {
            tokio::spawn(close(Arc::downgrade(&self.0), until));
        }
    }

    /// Closes all connections. If one was closed by the server, the others most likely were too.
    pub(super) fn clear(&self) {
        let lost = std::mem::take(&mut self.0.lock().list);
        drop(lost);
    }
}

impl<C> Shelf<C> {
    fn lock(&self) -> MutexGuard<'_, AllIdle<C>> {
        // No step under the lock leaves the list inconsistent.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Closes connections that are idle for too long, until none is left.
async fn close<C>(shelf: Weak<Shelf<C>>, mut next: Instant) {
    loop {
        sleep_until(next).await;
        let Some(shelf) = shelf.upgrade() else { return };
        // Connections close outside the lock.
        let (over, earliest) = shelf.lock().take_over(Instant::now());
        drop(over);
        match earliest {
            Some(until) => next = until,
            None => return,
        }
    }
}

impl<C> AllIdle<C> {
    /// Takes the connections that are idle for too long, and returns the time of the next.
    fn take_over(&mut self, now: Instant) -> (Vec<Idle<C>>, Option<Instant>) {
        let all = std::mem::take(&mut self.list);
        let (over, kept) = all.into_iter().partition(|idle| idle.until <= now);
        self.list = kept;
        let earliest = self.list.iter().map(|idle| idle.until).min();
        self.watched = earliest.is_some();
        (over, earliest)
    }
}

impl<C> fmt::Debug for IdleConnections<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("IdleConnections")
            .field(&self.0.lock().list.len())
            .finish()
    }
}
