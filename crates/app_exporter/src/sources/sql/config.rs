//! The keys of the source `sql`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::config::{At, Fault, Place, Span};
use crate::decode::{Limits, PartInfo, Parts, Wanted};
use crate::sources::origin::{Fetcher, Origin, Surroundings};
use crate::sources::sql::statement::{FetcherInputs, Statement, Statements};
use crate::sources::sql::{mysql, postgres, sqlite};

/// The result set of a query without a name.
const ROWS: &str = "rows";
/// More connections do not help one source, and burden a server.
const MOST_CONNECTIONS: u8 = 16;

/// Rows of a database. Each statement runs alone in a read-only transaction, and is cancelled on the server at the
/// timeout. An SQLite file is opened read-only.
///
/// So no statement changes data, whatever the user may do. A statement that begins with neither `SELECT` nor a word like
/// it, such as `SET`, `COPY` or MySQL's `CALL`, is not sent, because it could leave the transaction or write files.
/// Functions that act outside the database run with the rights of the user: prefer one who can only read.
///
/// Integers are exact. Times are strings such as 2026-01-31T12:00:00Z, for labels or `timestamp`; a time without a zone
/// is UTC. MySQL returns a TIMESTAMP in the time zone of the server: select `unix_timestamp(…)` for `timestamp`.
/// PostgreSQL's intervals are seconds; arrays, `money`, `regclass` and other types are text as `psql` shows it. Bytes must
/// be UTF-8; a row with others is skipped by the metrics that read that column. In PgBouncer's console, `SHOW` statements
/// work.
#[derive(Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SqlConfig {
    /// A PostgreSQL or compatible server.
    #[serde(default)]
    postgres: Option<At<postgres::Keys>>,
    /// A MySQL, MariaDB or compatible server.
    #[serde(default)]
    mysql: Option<At<mysql::Keys>>,
    /// An SQLite database.
    #[serde(default)]
    sqlite: Option<At<sqlite::Keys>>,
    /// One statement, such as `SELECT count(*) AS value FROM sessions`. `$` has no special meaning in it.
    #[serde(default)]
    query: Option<At<String>>,
    /// A map of statements. Each makes a result set, which metrics select by `from`, and fails alone. `max_rows` and
    /// `max_bytes` apply to each.
    #[serde(default)]
    queries: BTreeMap<At<String>, At<String>>,
    /// The limit of connections, and so of statements that run in parallel; default 3, at most 16. Connections stay
    /// open between fetches.
    #[serde(default)]
    connections: Option<At<u8>>,
    /// The time after which an unused connection is closed; default 5m.
    #[serde(default)]
    keep_idle: Option<Span>,
}

impl Origin for SqlConfig {
    fn parts(&self) -> Parts {
        let mut list: Vec<_> = self.queries.keys().map(|it| PartInfo::open(it)).collect();
        if self.query.is_some() || list.is_empty() {
            list = vec![PartInfo::open(ROWS)];
        }
        Parts {
            first_is_default: list.len() == 1,
            list,
        }
    }

    fn check(&self, place: Place, faults: &mut Vec<Fault>) {
        let databases = [
            ("postgres", self.postgres.as_ref().map(At::place)),
            ("mysql", self.mysql.as_ref().map(At::place)),
            ("sqlite", self.sqlite.as_ref().map(At::place)),
        ];
        let mut named = databases
            .iter()
            .filter_map(|(name, place)| place.map(|place| (name, place)));
        match (named.next(), named.next()) {
            (None, _) => faults.push(Fault::at(
                place,
                "`sql` has no database; add one of `postgres`, `mysql`, `sqlite`",
            )),
            (Some((a, _)), Some((b, place))) => faults.push(Fault::at(
                place,
                format!("`sql` has both `{a}` and `{b}`; write two sources"),
            )),
            _ => (),
        }
        if let Some(keys) = &self.postgres {
            keys.check(faults);
        }
        if let Some(keys) = &self.mysql {
            keys.check(faults);
        }
        self.check_queries(place, faults);
        if let Some(connections) = &self.connections
            && !(1..=MOST_CONNECTIONS).contains(&**connections)
        {
            faults.push(Fault::at(
                connections.place(),
                format!(
                    "`{}` is out of range; a source has from 1 to {MOST_CONNECTIONS} connections",
                    **connections
                ),
            ));
        }
    }

    fn warning(&self) -> Option<String> {
        let postgres = self.postgres.as_deref().and_then(postgres::Keys::warning);
        postgres.or_else(|| self.mysql.as_deref().and_then(mysql::Keys::warning))
    }

    fn build(
        &self,
        wanted: Wanted,
        limits: Limits,
        surroundings: Surroundings<'_>,
    ) -> Result<Fetcher, Fault> {
        let inputs = FetcherInputs {
            statements: Statements {
                list: self.statements(&wanted),
                connections: usize::from(self.connections.as_deref().copied().unwrap_or(3)),
            },
            limits,
            surroundings,
        };
        let keep_idle = self.keep_idle.unwrap_or(Span::from_secs(300)).get();
        if let Some(keys) = &self.postgres {
            return postgres::Source::fetcher(keys, inputs, keep_idle);
        }
        if let Some(keys) = &self.mysql {
            return mysql::Source::fetcher(keys, inputs, keep_idle);
        }
        if let Some(keys) = &self.sqlite {
            return sqlite::Source::fetcher(keys, inputs, keep_idle);
        }
        // This was checked, so it is not seen; if it were, it would say what is missing.
        Err(Fault {
            place: None,
            message: "`sql` does not say which database".to_owned(),
        })
    }
}

impl SqlConfig {
    fn check_queries(&self, place: Place, faults: &mut Vec<Fault>) {
        match (&self.query, self.queries.keys().next()) {
            (None, None) => faults.push(Fault::at(
                place,
                "`sql` has no statement; add `query`, or several by name under `queries`",
            )),
            (Some(query), Some(_)) => faults.push(Fault::at(
                query.place(),
                "both `query` and `queries`; move this one to `queries`, under a name",
            )),
            _ => (),
        }
        let all = self.query.iter().chain(self.queries.values());
        for query in all.filter(|query| query.trim().is_empty()) {
            faults.push(Fault::at(
                query.place(),
                "the statement is empty; write one, such as `SELECT count(*) AS value FROM sessions`",
            ));
        }
        // Both would end a C string that a server or library reads.
        let all = self.query.iter().chain(self.queries.values());
        for query in all.filter(|query| query.contains('\0')) {
            faults.push(Fault::at(
                query.place(),
                "the statement has the character NUL; remove it",
            ));
        }
    }

    fn statements(&self, wanted: &Wanted) -> Vec<Statement> {
        let named = self
            .queries
            .iter()
            .map(|(name, query)| (name.as_str(), query));
        let one = self.query.iter().map(|query| (ROWS, query));
        one.chain(named)
            .map(|(name, query)| Statement {
                name: name.into(),
                sql: query.as_str().into(),
                wanted: wanted.of(name).to_vec(),
            })
            .collect()
    }
}
