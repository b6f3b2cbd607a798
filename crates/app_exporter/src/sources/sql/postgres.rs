//! PostgreSQL: extended protocol, each statement in a read-only transaction of its own.

use std::collections::HashSet;
use std::error::Error as _;
use std::fmt;
use std::io;
use std::time::Duration;

use exporter_kit::source::{Deadline, SourceErrorReason as Reason};
use futures_util::TryStreamExt as _;
use tokio::net::TcpStream;
use tokio::runtime::Handle;
use tokio::task::AbortHandle;
use tokio::time::timeout;
use tokio_postgres::config::SslMode;
use tokio_postgres::error::{DbError, SqlState};
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::types::{FromSql, Oid, Type};
use tokio_postgres::{CancelToken, Client, Config, Error, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::config::{At, Fault};
use crate::decode::{Cell, Failure, Limits, Table};
use crate::sources::failures;
use crate::sources::metered::{Meter, Metered, Stream};
use crate::sources::origin::{Feature, Fetcher, Surroundings};
use crate::sources::sql::database::{Database, Trouble};
use crate::sources::sql::fetch::Sql;
use crate::sources::sql::postgres_value::ValueReader;
use crate::sources::sql::query::{Queries, Query, said};
use crate::sources::sql::rows::{Rows, too_many_bytes};
use crate::sources::sql::server::{
    Address, CHECK_LOGIN, Server, ServerConfig, explain, login_failure,
};
use crate::sources::visit::Visit;

/// The default port.
const PORT: u16 = 5432;

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

/// The keys of its server.
pub(super) type Keys = ServerConfig;

/// Finds mistakes between keys.
pub(super) fn check(keys: &Keys, faults: &mut Vec<Fault>) {
    keys.check(faults);
}

/// Builds the fetcher.
///
/// # Errors
/// When a variable is not set, or a certificate cannot be loaded.
pub(super) fn fetcher(
    keys: &At<Keys>,
    queries: Queries,
    keep_idle: Duration,
    limits: Limits,
    surroundings: Surroundings<'_>,
) -> Result<Fetcher, Fault> {
    let database = Postgres::new(keys, limits, surroundings)?;
    Ok(Fetcher::new(Sql::new(database, queries, keep_idle)))
}

/// A PostgreSQL server.
struct Postgres {
    server: Server,
    limits: Limits,
}

/// A session. No setting outlives a transaction, so that a pooler may be in between.
pub(super) struct Connection {
    client: Client,
    meter: Meter,
    /// The task that reads from and writes to the connection.
    driver: AbortHandle,
    cancel: Cancel,
    /// True while the server may run a statement.
    busy: bool,
    /// The number of the database's own types that the driver looked up.
    learned: HashSet<Oid>,
}

/// Cancels a statement on the server.
#[derive(Clone)]
struct Cancel {
    token: CancelToken,
    address: Address,
    port: u16,
    tls: Option<MakeRustlsConnect>,
    runtime: Handle,
}

impl Postgres {
    fn new(
        config: &ServerConfig,
        limits: Limits,
        surroundings: Surroundings<'_>,
    ) -> Result<Self, Fault> {
        Ok(Self {
            server: config.server(PORT, surroundings)?,
            limits,
        })
    }

    async fn config(&self, visit: &Visit) -> Result<Config, Failure> {
        let mut config = Config::new();
        config
            .user(self.server.user())
            .application_name("app_exporter")
            .ssl_mode(match self.server.tls {
                Some(_) => SslMode::Require,
                None => SslMode::Disable,
            });
        if let Some(database) = &self.server.database {
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

    async fn try_run(
        &self,
        connection: &mut Connection,
        query: &Query,
        deadline: Deadline,
        end: &mut &'static str,
    ) -> Result<Table, Trouble> {
        let client = &connection.client;
        // The server stops the statement by itself if it cannot be told to. Its limit is at most 24 days.
        let most = deadline.remaining() + Duration::from_secs(1);
        let millis = i32::try_from(most.as_millis()).unwrap_or(i32::MAX);
        let begin = format!("BEGIN READ ONLY; SET LOCAL statement_timeout = {millis}");
        let (begun, prepared) = tokio::join!(
            biased;
            client.batch_execute(&begin),
            client.prepare(&query.statement)
        );
        begun.map_err(|error| self.trouble(&error))?;
        let statement = prepared.map_err(|error| self.trouble(&error))?;
        let columns = statement.columns();
        for column in columns {
            let oid = column.type_().oid();
            if Type::from_oid(oid).is_none() && connection.learned.insert(oid) {
                *end = END_AND_FORGET;
            }
        }
        let readers: Vec<Option<ValueReader>> = columns
            .iter()
            .map(|column| ValueReader::of(column.type_()))
            .collect();
        let unread = columns.iter().zip(&readers).find(|(column, reader)| {
            let wanted = query.wanted.iter().any(|name| **name == *column.name());
            wanted && reader.is_none()
        });
        if let Some((column, _)) = unread {
            return Err(Trouble::Failed(Failure::decode(format!(
                "the column `{}` has the unsupported type `{}`; select it as text: `CAST(… AS \
                 text)`",
                column.name(),
                column.type_()
            ))));
        }
        let mut rows = Rows::new(query, self.limits, columns.iter().map(|it| it.name()));
        let mut stream = std::pin::pin!(
            client
                .query_raw(&statement, [0_i32; 0])
                .await
                .map_err(|error| self.trouble(&error))?
        );
        while let Some(row) = stream
            .try_next()
            .await
            .map_err(|error| self.trouble(&error))?
        {
            let pushed = rows.push(row.raw_size_bytes(), |at| {
                let raw: Raw<'_> = row.try_get(at).map_err(|error| error.to_string())?;
                let reader = readers.get(at).copied().flatten();
                match raw.0.zip(reader) {
                    Some((raw, reader)) => reader.read(raw),
                    None => Ok(Cell::Null),
                }
            });
            // The server still sends rows.
            pushed.map_err(Trouble::Spoilt)?;
        }
        Ok(rows.finish())
    }

    fn trouble(&self, error: &Error) -> Trouble {
        if let Some(refusal) = error.as_db_error() {
            let failure = refused(refusal);
            let gone = *refusal.code() == SqlState::INVALID_SQL_STATEMENT_NAME;
            return if gone || failure.reason == Reason::Connect {
                Trouble::Lost(failure)
            } else {
                Trouble::Failed(failure)
            };
        }
        let from_below = error.source().is_some_and(|cause| cause.is::<io::Error>());
        if error.is_closed() || from_below {
            return Trouble::Lost(Failure::connect(format!(
                "`{}`: connection lost: {}",
                self.server.shown,
                explain(error)
            )));
        }
        Trouble::Failed(Failure::query(explain(error)))
    }

    fn not_connected(&self, error: &Error) -> Failure {
        let shown = &self.server.shown;
        if let Some(refusal) = error.as_db_error() {
            return login_failure(shown, refused(refusal));
        }
        let message = explain(error);
        if message.contains("password missing") {
            let cause = "the server requires a password";
            return failures::login(shown, cause, "add `password` or `password_file`");
        }
        if message.contains("authentication") {
            return failures::login(shown, message, CHECK_LOGIN);
        }
        if message.contains("does not support TLS") {
            let remedy = "on a trusted network, write `tls: false`";
            return failures::connect(shown, format_args!("{message}; {remedy}"));
        }
        failures::connect(shown, message)
    }
}

impl Database for Postgres {
    type Connection = Connection;

    async fn connect(&self, visit: &Visit) -> Result<Connection, Failure> {
        let config = self.config(visit).await?;
        let tls = match &self.server.tls {
            Some(tls) => Some(MakeRustlsConnect::new(tls.client(visit).await?)),
            None => None,
        };
        let meter = Meter::new(self.most_read());
        let (address, port) = (&self.server.address, self.server.port);
        let stream = connect(address, port).await;
        let stream = stream.map_err(|error| failures::connect(&self.server.shown, error))?;
        let stream = Metered::new(stream, meter.clone());
        let failed = |error| self.not_connected(&error);
        let (client, driver) = match &tls {
            None => {
                let (client, driver) = config.connect_raw(stream, NoTls).await.map_err(failed)?;
                (client, tokio::spawn(async { drop(driver.await) }))
            }
            Some(tls) => {
                let tls = tls_to(tls, address);
                let (client, driver) = config.connect_raw(stream, tls).await.map_err(failed)?;
                (client, tokio::spawn(async { drop(driver.await) }))
            }
        };
        Ok(Connection {
            cancel: Cancel {
                token: client.cancel_token(),
                address: address.clone(),
                port,
                tls,
                runtime: Handle::current(),
            },
            client,
            meter,
            driver: driver.abort_handle(),
            busy: false,
            learned: HashSet::new(),
        })
    }

    fn is_open(connection: &Connection) -> bool {
        !connection.client.is_closed()
    }

    async fn run(
        &self,
        connection: &mut Connection,
        query: &Query,
        deadline: Deadline,
    ) -> Result<Table, Trouble> {
        connection.busy = true;
        connection.meter.set(self.most_read());
        let mut end = END;
        let result = self.try_run(connection, query, deadline, &mut end).await;
        if connection.meter.is_used_up() {
            return Err(Trouble::Spoilt(too_many_bytes(self.limits)));
        }
        if let Ok(_) | Err(Trouble::Failed(_)) = result {
            let ended = connection.client.batch_execute(end).await;
            ended.map_err(|error| self.trouble(&error))?;
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
            let stream = connect(&self.address, self.port).await.ok()?;
            let stream = Metered::new(stream, Meter::new(usize::MAX));
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

/// The stream of a connection.
async fn connect(address: &Address, port: u16) -> io::Result<Box<dyn Stream>> {
    match address {
        Address::Host(host) => {
            let stream = TcpStream::connect((host.as_str(), port)).await?;
            stream.set_nodelay(true)?;
            Ok(Box::new(stream))
        }
        #[cfg(unix)]
        Address::Socket(path) => {
            let in_folder = path.join(format!(".s.PGSQL.{port}"));
            let path = if path.is_dir() { &in_folder } else { path };
            Ok(Box::new(tokio::net::UnixStream::connect(path).await?))
        }
        #[cfg(not(unix))]
        Address::Socket(_) => Err(io::ErrorKind::Unsupported.into()),
    }
}

/// TLS to the server with this name.
fn tls_to(
    tls: &MakeRustlsConnect,
    address: &Address,
) -> <MakeRustlsConnect as MakeTlsConnect<Metered>>::TlsConnect {
    let name = match address {
        Address::Host(host) => host,
        Address::Socket(_) => "localhost",
    };
    let Ok(connect) = MakeTlsConnect::<Metered>::make_tls_connect(&mut tls.clone(), name);
    connect
}

/// The raw bytes of a value.
struct Raw<'r>(Option<&'r [u8]>);

impl<'r> FromSql<'r> for Raw<'r> {
    fn from_sql(_: &Type, raw: &'r [u8]) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        Ok(Self(Some(raw)))
    }

    fn from_sql_null(_: &Type) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        Ok(Self(None))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

/// The failure for a server's error, with the reason of its code.
fn refused(refusal: &DbError) -> Failure {
    let code = refusal.code().code();
    let reason = match code {
        "57014" => Reason::Timeout,
        // Too many connections; shutting down, crashed, starting.
        "53300" | "57P01" | "57P02" | "57P03" => Reason::Connect,
        _ if code.starts_with("28") => Reason::Login,
        _ if code.starts_with("08") => Reason::Connect,
        _ => Reason::Query,
    };
    let message = said(refusal.message());
    Failure::new(reason, format!("the server reports `{message}` ({code})"))
}

impl fmt::Debug for Postgres {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`", self.server.shown)
    }
}
