//! SQLite, on threads that may block.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use exporter_kit::Number;
use exporter_kit::source::SourceErrorReason as Reason;
use rusqlite::hooks::{AuthAction, AuthContext, Authorization};
use rusqlite::limits::Limit;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Error, ErrorCode, OpenFlags, Row};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::config::{At, Fault};
use crate::decode::{Cell, Failure, Limits, Part, Table};
use crate::sources::origin::{Feature, Fetch, Fetcher};
use crate::sources::sql::statement::{FetcherInputs, Results, Statement, said};
use crate::sources::sql::wanted_rows::{WantedRows, text, too_many_bytes};
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

/// The fetcher of its rows.
pub(super) type Source = Sqlite;

/// Reads an SQLite database.
#[derive(Debug)]
pub(super) struct Sqlite(Arc<SqliteFile>);

#[derive(Debug)]
struct SqliteFile {
    path: PathBuf,
    statements: Vec<Statement>,
    limits: Limits,
    connections: usize,
}

/// The state that the workers of one fetch share.
#[derive(Debug)]
struct FileRound {
    /// The index of the next statement.
    next: AtomicUsize,
    stopped: AtomicBool,
    end: Instant,
    visit: Visit,
}

/// Stops statements when it is dropped, as a blocked thread cannot be cancelled.
struct Stop(Arc<FileRound>);

impl Sqlite {
    /// # Errors
    /// Never: a missing file is found at the first fetch.
    pub(super) fn fetcher(
        keys: &At<Keys>,
        inputs: FetcherInputs<'_>,
        _: Duration,
    ) -> Result<Fetcher, Fault> {
        Ok(Fetcher::new(Self(Arc::new(SqliteFile {
            path: inputs.surroundings.folder.join(&**keys.path),
            statements: inputs.statements.list,
            limits: inputs.limits,
            connections: inputs.statements.connections,
        }))))
    }
}

impl Fetch for Sqlite {
    async fn fetch(&self, visit: &Visit) -> Result<Vec<Part>, Failure> {
        let file = &self.0;
        let round = Arc::new(FileRound {
            next: AtomicUsize::new(0),
            stopped: AtomicBool::new(false),
            end: visit.last_moment().into_std(),
            visit: visit.clone(),
        });
        let _stop = Stop(Arc::clone(&round));
        let threads = file.connections.min(file.statements.len());
        let workers: Vec<_> = (0..threads)
            .map(|_| {
                let (file, round) = (Arc::clone(file), Arc::clone(&round));
                let visit = visit.clone();
                // Spawned first, so that they run in parallel.
                tokio::spawn(async move { visit.blocking(move || file.work(&round)).await })
            })
            .collect();
        let mut done: Results = Vec::new();
        for worker in workers {
            let finished = worker.await;
            done.extend(finished.map_err(|error| Failure::new(Reason::Other, error.to_string()))??);
        }
        done.sort_by_key(|(at, _)| *at);
        let parts = file.statements.iter().zip(done);
        Ok(parts
            .map(|(statement, (_, table))| Part::rows(&statement.name, table))
            .collect())
    }
}

impl Drop for Stop {
    fn drop(&mut self) {
        self.0.stopped.store(true, Ordering::Relaxed);
    }
}

impl FileRound {
    fn is_over(&self) -> bool {
        self.stopped.load(Ordering::Relaxed) || Instant::now() >= self.end
    }
}

impl SqliteFile {
    /// Runs statements until all are taken.
    fn work(&self, round: &Arc<FileRound>) -> Result<Results, Failure> {
        let connection = self.open(round).map_err(|error| self.failure(&error))?;
        let mut done = Vec::new();
        loop {
            let at = round.next.fetch_add(1, Ordering::Relaxed);
            let Some(statement) = self.statements.get(at) else {
                return Ok(done);
            };
            done.push((at, self.run(&connection, statement, round)));
        }
    }

    fn open(&self, round: &Arc<FileRound>) -> Result<Connection, Error> {
        /// The number of SQLite's instructions between two checks of the clock: well below a millisecond.
        const INSTRUCTIONS: i32 = 10_000;
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut connection = Connection::open_with_flags(&self.path, flags)?;
        // Bounds a single value too. A schema may need a million bytes.
        let most = i32::try_from(self.limits.bytes.max(1_000_000)).unwrap_or(i32::MAX);
        connection.set_limit(Limit::SQLITE_LIMIT_LENGTH, most)?;
        connection.execute_batch("PRAGMA query_only = 1")?;
        connection.authorizer(Some(|context: AuthContext<'_>| authorize(&context.action)))?;
        let round = Arc::clone(round);
        connection.progress_handler(INSTRUCTIONS, Some(move || round.is_over()))?;
        Ok(connection)
    }

    fn run(
        &self,
        connection: &Connection,
        statement: &Statement,
        round: &FileRound,
    ) -> Result<Table, Failure> {
        let failed = |error| self.failure(&error);
        let left = round.end.saturating_duration_since(Instant::now());
        // Waits while another program writes. The library's longest time is about 24 days.
        const LONGEST: Duration = Duration::from_millis(i32::MAX as u64);
        connection.busy_timeout(left.min(LONGEST)).map_err(failed)?;
        let mut prepared = connection.prepare(&statement.sql).map_err(failed)?;
        let mut rows = WantedRows::new(
            statement,
            self.limits,
            &round.visit,
            prepared.column_names(),
        );
        let width = prepared.column_count();
        let mut found = prepared.query(()).map_err(failed)?;
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

/// Denies what would reach other files, or change the connection for the next statement. Writing to the file itself fails
/// because it is opened read-only.
fn authorize(action: &AuthAction<'_>) -> Authorization {
    /// Pragmas that only read, and have an argument.
    const READ: [&str; 9] = [
        "foreign_key_check",
        "foreign_key_list",
        "index_info",
        "index_list",
        "index_xinfo",
        "integrity_check",
        "quick_check",
        "table_info",
        "table_xinfo",
    ];
    let is_denied = match action {
        AuthAction::Pragma {
            pragma_name,
            pragma_value: Some(_),
        } => !READ
            .iter()
            .any(|known| pragma_name.eq_ignore_ascii_case(known)),
        AuthAction::Attach { .. }
        | AuthAction::Detach { .. }
        | AuthAction::CreateTempIndex { .. }
        | AuthAction::CreateTempTable { .. }
        | AuthAction::CreateTempTrigger { .. }
        | AuthAction::CreateTempView { .. }
        | AuthAction::CreateVtable { .. }
        | AuthAction::Transaction { .. }
        | AuthAction::Savepoint { .. } => true,
        _ => false,
    };
    match is_denied {
        true => Authorization::Deny,
        false => Authorization::Allow,
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
