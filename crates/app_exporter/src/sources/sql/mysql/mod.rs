//! MySQL and MariaDB: text protocol, each statement in a read-only session of its own.

#[cfg(feature = "fuzzing")]
pub(crate) mod fuzz;
mod login;
mod method;
mod packet_stream;
mod password_key;
mod value;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use exporter_kit::source::SourceErrorReason as Reason;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::runtime::Handle;
use tokio::time::timeout;

use crate::config::login::Secret;
use crate::decode::{Cell, Failure, Limits, Table};
use crate::sources::failures;
use crate::sources::metered::{Meter, Metered};
use crate::sources::origin::Feature;
use crate::sources::sql::database::{Database, StatementError};
use crate::sources::sql::dial::dial;
use crate::sources::sql::fetch::Sql;
use crate::sources::sql::mysql::login::{Credentials, Encryption, LoginError, log_in};
use crate::sources::sql::mysql::packet_stream::{PacketError, PacketStream, Refusal};
use crate::sources::sql::read_only::{Dialect, check_kind};
use crate::sources::sql::server::{DatabaseAddress, Server, ServerConfig, login_failure};
use crate::sources::sql::statement::Statement;
use crate::sources::sql::wanted_rows::{WantedRows, too_many_bytes};
use crate::sources::visit::Visit;

/// The Cargo feature that builds it in.
pub(super) const FEATURE: Feature = Feature {
    name: "sql-mysql",
    is_on: true,
};

const DIALECT: Dialect = Dialect {
    kinds: &["DESC", "DESCRIBE", "REPLACE"],
    is_mysql: true,
};

/// The keys of its server.
pub(super) type Keys = ServerConfig;

/// The fetcher of its rows.
pub(super) type Source = Sql<MySql>;

/// A MySQL or MariaDB server.
pub(super) struct MySql {
    server: Arc<Server>,
    limits: Limits,
}

/// A session. Nothing that a statement sets outlives it.
pub(super) struct Connection {
    /// `None` only while it is dropped.
    packets: Option<PacketStream>,
    opener: Opener,
    runtime: Handle,
    /// True while the server may run a statement.
    busy: bool,
}

/// Everything that opens another session like this one.
#[derive(Clone)]
struct Opener {
    server: Arc<Server>,
    database: Option<String>,
    password: Option<Secret>,
    tls: Option<ClientConfig>,
    limits: Limits,
}

impl Opener {
    async fn open(&self) -> Result<PacketStream, LoginError> {
        let server = &*self.server;
        let stream = dial(&server.address, server.port, &server.lookups).await;
        let meter = Meter::new(most_read(self.limits));
        let stream = Metered::new(stream.map_err(PacketError::from)?, meter.clone());
        let (is_private, host) = match &server.address {
            DatabaseAddress::Host(host) => (false, host.as_str()),
            DatabaseAddress::Socket(_) => (true, "localhost"),
        };
        let encryption = match &self.tls {
            None => None,
            Some(config) => Some(Encryption {
                config: config.clone(),
                name: ServerName::try_from(host.to_owned())
                    .map_err(|_| PacketError::Invalid("an invalid host name"))?,
                is_optional: server.may_be_plain,
            }),
        };
        let who = Credentials {
            user: server.user(),
            password: self.password.as_ref().map_or("", Secret::reveal),
            database: self.database.as_deref(),
        };
        let most = most_packet(self.limits);
        log_in(Box::new(stream), meter, most, is_private, &who, encryption).await
    }
}

impl MySql {
    async fn try_run(
        &self,
        packets: &mut PacketStream,
        statement: &Statement,
        visit: &Visit,
    ) -> Result<Table, StatementError> {
        let failed = |error| self.statement_error(error);
        // The server stops the statement by itself if it cannot be told to.
        let seconds = visit.deadline().remaining().as_secs() + 2;
        match packets.execute(&session(seconds)).await {
            // Servers without this limit ignore it.
            Ok(()) | Err(PacketError::Refused(_)) => (),
            Err(error) => return Err(failed(error)),
        }
        // Not only the next transaction: a statement such as `DROP` ends it before it runs.
        let read_only = packets.execute("SET SESSION TRANSACTION READ ONLY").await;
        read_only.map_err(failed)?;
        let columns = packets.query(&statement.sql).await.map_err(failed)?;
        let names = columns.iter().map(|column| column.name.clone());
        let mut rows = WantedRows::new(statement, self.limits, visit, names);
        if columns.is_empty() {
            return Ok(rows.finish());
        }
        while let Some(cells) = packets.row().await.map_err(failed)? {
            let cells = cells.all(columns.len()).map_err(failed)?;
            let bytes = cells.iter().flatten().map(|cell| cell.len()).sum();
            let pushed = rows.push(bytes, |at| match (cells.get(at), columns.get(at)) {
                (Some(cell), Some(column)) => value::cell(*cell, column.kind),
                _ => Ok(Cell::Null),
            });
            // The server still sends rows.
            pushed.map_err(StatementError::Spoilt)?;
        }
        Ok(rows.finish())
    }

    fn statement_error(&self, error: PacketError) -> StatementError {
        match error {
            PacketError::Refused(refusal) => {
                let failure = refused(&refusal);
                match failure.reason {
                    Reason::Connect => StatementError::Lost(failure),
                    _ => StatementError::Failed(failure),
                }
            }
            PacketError::TooLong => StatementError::Spoilt(too_many_bytes(self.limits)),
            other => {
                let shown = &self.server.shown;
                let message = format!("`{shown}`: connection lost: {}", explained(other));
                StatementError::Lost(Failure::connect(message))
            }
        }
    }

    fn not_connected(&self, error: LoginError) -> Failure {
        let shown = &self.server.shown;
        match error {
            LoginError::Packets(PacketError::Refused(refusal)) => {
                login_failure(shown, refused(&refusal))
            }
            LoginError::Packets(PacketError::TooLong) => {
                let what = format_args!("`{shown}`: the login");
                Failure::too_large(what, most_packet(self.limits))
            }
            LoginError::Packets(error) => failures::connect(shown, explained(error)),
            LoginError::NoTls => failures::connect(
                shown,
                "the server does not support TLS; on a trusted network, write `tls: false`",
            ),
            LoginError::Method(name) => failures::login(
                shown,
                format_args!("the server wants the login method `{name}`, which is not built in"),
                "give the user `ed25519`, `caching_sha2_password` or `mysql_native_password`",
            ),
        }
    }
}

impl Database for MySql {
    type Connection = Connection;
    const PORT: u16 = 3306;
    const DATABASES: &str = "SELECT schema_name AS name FROM information_schema.schemata \
                             WHERE schema_name NOT IN ('information_schema', 'mysql', 'performance_schema', 'sys') \
                             ORDER BY schema_name";

    fn new(server: Server, limits: Limits) -> Self {
        Self {
            server: Arc::new(server),
            limits,
        }
    }

    async fn connect(&self, visit: &Visit, database: Option<&str>) -> Result<Connection, Failure> {
        let database = database.map(str::to_owned);
        let opener = Opener {
            database: database.or_else(|| self.server.database.clone()),
            server: Arc::clone(&self.server),
            password: self.server.password(visit).await?,
            tls: match &self.server.tls {
                Some(tls) => Some(tls.client(visit).await?),
                None => None,
            },
            limits: self.limits,
        };
        let packets = opener.open().await;
        Ok(Connection {
            packets: Some(packets.map_err(|error| self.not_connected(error))?),
            opener,
            runtime: Handle::current(),
            busy: false,
        })
    }

    fn is_open(connection: &Connection) -> bool {
        connection.packets.is_some()
    }

    async fn run(
        &self,
        connection: &mut Connection,
        statement: &Statement,
        visit: &Visit,
    ) -> Result<Table, StatementError> {
        check_kind(&statement.sql, &DIALECT)
            .map_err(|message| StatementError::Failed(Failure::query(message)))?;
        let Some(packets) = &mut connection.packets else {
            let failure = Failure::connect("the connection is closed");
            return Err(StatementError::Lost(failure));
        };
        connection.busy = true;
        packets.meter.set(most_read(self.limits));
        let result = self.try_run(packets, statement, visit).await;
        if packets.meter.is_used_up() {
            return Err(StatementError::Spoilt(too_many_bytes(self.limits)));
        }
        if let Ok(_) | Err(StatementError::Failed(_)) = result {
            let mut ended = packets.reset().await;
            // Servers before MySQL 5.7 and MariaDB 10.2 do not have that command.
            if let Err(PacketError::Refused(_)) = ended {
                ended = packets.execute("ROLLBACK").await;
            }
            ended.map_err(|error| self.statement_error(error))?;
            connection.busy = false;
        }
        result
    }
}

/// The limit of bytes received for one statement, with everything around its rows.
fn most_read(limits: Limits) -> usize {
    limits.bytes.saturating_mul(2).saturating_add(1 << 20)
}

/// The limit of one packet, with room for messages of the server where rows have less.
fn most_packet(limits: Limits) -> usize {
    limits.bytes.max(64 * 1024)
}

/// The settings of a statement. MariaDB reads the comment after `M!`; MySQL reads the one after `!`, which MariaDB skips
/// for its version number.
fn session(seconds: u64) -> String {
    let millis = seconds.saturating_mul(1000);
    format!(
        "SET NAMES utf8mb4, /*M!100101 SESSION max_statement_time = {seconds}, */ \
         /*!50708 SESSION max_execution_time = {millis}, */ @app_exporter = 1"
    )
}

impl Drop for Connection {
    fn drop(&mut self) {
        let Some(packets) = self.packets.take() else {
            return;
        };
        if self.busy {
            self.runtime.spawn(kill(self.opener.clone(), packets.id));
        } else {
            self.runtime
                .spawn(async { drop(timeout(PATIENCE, packets.quit()).await) });
        }
    }
}

/// The time for the last words to a server.
const PATIENCE: Duration = Duration::from_secs(5);

/// Ends a statement on the server, with its connection. If that fails, the statement stops by itself a little later.
async fn kill(opener: Opener, id: u32) {
    let killing = async {
        let mut packets = opener.open().await.ok()?;
        packets.execute(&format!("KILL {id}")).await.ok()?;
        packets.quit().await.ok()
    };
    let _ = timeout(PATIENCE, killing).await;
}

/// The failure for a server's error, with the reason of its code.
fn refused(refusal: &Refusal) -> Failure {
    let reason = match refusal.code {
        // No access to the server or database, from this host, with this password or method; locked, or expired.
        1044 | 1045 | 1130 | 1251 | 1275 | 1698 | 1820 | 1862 | 3118 | 4151 => Reason::Login,
        // Too many connections; shut down, killed, idle for too long.
        1040 | 1053 | 1129 | 1203 | 1226 | 1927 | 4031 => Reason::Connect,
        // Cancelled, or stopped by a limit of time.
        1317 | 1969 | 3024 => Reason::Timeout,
        _ => Reason::Query,
    };
    let Refusal { code, message } = refusal;
    Failure::new(reason, format!("the server reports `{message}` ({code})"))
}

fn explained(error: PacketError) -> String {
    match error {
        PacketError::Io(error) => error.to_string(),
        PacketError::Invalid(what) => format!("unexpected answer: {what}"),
        PacketError::TooLong => "unexpected answer: too long a packet".to_owned(),
        PacketError::Refused(refusal) => refused(&refusal).message,
    }
}

impl fmt::Debug for MySql {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`", self.server.shown)
    }
}
