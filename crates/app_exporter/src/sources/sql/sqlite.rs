//! SQLite, on threads that may block.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use exporter_kit::Number;
use exporter_kit::source::SourceErrorReason as Reason;
use rusqlite::limits::Limit;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Error, ErrorCode, OpenFlags, Row};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::config::{At, Fault};
use crate::decode::{Cell, Failure, Limits, Part, Table};
use crate::sources::origin::{Feature, Fetch, Fetcher, Surroundings};
use crate::sources::sql::query::{Queries, Query, said};
use crate::sources::sql::rows::{Rows, text, too_many_bytes};
use crate::sources::visit::Visit;

/// The Cargo feature that builds it in.
pub(super) const FEATURE: Feature = Feature {
    name: "sql-sqlite",
    is_on: true,
};

/// An SQLite database.
#[derive(Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SqliteConfig {
    /// The database file. A relative path begins at the folder of the configuration file. It is opened read-only at
    /// each fetch, so that it can be replaced.
    path: At<PathBuf>,
}

/// The keys of its database.
pub(super) type Keys = SqliteConfig;

/// Builds the fetcher.
///
/// # Errors
/// Never: a missing file is found at the first fetch.
pub(super) fn fetcher(
    keys: &At<Keys>,
    queries: Queries,
    limits: Limits,
    surroundings: Surroundings<'_>,
) -> Result<Fetcher, Fault> {
    let path = surroundings.folder.join(&**keys.path);
    Ok(Fetcher::new(Sqlite::new(&path, queries, limits)))
}

/// Reads an SQLite database.
#[derive(Debug)]
struct Sqlite(Arc<Asking>);

#[derive(Debug)]
struct Asking {
    path: PathBuf,
    queries: Vec<Query>,
    limits: Limits,
    connections: usize,
}

/// The state that the workers of one fetch share.
#[derive(Debug)]
struct Turn {
    /// The index of the next statement.
    next: AtomicUsize,
    stopped: AtomicBool,
    end: Instant,
}

/// Stops statements when it is dropped, as a blocked thread cannot be cancelled.
struct Stop(Arc<Turn>);

/// The rows of statements, by index.
type Done = Vec<(usize, Result<Table, Failure>)>;

impl Sqlite {
    fn new(path: &Path, queries: Queries, limits: Limits) -> Self {
        Self(Arc::new(Asking {
            path: path.to_owned(),
            queries: queries.list,
            limits,
            connections: queries.connections,
        }))
    }
}

impl Fetch for Sqlite {
    async fn fetch(&self, visit: &Visit) -> Result<Vec<Part>, Failure> {
        let asking = &self.0;
        let turn = Arc::new(Turn {
            next: AtomicUsize::new(0),
            stopped: AtomicBool::new(false),
            end: visit.last_moment().into_std(),
        });
        let _stop = Stop(Arc::clone(&turn));
        let threads = asking.connections.min(asking.queries.len());
        let workers: Vec<_> = (0..threads)
            .map(|_| {
                let (asking, turn) = (Arc::clone(asking), Arc::clone(&turn));
                let visit = visit.clone();
                // Spawned first, so that they run in parallel.
                tokio::spawn(async move { visit.blocking(move || asking.work(&turn)).await })
            })
            .collect();
        let mut done: Done = Vec::new();
        for worker in workers {
            let finished = worker.await;
            done.extend(finished.map_err(|error| Failure::new(Reason::Other, error.to_string()))??);
        }
        done.sort_by_key(|(at, _)| *at);
        let parts = asking.queries.iter().zip(done);
        Ok(parts
            .map(|(query, (_, table))| Part::rows(&query.name, table))
            .collect())
    }
}

impl Drop for Stop {
    fn drop(&mut self) {
        self.0.stopped.store(true, Ordering::Relaxed);
    }
}

impl Turn {
    fn is_over(&self) -> bool {
        self.stopped.load(Ordering::Relaxed) || Instant::now() >= self.end
    }
}

impl Asking {
    /// Runs statements until all are taken.
    fn work(&self, turn: &Arc<Turn>) -> Result<Done, Failure> {
        let connection = self.open(turn).map_err(|error| self.failure(&error))?;
        let mut done = Vec::new();
        loop {
            let at = turn.next.fetch_add(1, Ordering::Relaxed);
            let Some(query) = self.queries.get(at) else {
                return Ok(done);
            };
            done.push((at, self.run(&connection, query, turn)));
        }
    }

    fn open(&self, turn: &Arc<Turn>) -> Result<Connection, Error> {
        /// The number of SQLite's instructions between two checks of the clock: well below a millisecond.
        const INSTRUCTIONS: i32 = 10_000;
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut connection = Connection::open_with_flags(&self.path, flags)?;
        // Bounds a single value too. A schema may need a million bytes.
        let most = i32::try_from(self.limits.bytes.max(1_000_000)).unwrap_or(i32::MAX);
        connection.set_limit(Limit::SQLITE_LIMIT_LENGTH, most)?;
        let turn = Arc::clone(turn);
        connection.progress_handler(INSTRUCTIONS, Some(move || turn.is_over()))?;
        Ok(connection)
    }

    fn run(&self, connection: &Connection, query: &Query, turn: &Turn) -> Result<Table, Failure> {
        let failed = |error| self.failure(&error);
        let left = turn.end.saturating_duration_since(Instant::now());
        // Waits while another program writes. The library's longest time is about 24 days.
        const LONGEST: Duration = Duration::from_millis(i32::MAX as u64);
        connection.busy_timeout(left.min(LONGEST)).map_err(failed)?;
        connection
            .execute_batch("PRAGMA query_only = 1")
            .map_err(failed)?;
        let mut statement = connection.prepare(&query.statement).map_err(failed)?;
        let mut rows = Rows::new(query, self.limits, statement.column_names());
        let width = statement.column_count();
        let mut found = statement.query(()).map_err(failed)?;
        while let Some(row) = found.next().map_err(failed)? {
            let bytes = (0..width).map(|at| size(row, at)).sum();
            rows.push(bytes, |at| cell(row, at))?;
        }
        Ok(rows.finish())
    }

    fn failure(&self, error: &Error) -> Failure {
        let code = match error {
            Error::SqliteFailure(code, _) => Some(code.code),
            _ => None,
        };
        let path = self.path.display();
        match code {
            Some(ErrorCode::CannotOpen | ErrorCode::SystemIoFailure) if self.path.is_dir() => {
                Failure::connect(format!(
                    "cannot read `{path}`: it is a folder; name the file"
                ))
            }
            Some(ErrorCode::CannotOpen | ErrorCode::NotADatabase | ErrorCode::SystemIoFailure) => {
                let is_folder = self.path.is_dir();
                let remedy = if is_folder {
                    "; it is a folder, name the file of the database"
                } else {
                    ""
                };
                Failure::connect(format!("`{path}`: cannot read: {error}{remedy}"))
            }
            Some(ErrorCode::OperationInterrupted) => Failure::new(
                Reason::Timeout,
                "the statement was not done in time and was stopped",
            ),
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Failure::new(
                Reason::Timeout,
                format!(
                    "`{path}`: cannot read: locked by another program that writes all the time; raise `timeout`"
                ),
            ),
            Some(ErrorCode::TooBig) => too_many_bytes(self.limits),
            _ => Failure::query(format!("SQLite reports `{}`", said(&error.to_string()))),
        }
    }
}

fn size(row: &Row<'_>, at: usize) -> usize {
    match row.get_ref(at) {
        Ok(ValueRef::Text(bytes) | ValueRef::Blob(bytes)) => bytes.len(),
        _ => size_of::<u64>(),
    }
}

/// # Errors
/// When it is not UTF-8. The message continues a sentence that begins with the column.
fn cell(row: &Row<'_>, at: usize) -> Result<Cell, String> {
    match row.get_ref(at).map_err(|error| error.to_string())? {
        ValueRef::Null => Ok(Cell::Null),
        ValueRef::Integer(number) => Ok(Cell::Number(Number::I64(number))),
        ValueRef::Real(number) => Ok(Cell::Number(Number::F64(number))),
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => text(bytes, "hex(…)"),
    }
}
