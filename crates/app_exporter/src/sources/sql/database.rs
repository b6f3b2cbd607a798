//! What each kind of database server does in its own way.

use std::fmt;
use std::future::Future;

use exporter_kit::source::Deadline;

use crate::decode::{Failure, Table};
use crate::sources::sql::query::Query;
use crate::sources::visit::Visit;

/// A kind of database server, as one source uses it.
///
/// Called by [`Sql`](super::fetch::Sql) alone, which keeps the connections.
pub(super) trait Database: fmt::Debug + Send + Sync + 'static {
    /// A session that can only read. Dropping it while a statement runs must end the statement on the server.
    type Connection: Send + 'static;

    /// Connects and logs in.
    fn connect(
        &self,
        visit: &Visit,
    ) -> impl Future<Output = Result<Self::Connection, Failure>> + Send;

    /// Whether a connection that was kept is worth trying. It need not notice everything.
    fn is_open(connection: &Self::Connection) -> bool;

    /// Runs one statement and keeps the wanted columns of its rows.
    ///
    /// # Errors
    /// That says also what became of the connection.
    fn run(
        &self,
        connection: &mut Self::Connection,
        query: &Query,
        deadline: Deadline,
    ) -> impl Future<Output = Result<Table, Trouble>> + Send;
}

/// Why a statement gave no rows, and what became of its connection.
#[derive(Debug)]
pub(super) enum Trouble {
    /// The connection can be used on.
    Failed(Failure),
    /// Something is left over on the connection, so it has to be closed.
    Spoilt(Failure),
    /// The connection is of no use any more: if it had been used before, the server may only have been restarted.
    Lost(Failure),
}

impl Trouble {
    pub(super) fn into_failure(self) -> Failure {
        match self {
            Self::Failed(failure) | Self::Spoilt(failure) | Self::Lost(failure) => failure,
        }
    }
}
