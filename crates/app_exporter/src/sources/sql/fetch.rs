//! One fetch from a server: statements run in parallel on kept connections.

use std::fmt;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use exporter_kit::source::SourceErrorReason as Reason;
use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, timeout, timeout_at};

use crate::config::{At, Fault};
use crate::decode::{Failure, Part, Table};
use crate::sources::origin::{Fetch, Fetcher};
use crate::sources::sql::database::{Database, StatementError};
use crate::sources::sql::each_database::EachDatabase;
use crate::sources::sql::idle::IdleConnections;
use crate::sources::sql::server::ServerConfig;
use crate::sources::sql::statement::{FetcherInputs, Results, Statement, Statements};
use crate::sources::visit::Visit;

/// The time that a finished fetch waits for connections in progress.
const PATIENCE: Duration = Duration::from_secs(1);

/// Fetches from a database server.
pub(super) struct Sql<D: Database>(Arc<Pool<D>>);

struct Pool<D: Database> {
    server: Arc<D>,
    /// The database, instead of the configured one.
    database: Option<String>,
    statements: Arc<[Statement]>,
    /// The limit of connections.
    connections: usize,
    idle: IdleConnections<D::Connection>,
}

/// The state that the workers of one fetch share.
#[derive(Debug)]
struct Round {
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

impl<D: Database> Sql<D> {
    /// Builds the fetcher.
    ///
    /// # Errors
    /// When a variable is not set, or a certificate cannot be loaded.
    pub(super) fn fetcher(
        keys: &At<ServerConfig>,
        inputs: FetcherInputs<'_>,
        keep_idle: Duration,
    ) -> Result<Fetcher, Fault> {
        let server = keys.server(D::PORT, inputs.surroundings)?;
        let patterns = server.databases.clone();
        let server = Arc::new(D::new(server, inputs.limits));
        let Statements { list, connections } = inputs.statements;
        Ok(match patterns {
            None => Fetcher::new(Self::new(server, None, list.into(), connections, keep_idle)),
            Some(patterns) => {
                let list = list.into();
                Fetcher::new(EachDatabase::new(
                    server,
                    patterns,
                    list,
                    connections,
                    keep_idle,
                ))
            }
        })
    }

    pub(super) fn new(
        server: Arc<D>,
        database: Option<String>,
        statements: Arc<[Statement]>,
        connections: usize,
        keep_idle: Duration,
    ) -> Self {
        Self(Arc::new(Pool {
            server,
            database,
            statements,
            connections,
            idle: IdleConnections::new(keep_idle),
        }))
    }
}

impl<D: Database> Fetch for Sql<D> {
    async fn fetch(&self, visit: &Visit) -> Result<Vec<Part>, Failure> {
        let pool = &self.0;
        let round = Arc::new(Round {
            next: AtomicUsize::new(0),
            unreachable: OnceLock::new(),
            visit: visit.clone(),
            end: visit.last_moment(),
        });
        let first = pool.held(&round).await?;
        // Dropping the set ends all workers.
        let mut workers = JoinSet::new();
        workers.spawn(Arc::clone(pool).work(first, Arc::clone(&round)));
        for _ in 1..pool.connections.min(pool.statements.len()) {
            workers.spawn(Arc::clone(pool).help(Arc::clone(&round)));
        }
        let mut done: Results = Vec::new();
        while done.len() < pool.statements.len()
            && let Some(result) = workers.join_next().await
        {
            done.extend(finished(result)?);
        }
        // A connection in progress is for the next fetch, so this one waits only briefly.
        let connecting = async { while workers.join_next().await.is_some() {} };
        let _ = timeout(PATIENCE, connecting).await;
        done.sort_by_key(|(at, _)| *at);
        let parts = pool.statements.iter().zip(done);
        Ok(parts
            .map(|(statement, (_, table))| Part::rows(&statement.name, table))
            .collect())
    }
}

/// The result of a task, whose panic is this one's.
///
/// # Errors
/// When the task was ended.
pub(super) fn finished<T>(result: Result<T, JoinError>) -> Result<T, Failure> {
    match result.map_err(JoinError::try_into_panic) {
        Ok(value) => Ok(value),
        Err(Ok(panic)) => resume_unwind(panic),
        Err(Err(error)) => Err(Failure::new(Reason::Other, error.to_string())),
    }
}

impl<D: Database> Pool<D> {
    /// Returns a kept connection, or a new one.
    async fn held(&self, round: &Round) -> Result<Held<D::Connection>, Failure> {
        while let Some(connection) = self.idle.take() {
            if D::is_open(&connection) {
                let old = true;
                return Ok(Held { connection, old });
            }
        }
        self.connect(round).await
    }

    async fn connect(&self, round: &Round) -> Result<Held<D::Connection>, Failure> {
        let connecting = self.server.connect(&round.visit, self.database.as_deref());
        let connected = timeout_at(round.end, connecting).await;
        let connection = connected.unwrap_or_else(|_| {
            Err(Failure::new(
                Reason::Timeout,
                format!(
                    "{:?}: cannot connect: no login in time; check the server, or raise `timeout`",
                    self.server
                ),
            ))
        })?;
        let old = false;
        Ok(Held { connection, old })
    }

    /// Runs statements until all are taken.
    async fn work(self: Arc<Self>, first: Held<D::Connection>, round: Arc<Round>) -> Results {
        let mut held = Some(first);
        let mut done = Vec::new();
        loop {
            let at = round.next.fetch_add(1, Ordering::Relaxed);
            let Some(statement) = self.statements.get(at) else {
                break;
            };
            done.push((at, self.ask(statement, &mut held, &round).await));
        }
        if let Some(held) = held {
            self.idle.put(held.connection);
        }
        done
    }

    /// Works on a further connection. If it cannot connect, the other workers run all statements.
    async fn help(self: Arc<Self>, round: Arc<Round>) -> Results {
        match self.held(&round).await {
            Ok(held) => self.work(held, round).await,
            Err(_) => Vec::new(),
        }
    }

    /// Runs one statement, again if a kept connection turns out to be closed.
    async fn ask(
        &self,
        statement: &Statement,
        held: &mut Option<Held<D::Connection>>,
        round: &Round,
    ) -> Result<Table, Failure> {
        loop {
            if Instant::now() >= round.end {
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
                None => self.reconnect(round).await?,
            };
            let running = self.server.run(&mut connection, statement, &round.visit);
            let result = match timeout_at(round.end, running).await {
                Ok(Err(StatementError::Lost(_))) if old => {
                    // The other kept connections are most likely closed too.
                    self.idle.clear();
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
            if let Ok(_) | Err(StatementError::Failed(_)) = result {
                let old = true;
                *held = Some(Held { connection, old });
            }
            return result.map_err(StatementError::into_failure);
        }
    }

    async fn reconnect(&self, round: &Round) -> Result<Held<D::Connection>, Failure> {
        if let Some(failure) = round.unreachable.get() {
            return Err(failure.clone());
        }
        let connected = self.connect(round).await;
        if let Err(failure) = &connected {
            let _ = round.unreachable.set(failure.clone());
        }
        connected
    }
}

impl<D: Database> fmt::Debug for Sql<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sql")
            .field("server", &self.0.server)
            .field("statements", &self.0.statements)
            .field("idle", &self.0.idle)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use exporter_kit::source::Deadline;

    use super::*;
    use crate::decode::{Limits, TableBuilder};
    use crate::sources::memory::Memory;
    use crate::sources::sql::server::Server;
    use crate::sources::visit::Visits;

    /// A server that accepts one connection, and no further one.
    #[derive(Debug, Default)]
    struct Narrow(AtomicUsize);

    impl Database for Narrow {
        type Connection = ();
        const PORT: u16 = 0;
        const DATABASES: &str = "";

        fn new(_: Server, _: Limits) -> Self {
            Self::default()
        }

        async fn connect(&self, _: &Visit, _: Option<&str>) -> Result<(), Failure> {
            match self.0.fetch_add(1, Ordering::Relaxed) {
                0 => Ok(()),
                _ => pending().await,
            }
        }

        fn is_open((): &()) -> bool {
            true
        }

        async fn run(
            &self,
            (): &mut (),
            _: &Statement,
            _: &Visit,
        ) -> Result<Table, StatementError> {
            Ok(TableBuilder::new([""; 0], Limits { bytes: 0, rows: 0 }).build())
        }
    }

    #[test]
    fn a_connection_that_is_not_had_holds_up_nothing_that_is_done() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let statement = |name: &str| Statement {
            name: name.into(),
            sql: "".into(),
            wanted: Vec::new(),
        };
        let sql = Sql::new(
            Arc::new(Narrow::default()),
            None,
            ["a", "b", "c"].map(statement).into(),
            3,
            Duration::from_secs(60),
        );
        runtime.block_on(async {
            let visits = Visits::new(&Memory::default());
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
