//! What the tests with real systems share: finding them, running them, a folder for their files.

mod lines;
#[cfg(unix)]
mod mariadb;
#[cfg(unix)]
mod nginx;
#[cfg(unix)]
mod php_fpm;
mod port;
#[cfg(unix)]
mod postgres;
mod prometheus;
mod required;
mod scratch;
#[cfg(unix)]
mod service;
mod tool;
mod until;

pub(crate) use lines::{assert_lines, sample};
#[cfg(unix)]
pub(crate) use mariadb::MariaDb;
#[cfg(unix)]
pub(crate) use nginx::nginx;
#[cfg(unix)]
pub(crate) use php_fpm::PhpFpm;
pub(crate) use port::Port;
#[cfg(unix)]
pub(crate) use postgres::Postgres;
pub(crate) use prometheus::{Prometheus, number};
pub(crate) use required::require;
pub(crate) use scratch::Scratch;
#[cfg(unix)]
use service::Service;
pub(crate) use tool::{run, said};
pub(crate) use until::{until, wait_until};
