//! The interface of a database server.

use std::fmt;
use std::future::Future;

use crate::decode::{Failure, Limits, Table};
use crate::sources::sql::server::Server;
use crate::sources::sql::statement::Statement;
use crate::sources::visit::Visit;

/// A database server, as one source uses it.
///
/// Only [`Sql`](super::fetch::Sql) calls it, which keeps the connections.
pub(super) trait Database: fmt::Debug + Send + Sync + 'static {
    /// A read-only session. Dropping it while a statement runs must end the statement on the server.
    type Connection: Send + 'static;

    /// The default port.
    const PORT: u16;

    /// A server with this address and login, whose results are within these limits.
    fn new(server: Server, limits: Limits) -> Self;

    /// The statement that lists databases, in a column `name`.
    const DATABASES: &str;

    /// Connects and logs in, to this database instead of the configured one.
    fn connect(
        &self,
        visit: &Visit,
        database: Option<&str>,
    ) -> impl Future<Output = Result<Self::Connection, Failure>> + Send;

    /// False for a kept connection that is known to be closed.
    fn is_open(connection: &Self::Connection) -> bool;

    /// Runs one statement and returns the wanted columns of its rows.
    ///
    /// # Errors
    /// When the statement fails. The error also describes the state of the connection.
    fn run(
        &self,
        connection: &mut Self::Connection,
        statement: &Statement,
        visit: &Visit,
    ) -> impl Future<Output = Result<Table, StatementError>> + Send;
}

/// The failure of a statement, and the state of its connection.
#[derive(Debug)]
pub(super) enum StatementError {
    /// The connection is usable.
    Failed(Failure),
    /// The connection has unread data and must be closed.
    Spoilt(Failure),
    /// The connection is closed. If it is an old one, the server may just have been restarted.
    Lost(Failure),
}

impl StatementError {
    pub(super) fn into_failure(self) -> Failure {
        match self {
            Self::Failed(failure) | Self::Spoilt(failure) | Self::Lost(failure) => failure,
        }
    }
}
