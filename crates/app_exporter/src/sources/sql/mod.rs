//! Rows of a database: SQLite, PostgreSQL, MySQL or MariaDB.

mod config;
#[cfg(any(feature = "sql-mysql", feature = "sql-postgres"))]
mod database;
#[cfg(any(feature = "sql-mysql", feature = "sql-postgres"))]
mod dial;
#[cfg(any(feature = "sql-mysql", feature = "sql-postgres"))]
mod each_database;
#[cfg(any(feature = "sql-mysql", feature = "sql-postgres"))]
mod fetch;
#[cfg(any(feature = "sql-mysql", feature = "sql-postgres"))]
mod idle;
#[cfg_attr(not(feature = "sql-mysql"), path = "absent/mysql.rs")]
mod mysql;
#[cfg_attr(not(feature = "sql-postgres"), path = "absent/postgres.rs")]
mod postgres;
#[cfg(any(feature = "sql-mysql", feature = "sql-postgres"))]
mod read_only;
#[cfg(any(feature = "sql-mysql", feature = "sql-postgres"))]
mod server;
#[cfg_attr(not(feature = "sql-sqlite"), path = "absent/sqlite.rs")]
mod sqlite;
mod statement;
mod wanted_rows;

pub(crate) use config::SqlConfig;
#[cfg(feature = "fuzzing")]
pub(crate) use {mysql::fuzz as mysql_fuzz, postgres::fuzz as postgres_fuzz};

use crate::sources::origin::SourceInfo;

/// The source in lists.
pub(crate) const INFO: SourceInfo = SourceInfo {
    name: "sql",
    about: "rows of a database: SQLite, PostgreSQL, MySQL or MariaDB",
    rows: "one result for each query, with the columns of the query",
    features: &[postgres::FEATURE, mysql::FEATURE, sqlite::FEATURE],
};
