//! One collection from a server: statements side by side on connections that are kept.

use std::fmt;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use exporter_kit::source::SourceErrorReason as Reason;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout, timeout_at};

use crate::decode::{Failure, Part, Table};
use crate::sources::origin::Fetch;
use crate::sources::sql::database::{Database, Trouble};
use crate::sources::sql::kept::Kept;
use crate::sources::sql::query::{Queries, Query};
use crate::sources::visit::Visit;

/// How long a collection that is done waits for connections that are not there yet.
const PATIENCE: Duration = Duration::from_secs(1);

/// Asks a database server.
pub(super) struct Sql<D: Database>(Arc<Asking<D>>);

struct Asking<D: Database> {
    database: D,
    queries: Vec<Query>,
    /// How many connections there are at most.
    connections: usize,
    kept: Kept<D::Connection>,
}

/// What those that work on one collection share.
#[derive(Debug)]
struct Turn {
    /// The statement that is next.
    next: AtomicUsize,
    /// Why there is no connection, once that is known: it is not tried again for each statement.
    unreachable: OnceLock<Failure>,
    visit: Visit,
    /// When statements are given up, so that those that are done are shown.
    end: Instant,
}

/// A connection, and whether it has been used before.
struct Held<C> {
    connection: C,
    old: bool,
}

/// The rows of statements, by their number.
type Done = Vec<(usize, Result<Table, Failure>)>;

impl<D: Database> Sql<D> {
    pub(super) fn new(database: D, queries: Queries, keep_idle: Duration) -> Self {
        Self(Arc::new(Asking {
            database,
            queries: queries.list,
            connections: queries.connections,
            kept: Kept::new(keep_idle),
        }))
    }
}

impl<D: Database> Fetch for Sql<D> {
    async fn fetch(&self, visit: &Visit) -> Result<Vec<Part>, Failure> {
        let asking = &self.0;
        let turn = Arc::new(Turn {
            next: AtomicUsize::new(0),
            unreachable: OnceLock::new(),
            visit: visit.clone(),
            end: visit.last_moment(),
        });
        let first = asking.held(&turn).await?;
        // Dropped, it ends them all.
        let mut workers = JoinSet::new();
        workers.spawn(Arc::clone(asking).work(first, Arc::clone(&turn)));
        for _ in 1..asking.connections.min(asking.queries.len()) {
            workers.spawn(Arc::clone(asking).help(Arc::clone(&turn)));
        }
        let mut done: Done = Vec::new();
        while done.len() < asking.queries.len()
            && let Some(result) = workers.join_next().await
        {
            match result.map_err(|error| error.try_into_panic()) {
                Ok(some) => done.extend(some),
                Err(Ok(panic)) => resume_unwind(panic),
                Err(Err(error)) => {
                    return Err(Failure::new(Reason::Other, error.to_string()));
                }
            }
        }
        // A connection that is still being made serves the next collection, but this one does not wait for it for long.
        let connecting = async { while workers.join_next().await.is_some() {} };
        let _ = timeout(PATIENCE, connecting).await;
        done.sort_by_key(|(at, _)| *at);
        let parts = asking.queries.iter().zip(done);
        Ok(parts
            .map(|(query, (_, table))| Part::rows(&query.name, table))
            .collect())
    }
}

impl<D: Database> Asking<D> {
    /// A connection that was kept, or a new one.
    async fn held(&self, turn: &Turn) -> Result<Held<D::Connection>, Failure> {
        while let Some(connection) = self.kept.take() {
            if D::is_open(&connection) {
                let old = true;
                return Ok(Held { connection, old });
            }
        }
        self.connect(turn).await
    }

    async fn connect(&self, turn: &Turn) -> Result<Held<D::Connection>, Failure> {
        let connected = timeout_at(turn.end, self.database.connect(&turn.visit)).await;
        let connection = connected.unwrap_or_else(|_| {
            Err(Failure::new(
                Reason::Timeout,
                format!("{:?} lets nobody in in time", self.database),
            ))
        })?;
        let old = false;
        Ok(Held { connection, old })
    }

    /// Runs statements until none is left.
    async fn work(self: Arc<Self>, first: Held<D::Connection>, turn: Arc<Turn>) -> Done {
        let mut held = Some(first);
        let mut done = Vec::new();
        loop {
            let at = turn.next.fetch_add(1, Ordering::Relaxed);
            let Some(query) = self.queries.get(at) else {
                break;
            };
            done.push((at, self.ask(query, &mut held, &turn).await));
        }
        if let Some(held) = held {
            self.kept.put(held.connection);
        }
        done
    }

    /// The same on a further connection; without one the others do the work.
    async fn help(self: Arc<Self>, turn: Arc<Turn>) -> Done {
        match self.held(&turn).await {
            Ok(held) => self.work(held, turn).await,
            Err(_) => Vec::new(),
        }
    }

    /// Runs one statement; a second time if an old connection turns out to be lost.
    async fn ask(
        &self,
        query: &Query,
        held: &mut Option<Held<D::Connection>>,
        turn: &Turn,
    ) -> Result<Table, Failure> {
        loop {
            if Instant::now() >= turn.end {
                return Err(Failure::new(
                    Reason::Timeout,
                    "no time was left for the statement",
                ));
            }
            let Held {
                mut connection,
                old,
            } = match held.take() {
                Some(held) => held,
                None => self.reconnect(turn).await?,
            };
            let deadline = turn.visit.deadline();
            let running = self.database.run(&mut connection, query, deadline);
            let result = match timeout_at(turn.end, running).await {
                Ok(Err(Trouble::Lost(_))) if old => {
                    // What was lost with it would be found one after the other.
                    self.kept.clear();
                    continue;
                }
                Ok(result) => result,
                // The connection is dropped, which ends what the server does.
                Err(_) => {
                    return Err(Failure::new(
                        Reason::Timeout,
                        "the statement was not done in time and was stopped",
                    ));
                }
            };
            if let Ok(_) | Err(Trouble::Failed(_)) = result {
                let old = true;
                *held = Some(Held { connection, old });
            }
            return result.map_err(Trouble::into_failure);
        }
    }

    async fn reconnect(&self, turn: &Turn) -> Result<Held<D::Connection>, Failure> {
        if let Some(failure) = turn.unreachable.get() {
            return Err(failure.clone());
        }
        let connected = self.connect(turn).await;
        if let Err(failure) = &connected {
            let _ = turn.unreachable.set(failure.clone());
        }
        connected
    }
}

impl<D: Database> fmt::Debug for Sql<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sql")
            .field("database", &self.0.database)
            .field("queries", &self.0.queries)
            .field("kept", &self.0.kept)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use exporter_kit::source::Deadline;

    use super::*;
    use crate::decode::{Limits, TableBuilder};
    use crate::sources::visit::Visits;

    /// A server that lets one in, and never another.
    #[derive(Debug, Default)]
    struct Narrow(AtomicUsize);

    impl Database for Narrow {
        type Connection = ();

        async fn connect(&self, _: &Visit) -> Result<(), Failure> {
            match self.0.fetch_add(1, Ordering::Relaxed) {
                0 => Ok(()),
                _ => pending().await,
            }
        }

        fn is_open((): &()) -> bool {
            true
        }

        async fn run(&self, (): &mut (), _: &Query, _: Deadline) -> Result<Table, Trouble> {
            Ok(TableBuilder::new([""; 0], Limits { bytes: 0, rows: 0 }).build())
        }
    }

    #[test]
    fn a_connection_that_is_not_had_holds_up_nothing_that_is_done() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let query = |name: &str| Query {
            name: name.into(),
            statement: "".into(),
            wanted: Vec::new(),
        };
        let sql = Sql::new(
            Narrow::default(),
            Queries {
                list: vec![query("a"), query("b"), query("c")],
                connections: 3,
            },
            Duration::from_secs(60),
        );
        runtime.block_on(async {
            let visits = Visits::new();
            for _ in 0..2 {
                let deadline = Deadline::after(Duration::from_secs(600));
                let visit = visits.begin(deadline).await.unwrap();
                let fetched = timeout(Duration::from_secs(60), sql.fetch(&visit)).await;
                let parts = fetched.unwrap().unwrap();
                let names: Vec<_> = parts.iter().map(|part| &*part.name).collect();
                assert_eq!(names, ["a", "b", "c"]);
            }
        });
    }
}
