//! PostgreSQL: extended protocol, each statement in a read-only transaction of its own.

mod console;
mod error;
#[cfg(feature = "fuzzing")]
pub(crate) mod fuzz;
mod message_stream;
mod run;
mod value;

use std::collections::HashSet;
use std::fmt;
use std::io;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::task::AbortHandle;
use tokio::time::timeout;
use tokio_postgres::config::SslMode;
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::types::Oid;
use tokio_postgres::{CancelToken, Client, Config, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::decode::{Failure, Limits, Table};
use crate::sources::failures;
use crate::sources::lookups::Lookups;
use crate::sources::metered::{Meter, Metered, Stream};
use crate::sources::origin::Feature;
use crate::sources::sql::database::{Database, StatementError};
use crate::sources::sql::dial::dial;
use crate::sources::sql::fetch::Sql;
use crate::sources::sql::postgres::message_stream::{Checked, CheckedTls, Patience};
use crate::sources::sql::read_only::{Dialect, check_kind};
use crate::sources::sql::server::{DatabaseAddress, Server, ServerConfig};
use crate::sources::sql::statement::Statement;
use crate::sources::sql::wanted_rows::too_many_bytes;
use crate::sources::visit::Visit;

/// The parameter with the version of the server.
const VERSION: &str = "server_version";
/// Nothing was written, so there is nothing to commit.
const END: &str = "ROLLBACK";
/// Also drops the statements that the driver prepared to look up types: behind a pooler, the session's next user may use
/// the same names. The driver prepares them again when it needs them.
const END_AND_FORGET: &str = "ROLLBACK; DEALLOCATE ALL";

/// The Cargo feature that builds it in.
pub(super) const FEATURE: Feature = Feature {
    name: "sql-postgres",
    is_on: true,
};

const DIALECT: Dialect = Dialect {
    kinds: &["CALL", "DO", "MERGE"],
    is_mysql: false,
};

/// The keys of its server.
pub(super) type Keys = ServerConfig;

/// The fetcher of its rows.
pub(super) type Source = Sql<Postgres>;

/// A PostgreSQL server.
pub(super) struct Postgres {
    server: Server,
    limits: Limits,
}

/// A session. No setting outlives a transaction, so that a pooler may be in between.
pub(super) struct Connection {
    client: Client,
    meter: Meter,
    patience: Patience,
    /// The task that reads from and writes to the connection.
    driver: AbortHandle,
    cancel: Cancel,
    /// True while the server may run a statement.
    busy: bool,
    /// The number of the database's own types that the driver looked up.
    learned: HashSet<Oid>,
    /// True if PgBouncer's console answers instead of a server.
    is_console: bool,
}

/// Cancels a statement on the server.
#[derive(Clone)]
struct Cancel {
    token: CancelToken,
    address: DatabaseAddress,
    port: u16,
    lookups: Lookups,
    tls: Option<MakeRustlsConnect>,
    runtime: Handle,
}

impl Postgres {
    async fn config(&self, visit: &Visit, database: Option<&str>) -> Result<Config, Failure> {
        let mut config = Config::new();
        config
            .user(self.server.user())
            .application_name("app_exporter")
            .ssl_mode(match self.server.tls {
                Some(_) if self.server.may_be_plain => SslMode::Prefer,
                Some(_) => SslMode::Require,
                None => SslMode::Disable,
            });
        // This one is there to connect to.
        let any = self.server.databases.as_ref().map(|_| "postgres");
        if let Some(database) = database.or(self.server.database.as_deref()).or(any) {
            config.dbname(database);
        }
        if let Some(password) = self.server.password(visit).await? {
            config.password(password.reveal());
        }
        Ok(config)
    }

    /// The limit of bytes received for one statement, with everything around its rows.
    fn most_read(&self) -> usize {
        self.limits.bytes.saturating_mul(2).saturating_add(1 << 20)
    }

    /// The limit of one message, with room for texts of the server where rows have less.
    fn most_message(&self) -> usize {
        self.limits.bytes.max(64 * 1024)
    }

    fn refused(&self, refusal: &str) -> Failure {
        Failure::limit(format!("`{}`: {refusal}", self.server.shown))
    }

    fn said_too_much(&self) -> Failure {
        let what = format_args!("`{}`: the login", self.server.shown);
        Failure::too_large(what, self.most_read())
    }
}

impl Database for Postgres {
    type Connection = Connection;
    const PORT: u16 = 5432;
    const DATABASES: &str = "SELECT datname AS name FROM pg_database WHERE datallowconn AND NOT datistemplate \
                             AND has_database_privilege(oid, 'CONNECT') ORDER BY datname";

    fn new(server: Server, limits: Limits) -> Self {
        Self { server, limits }
    }

    async fn connect(&self, visit: &Visit, database: Option<&str>) -> Result<Connection, Failure> {
        let config = self.config(visit, database).await?;
        let tls = match &self.server.tls {
            Some(tls) => Some(MakeRustlsConnect::new(tls.client(visit).await?)),
            None => None,
        };
        let meter = Meter::new(self.most_read());
        let (address, port) = (&self.server.address, self.server.port);
        let stream = connect(address, port, &self.server.lookups).await;
        let stream = stream.map_err(|error| failures::connect(&self.server.shown, error))?;
        let patience = Patience::new(self.most_message());
        let stream = Metered::new(stream, meter.clone());
        let stream = Checked::new(stream, patience.clone());
        let failed = |error| match patience.refusal() {
            Some(refusal) => self.refused(refusal),
            None if meter.is_used_up() => self.said_too_much(),
            None => self.not_connected(&error),
        };
        let (client, driver, version) = match &tls {
            None => {
                let (client, driver) = config.connect_raw(stream, NoTls).await.map_err(failed)?;
                let version = driver.parameter(VERSION).map(str::to_owned);
                (client, tokio::spawn(async { drop(driver.await) }), version)
            }
            Some(tls) => {
                let tls = CheckedTls {
                    tls: tls_to(tls, address),
                    patience: patience.clone(),
                };
                let (client, driver) = config.connect_raw(stream, tls).await.map_err(failed)?;
                let version = driver.parameter(VERSION).map(str::to_owned);
                (client, tokio::spawn(async { drop(driver.await) }), version)
            }
        };
        Ok(Connection {
            cancel: Cancel {
                token: client.cancel_token(),
                address: address.clone(),
                port,
                lookups: self.server.lookups.clone(),
                tls,
                runtime: Handle::current(),
            },
            client,
            meter,
            patience,
            driver: driver.abort_handle(),
            busy: false,
            learned: HashSet::new(),
            is_console: version.is_some_and(|version| version.ends_with("/bouncer")),
        })
    }

    fn is_open(connection: &Connection) -> bool {
        !connection.client.is_closed() && connection.patience.keep(0)
    }

    async fn run(
        &self,
        connection: &mut Connection,
        statement: &Statement,
        visit: &Visit,
    ) -> Result<Table, StatementError> {
        let kind = match connection.is_console {
            true => console::check(&statement.sql),
            false => check_kind(&statement.sql, &DIALECT),
        };
        kind.map_err(|message| StatementError::Failed(Failure::query(message)))?;
        connection.busy = true;
        connection.meter.set(self.most_read());
        connection.patience.renew();
        if connection.is_console {
            let result = self.ask_console(&connection.client, statement, visit).await;
            connection.busy = !matches!(result, Ok(_) | Err(StatementError::Failed(_)));
            return result;
        }
        let mut end = END;
        let result = self.try_run(connection, statement, visit, &mut end).await;
        if connection.meter.is_used_up() {
            return Err(StatementError::Spoilt(too_many_bytes(self.limits)));
        }
        if let Some(refusal) = connection.patience.refusal() {
            return Err(StatementError::Spoilt(self.refused(refusal)));
        }
        if let Ok(_) | Err(StatementError::Failed(_)) = result {
            let ended = connection.client.batch_execute(end).await;
            ended.map_err(|error| self.statement_error(&error))?;
            connection.busy = false;
        }
        result
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        if self.busy {
            self.driver.abort();
            let cancel = self.cancel.clone();
            self.cancel.runtime.spawn(cancel.send());
        }
    }
}

impl Cancel {
    /// Asks the server to cancel. If that fails, the statement stops by itself a little later.
    async fn send(self) {
        const PATIENCE: Duration = Duration::from_secs(5);
        let telling = async {
            let stream = connect(&self.address, self.port, &self.lookups)
                .await
                .ok()?;
            // One byte is read at most: whether the server supports TLS.
            let stream = Metered::new(stream, Meter::new(64 * 1024));
            let stream = Checked::new(stream, Patience::new(0));
            let told = match &self.tls {
                None => self.token.cancel_query_raw(stream, NoTls).await,
                Some(tls) => {
                    let tls = tls_to(tls, &self.address);
                    self.token.cancel_query_raw(stream, tls).await
                }
            };
            told.ok()
        };
        let _ = timeout(PATIENCE, telling).await;
    }
}

/// The stream of a connection. The address of a socket may be its folder.
async fn connect(
    address: &DatabaseAddress,
    port: u16,
    lookups: &Lookups,
) -> io::Result<Box<dyn Stream>> {
    match address {
        DatabaseAddress::Socket(path) if path.is_dir() => {
            let file = path.join(format!(".s.PGSQL.{port}"));
            dial(&DatabaseAddress::Socket(file), port, lookups).await
        }
        address => dial(address, port, lookups).await,
    }
}

/// TLS to the server with this name.
fn tls_to(
    tls: &MakeRustlsConnect,
    address: &DatabaseAddress,
) -> <MakeRustlsConnect as MakeTlsConnect<Checked<Metered>>>::TlsConnect {
    let name = match address {
        DatabaseAddress::Host(host) => host,
        DatabaseAddress::Socket(_) => "localhost",
    };
    let Ok(connect) = MakeTlsConnect::<Checked<Metered>>::make_tls_connect(&mut tls.clone(), name);
    connect
}

impl fmt::Debug for Postgres {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`", self.server.shown)
    }
}
