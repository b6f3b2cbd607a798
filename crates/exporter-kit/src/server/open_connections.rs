//! The open connections of a server, and which of them are closed when there are too many.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use tokio::sync::mpsc;
use tokio::task::AbortHandle;
use tokio::time::Instant;

use crate::scrape::fairness::{Holding, give_up};
use crate::server::open_files;
use crate::server::peer::Peer;
use crate::server::tracked_stream::Activity;
use crate::sync::lock;

/// The number of connections served at the same time. An idle connection holds about 3 KiB, so this many hold about
/// 30 MiB; a connection without a first request holds 2 KiB. TLS needs more.
const MAX_CONNECTIONS: usize = 10_000;

/// The part of the limit on open files that is left to the program: one of so many.
const PART_OF_PROGRAM: usize = 4;

/// When there are too many connections, one of so many is closed at once, so that this is seldom needed.
const PART_CLOSED: usize = 64;

/// The open connections of a server. At their limit, the peer that has the most loses those of least use.
#[derive(Debug)]
pub(crate) struct OpenConnections {
    table: Mutex<Table>,
    started: Instant,
    limit: usize,
}

#[derive(Debug, Default)]
struct Table {
    open: HashMap<u64, Open>,
    next: u64,
}

#[derive(Debug)]
struct Open {
    peer: Peer,
    activity: Activity,
    task: AbortHandle,
}

/// Held by the tasks of connections; the receiver ends when all of them have.
pub(crate) type Alive = mpsc::Sender<()>;

impl OpenConnections {
    /// No connections, and the limit that follows from the limit on open files as it is now.
    pub(crate) fn new() -> Arc<Self> {
        let files = open_files::limit().unwrap_or(usize::MAX);
        Self::with_limit((files - files / PART_OF_PROGRAM).clamp(1, MAX_CONNECTIONS))
    }

    fn with_limit(limit: usize) -> Arc<Self> {
        Arc::new(Self {
            table: Mutex::default(),
            started: Instant::now(),
            limit,
        })
    }

    /// The activity of a new connection.
    pub(crate) fn activity(&self) -> Activity {
        Activity::new(self.started)
    }

    /// Serves a connection in a task of its own. Returns the number of others that were closed for it.
    pub(crate) fn spawn(
        self: &Arc<Self>,
        peer: Peer,
        activity: Activity,
        alive: Alive,
        serving: impl Future<Output = ()> + Send + 'static,
    ) -> usize {
        let mut table = lock(&self.table);
        let excess = (table.open.len() + 1).saturating_sub(self.limit);
        let closed = match excess {
            0 => Vec::new(),
            _ => table.remove(excess + self.limit / PART_CLOSED),
        };
        let id = table.next;
        table.next += 1;
        let entry = Entry {
            connections: Arc::clone(self),
            id,
            _alive: alive,
        };
        // In a box: a future that awaits another holds it twice.
        let serving = Box::pin(serving);
        // The task cannot remove its entry before there is one.
        let task = tokio::spawn(async move {
            let _entry = entry;
            serving.await;
        });
        let task = task.abort_handle();
        let open = Open {
            peer,
            activity,
            task,
        };
        table.open.insert(id, open);
        drop(table);
        close(&closed)
    }

    /// Closes some connections, because the process has no file descriptor left. Returns their number.
    pub(crate) fn close_some(&self) -> usize {
        let mut table = lock(&self.table);
        let part = table.open.len().div_ceil(PART_CLOSED);
        let closed = table.remove(part);
        drop(table);
        close(&closed)
    }
}

impl Table {
    /// Removes the connections of least use, of the peers with the most.
    fn remove(&mut self, count: usize) -> Vec<AbortHandle> {
        let open = self.open.iter().map(|(id, open)| Holding {
            id: *id,
            owner: open.peer,
            size: 1,
            rank: open.activity.rank(),
        });
        let ids = give_up(open, count);
        ids.iter()
            .filter_map(|id| self.open.remove(id))
            .map(|open| open.task)
            .collect()
    }
}

fn close(tasks: &[AbortHandle]) -> usize {
    tasks.iter().for_each(AbortHandle::abort);
    tasks.len()
}

/// The entry of a connection, removed when its task ends.
struct Entry {
    connections: Arc<OpenConnections>,
    id: u64,
    _alive: Alive,
}

impl Drop for Entry {
    fn drop(&mut self) {
        lock(&self.connections.table).open.remove(&self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn at_the_limit_the_peer_with_the_most_loses_its_oldest() {
        let connections = OpenConnections::with_limit(10);
        let (alive, mut ended) = mpsc::channel(1);
        let open = |last: u8| {
            let peer = Peer::of([127, 0, 0, last].into());
            let activity = connections.activity();
            connections.spawn(peer, activity, alive.clone(), std::future::pending())
        };
        assert_eq!(open(2), 0);
        for _ in 0..9 {
            tokio::time::advance(std::time::Duration::from_millis(1)).await;
            assert_eq!(open(1), 0);
        }
        assert_eq!(open(1), 1);
        assert_eq!(open(3), 1);
        let ids = || {
            let mut ids: Vec<u64> = lock(&connections.table).open.keys().copied().collect();
            ids.sort_unstable();
            ids
        };
        assert_eq!(ids(), [0, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
        assert_eq!(connections.close_some(), 1);
        assert_eq!(ids(), [0, 4, 5, 6, 7, 8, 9, 10, 11]);
        while !ids().is_empty() {
            connections.close_some();
        }
        drop(alive);
        assert_eq!(ended.recv().await, None);
    }
}
