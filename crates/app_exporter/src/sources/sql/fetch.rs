//! One fetch from a server: statements run in parallel on kept connections.

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

/// The time that a finished fetch waits for connections in progress.
const PATIENCE: Duration = Duration::from_secs(1);

/// Fetches from a database server.
pub(super) struct Sql<D: Database>(Arc<Asking<D>>);

struct Asking<D: Database> {
    database: D,
    queries: Vec<Query>,
    /// The limit of connections.
    connections: usize,
    kept: Kept<D::Connection>,
}

/// The state that the workers of one fetch share.
#[derive(Debug)]
struct Turn {
    /// The index of the next statement.
    next: AtomicUsize,
    /// The failure to connect, so that each statement does not try again.
    unreachable: OnceLock<Failure>,
    visit: Visit,
    /// The end of the last statement, early enough to return those that are finished.
    end: Instant,
}

/// A connection, and whether an earlier fetch used it.
struct Held<C> {
    connection: C,
    old: bool,
}

/// The rows of statements, by index.
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
        // Dropping the set ends all workers.
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
        // A connection in progress is for the next fetch, so this one waits only briefly.
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
    /// Returns a kept connection, or a new one.
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
                format!(
                    "{:?}: cannot connect: no login in time; check the server, or raise `timeout`",
                    self.database
                ),
            ))
        })?;
        let old = false;
        Ok(Held { connection, old })
    }

    /// Runs statements until all are taken.
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

    /// Works on a further connection. If it cannot connect, the other workers run all statements.
    async fn help(self: Arc<Self>, turn: Arc<Turn>) -> Done {
        match self.held(&turn).await {
            Ok(held) => self.work(held, turn).await,
            Err(_) => Vec::new(),
        }
    }

    /// Runs one statement, again if a kept connection turns out to be closed.
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
                    "cannot run the statement: no time left; raise `timeout`, or make the statements before it faster",
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
                    // The other kept connections are most likely closed too.
                    self.kept.clear();
                    continue;
                }
                Ok(result) => result,
                // Dropping the connection ends the statement on the server.
                Err(_) => {
                    return Err(Failure::new(
                        Reason::Timeout,
                        "cannot run the statement: not finished in time, so it was cancelled; raise `timeout`, or make it faster",
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

    /// A server that accepts one connection, and no further one.
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
