//! PostgreSQL, by its extended protocol, each statement in a transaction of its own that can only read.

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
use crate::sources::metered::{Meter, Metered, Stream};
use crate::sources::origin::{Feature, Fetcher, Surroundings};
use crate::sources::sql::database::{Database, Trouble};
use crate::sources::sql::fetch::Sql;
use crate::sources::sql::postgres_value::ValueReader;
use crate::sources::sql::query::{Queries, Query, said};
use crate::sources::sql::rows::{Rows, too_many_bytes};
use crate::sources::sql::server::{Address, Server, ServerConfig, explain};
use crate::sources::visit::Visit;

/// What it listens on unless it is told otherwise.
const PORT: u16 = 5432;

/// Nothing was written, so there is nothing to commit.
const END: &str = "ROLLBACK";
/// The same after the driver has asked about types, for which it has prepared statements: a pooler may give the server's
/// session to somebody who calls others the same. Should the driver want to use them again, it finds them gone.
const END_AND_FORGET: &str = "ROLLBACK; DEALLOCATE ALL";

/// The Cargo feature that builds it in.
pub(super) const FEATURE: Feature = Feature {
    name: "sql-postgres",
    is_on: true,
};

/// The keys of its server.
pub(super) type Keys = ServerConfig;

/// What is wrong with the keys.
pub(super) fn check(keys: &Keys, faults: &mut Vec<Fault>) {
    keys.check(faults);
}

/// Makes what asks the server.
///
/// # Errors
/// When a variable is not set, or a certificate can't be had.
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

/// A session. Nothing is set in it beyond a transaction, so that a pooler may stand between.
pub(super) struct Connection {
    client: Client,
    meter: Meter,
    /// The task that reads and writes.
    driver: AbortHandle,
    cancel: Cancel,
    /// Whether the server may be at work.
    busy: bool,
    /// Types of the database's own that the driver has asked about.
    learned: HashSet<Oid>,
}

/// How to tell the server that a statement is not wanted any more.
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

    /// How much may come over the wire for one statement: whatever is around its rows, there is a limit to it.
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
        // The server stops by itself should nobody be able to tell it. It counts no longer than 24 days.
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
                "the column `{}` has the type `{}`, which is not read; select it as text: `CAST(… AS \
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
            // Rows that nobody takes are still on their way.
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
                "`{}`: {}",
                self.server.shown,
                explain(error)
            )));
        }
        Trouble::Failed(Failure::query(explain(error)))
    }

    fn not_connected(&self, error: &Error) -> Failure {
        let shown = &self.server.shown;
        if let Some(refusal) = error.as_db_error() {
            return refused(refusal).about(format!("`{shown}`"));
        }
        let message = explain(error);
        if message.contains("password missing") {
            return Failure::new(
                Reason::Login,
                format!(
                    "`{shown}`: the server asks for a password; add `password` or `password_file`"
                ),
            );
        }
        if message.contains("authentication") {
            return Failure::new(Reason::Login, format!("`{shown}`: {message}"));
        }
        let remedy = if message.contains("does not support TLS") {
            "; if nobody can read along, write `tls: false`"
        } else {
            ""
        };
        Failure::connect(format!("`{shown}`: {message}{remedy}"))
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
        let stream = stream
            .map_err(|error| Failure::connect(format!("`{}`: {error}", self.server.shown)))?;
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
    /// Tells the server. That it can't be told is no matter: it stops by itself, a little later.
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

/// What is spoken over.
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

/// TLS to the server of that name.
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

/// A value as it came.
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

/// What the server says, under the reason that its code stands for.
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
    Failure::new(reason, format!("the server says `{message}` ({code})"))
}

impl fmt::Debug for Postgres {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`", self.server.shown)
    }
}
