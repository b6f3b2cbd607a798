//! The statements of a source in every database of a server.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use exporter_kit::source::SourceErrorReason as Reason;
use glob::Pattern;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::decode::{Cell, Content, Failure, Part};
use crate::sources::origin::Fetch;
use crate::sources::sql::database::Database;
use crate::sources::sql::fetch::{Sql, finished};
use crate::sources::sql::statement::Statement;
use crate::sources::visit::Visit;

/// The column with the name of the database.
const COLUMN: &str = "database";
/// The column of the list of databases.
const NAME: &str = "name";

/// Looks for databases at each fetch, and fetches from all at once, within the limit of connections.
pub(super) struct EachDatabase<D: Database> {
    server: Arc<D>,
    patterns: Vec<Pattern>,
    statements: Arc<[Statement]>,
    connections: Arc<Semaphore>,
    keep_idle: Duration,
    /// Lists the databases.
    list: Sql<D>,
    /// Those with connections for the next fetch, if they are few.
    kept: Mutex<BTreeMap<String, Arc<Sql<D>>>>,
    most_kept: usize,
}

impl<D: Database> EachDatabase<D> {
    pub(super) fn new(
        server: Arc<D>,
        patterns: Vec<Pattern>,
        statements: Arc<[Statement]>,
        connections: usize,
        keep_idle: Duration,
    ) -> Self {
        let list = Statement {
            name: "databases".into(),
            sql: D::DATABASES.into(),
            wanted: vec![NAME.into()],
        };
        Self {
            // Its connection counts as one, so it is closed before those to databases are opened.
            list: Sql::new(Arc::clone(&server), None, [list].into(), 1, Duration::ZERO),
            server,
            patterns,
            statements,
            connections: Arc::new(Semaphore::new(connections)),
            keep_idle,
            kept: Mutex::default(),
            most_kept: connections,
        }
    }

    /// # Errors
    /// When the server cannot be asked, or none matches.
    async fn names(&self, visit: &Visit) -> Result<Vec<String>, Failure> {
        let mut names = Vec::new();
        for part in self.list.fetch(visit).await? {
            let Content::Rows(table) =
                part.content.map_err(|failure| failure.about("databases"))?
            else {
                continue;
            };
            let cells = table.rows().filter_map(|row| row.first());
            names.extend(cells.map(|cell| cell.to_label().into_owned()));
        }
        let all = names.len();
        names.retain(|name| self.patterns.iter().any(|pattern| pattern.matches(name)));
        if names.is_empty() {
            return Err(Failure::new(
                Reason::Query,
                format!(
                    "{:?}: cannot find a database: `databases` matches none of the {all} that this user can connect to; \
                     check the names and the user",
                    self.server
                ),
            ));
        }
        Ok(names)
    }

    fn source(&self, name: &str, is_kept: bool) -> Arc<Sql<D>> {
        let new = || {
            let (server, statements) = (Arc::clone(&self.server), Arc::clone(&self.statements));
            Arc::new(Sql::new(
                server,
                Some(name.to_owned()),
                statements,
                1,
                self.keep_idle,
            ))
        };
        if !is_kept {
            return new();
        }
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(kept.entry(name.to_owned()).or_insert_with(new))
    }

    /// Closes connections to the databases that are gone.
    fn forget(&self, is_gone: impl Fn(&String) -> bool) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let (gone, still) = std::mem::take(&mut *kept)
            .into_iter()
            .partition::<BTreeMap<_, _>, _>(|(name, _)| is_gone(name));
        *kept = still;
        drop(kept);
        // Connections close outside the lock.
        drop(gone);
    }

    /// The result sets of one database, with its name in every row and failure.
    fn labelled(&self, name: &str, parts: Result<Vec<Part>, Failure>) -> Vec<Part> {
        let statements = self.statements.iter();
        let mut parts = parts.unwrap_or_else(|failure| {
            let failed = statements.clone();
            failed
                .map(|statement| Part::rows(&statement.name, Err(failure.clone())))
                .collect()
        });
        for (part, statement) in parts.iter_mut().zip(statements) {
            match &mut part.content {
                Ok(Content::Rows(table)) => {
                    if statement.wanted.iter().any(|wanted| **wanted == *COLUMN) {
                        table.add_column(COLUMN, &Cell::text(name));
                    }
                }
                Ok(Content::Families(_)) => (),
                Err(failure) => *failure = failure.clone().about(format!("`{name}`")),
            }
        }
        parts
    }
}

impl<D: Database> Fetch for EachDatabase<D> {
    async fn fetch(&self, visit: &Visit) -> Result<Vec<Part>, Failure> {
        let names = self.names(visit).await?;
        let are_kept = names.len() <= self.most_kept;
        self.forget(|name| !are_kept || !names.contains(name));
        // Dropping the set ends all fetches.
        let mut fetches = JoinSet::new();
        for name in names {
            let (source, visit) = (self.source(&name, are_kept), visit.clone());
            let connections = Arc::clone(&self.connections);
            fetches.spawn(async move {
                let _connection = connections.acquire().await;
                let parts = source.fetch(&visit).await;
                (name, parts)
            });
        }
        let mut all = BTreeMap::new();
        while let Some(fetched) = fetches.join_next().await {
            let (name, parts) = finished(fetched)?;
            all.insert(name, parts);
        }
        let parts = all
            .into_iter()
            .flat_map(|(name, parts)| self.labelled(&name, parts));
        Ok(parts.collect())
    }
}

impl<D: Database> fmt::Debug for EachDatabase<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EachDatabase")
            .field("server", &self.server)
            .field("statements", &self.statements)
            .finish_non_exhaustive()
    }
}
