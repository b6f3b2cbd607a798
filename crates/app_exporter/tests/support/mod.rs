//! What the tests with real systems share: finding them, running them, a folder for their files.

#[cfg(unix)]
mod mariadb;
#[cfg(unix)]
mod postgres;
mod prometheus;
mod required;
mod scratch;
mod tool;

#[cfg(unix)]
pub(crate) use mariadb::MariaDb;
#[cfg(unix)]
pub(crate) use postgres::Postgres;
pub(crate) use prometheus::{Prometheus, number};
pub(crate) use required::require;
pub(crate) use scratch::Scratch;
pub(crate) use tool::{run, said};
