//! Rows of a database: SQLite, PostgreSQL, MySQL or MariaDB.

mod config;
mod database;
mod fetch;
mod kept;
mod mysql;
mod postgres;
mod postgres_value;
mod rows;
mod server;
mod sqlite;

pub(crate) use config::SqlConfig;

use crate::sources::origin::SourceInfo;

/// What is said of it where sources are listed.
pub(super) const INFO: SourceInfo = SourceInfo {
    name: "sql",
    about: "rows of a database: SQLite, PostgreSQL, MySQL or MariaDB",
    rows: "each query's; their columns are the query's",
    configured: |source| SourceInfo::under("sql", source.sql.as_ref()),
};
