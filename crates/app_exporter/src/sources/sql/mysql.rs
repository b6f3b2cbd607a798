//! MySQL and MariaDB: text protocol, read-only sessions.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use exporter_kit::Number;
use exporter_kit::source::{Deadline, SourceErrorReason as Reason};
use mysql_async::consts::ColumnType;
use mysql_async::prelude::Queryable as _;
use mysql_async::{Column, Conn, Error, IoError, Opts, OptsBuilder, ServerError, Value};
use tokio::runtime::Handle;
use tokio::time::timeout;

use crate::config::{At, Fault};
use crate::decode::{Cell, Failure, Limits, Table, parse_number};
use crate::sources::failures;
use crate::sources::origin::{Feature, Fetcher, Surroundings};
use crate::sources::sql::database::{Database, Trouble};
use crate::sources::sql::fetch::Sql;
use crate::sources::sql::mysql_tls;
use crate::sources::sql::query::{Queries, Query, said};
use crate::sources::sql::rows::{Rows, text, too_many_bytes};
use crate::sources::sql::server::{Address, Server, ServerConfig, explain, login_failure};
use crate::sources::visit::Visit;

/// The default port.
const PORT: u16 = 3306;

/// The Cargo feature that builds it in.
pub(super) const FEATURE: Feature = Feature {
    name: "sql-mysql",
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
    let database = MySql::new(keys, limits, surroundings)?;
    Ok(Fetcher::new(Sql::new(database, queries, keep_idle)))
}

/// A MySQL or MariaDB server.
struct MySql {
    server: Server,
    limits: Limits,
}

/// A read-only session.
pub(super) struct Connection {
    /// `None` only while it is dropped.
    conn: Option<Conn>,
    options: Opts,
    runtime: Handle,
    /// The limit of a statement's time that is set in the session, in seconds.
    seconds: u64,
    /// True while the server may run a statement.
    busy: bool,
}

impl MySql {
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

    async fn options(&self, visit: &Visit) -> Result<Opts, Failure> {
        let server = &self.server;
        let password = server.password(visit).await?;
        let tls = match &server.tls {
            Some(tls) => Some(mysql_tls::options(tls, visit).await?),
            None => None,
        };
        let mut options = OptsBuilder::default()
            .user(Some(server.user()))
            .pass(password.as_ref().map(|password| password.reveal()))
            .db_name(server.database.as_ref())
            .tcp_port(server.port)
            // The configured address, not a socket that the server announces.
            .prefer_socket(false)
            // Bounds a single value too, without asking the server for its own limit.
            .max_allowed_packet(Some(self.limits.bytes))
            .wait_timeout(Some(28_800))
            // Detects a server that vanished without closing the connection.
            .tcp_keepalive(Some(Duration::from_secs(60)))
            .stmt_cache_size(0)
            .init(vec!["SET SESSION TRANSACTION READ ONLY"])
            .ssl_opts(tls);
        options = match &server.address {
            Address::Host(host) => options.ip_or_hostname(host),
            Address::Socket(path) => options.socket(path.to_str()),
        };
        Ok(options.into())
    }

    async fn try_run(&self, conn: &mut Conn, query: &Query) -> Result<Table, Trouble> {
        let mut result = conn
            .query_iter(&*query.statement)
            .await
            .map_err(|error| self.trouble(&error))?;
        let columns = result.columns().unwrap_or_else(|| Arc::new([]));
        let names = columns.iter().map(|column| column.name_str().into_owned());
        let mut rows = Rows::new(query, self.limits, names);
        while let Some(row) = result.next().await.map_err(|error| self.trouble(&error))? {
            let bytes = (0..row.len())
                .map(|at| row.as_ref(at).map_or(0, size))
                .sum();
            let pushed = rows.push(bytes, |at| match (row.as_ref(at), columns.get(at)) {
                (Some(value), Some(column)) => cell(value, column),
                _ => Ok(Cell::Null),
            });
            // The server still sends rows.
            pushed.map_err(Trouble::Spoilt)?;
        }
        // A procedure returns several results; the first is used.
        let rest = result.drop_result().await;
        rest.map_err(|error| self.trouble(&error))?;
        Ok(rows.finish())
    }

    fn trouble(&self, error: &Error) -> Trouble {
        match error {
            Error::Server(refusal) => {
                let failure = refused(refusal);
                match failure.reason {
                    Reason::Connect => Trouble::Lost(failure),
                    _ => Trouble::Failed(failure),
                }
            }
            // The codec has no type for this error.
            other if other.to_string().contains("max_allowed_packet") => {
                Trouble::Spoilt(too_many_bytes(self.limits))
            }
            other => Trouble::Lost(Failure::connect(format!(
                "`{}`: connection lost: {}",
                self.server.shown,
                explain(other)
            ))),
        }
    }

    fn not_connected(&self, error: &Error) -> Failure {
        let shown = &self.server.shown;
        match error {
            Error::Server(refusal) => login_failure(shown, refused(refusal)),
            Error::Driver(mysql_async::DriverError::NoClientSslFlagFromServer) => {
                failures::connect(
                    shown,
                    "the server does not support TLS; on a trusted network, write `tls: false`",
                )
            }
            Error::Io(IoError::Io(error)) => failures::connect(shown, error),
            other => failures::connect(shown, explain(other)),
        }
    }
}

impl Database for MySql {
    type Connection = Connection;

    async fn connect(&self, visit: &Visit) -> Result<Connection, Failure> {
        let options = self.options(visit).await?;
        let conn = Conn::new(options.clone()).await;
        Ok(Connection {
            conn: Some(conn.map_err(|error| self.not_connected(&error))?),
            options,
            runtime: Handle::current(),
            seconds: 0,
            busy: false,
        })
    }

    fn is_open(connection: &Connection) -> bool {
        connection.conn.is_some()
    }

    async fn run(
        &self,
        connection: &mut Connection,
        query: &Query,
        deadline: Deadline,
    ) -> Result<Table, Trouble> {
        let Some(conn) = &mut connection.conn else {
            return Err(Trouble::Lost(Failure::connect("the connection is closed")));
        };
        connection.busy = true;
        // The server stops the statement by itself if it cannot be told to.
        let seconds = deadline.remaining().as_secs() + 2;
        if connection.seconds != seconds {
            match conn.query_drop(time_limit(seconds)).await {
                // Servers without this limit ignore it.
                Ok(()) | Err(Error::Server(_)) => connection.seconds = seconds,
                Err(error) => return Err(self.trouble(&error)),
            }
        }
        let result = self.try_run(conn, query).await;
        if let Ok(_) | Err(Trouble::Failed(_)) = result {
            connection.busy = false;
        }
        result
    }
}

/// Limits the time of statements. MariaDB reads the comment after `M!`; MySQL reads the one after `!`, which MariaDB skips
/// for its version number.
fn time_limit(seconds: u64) -> String {
    let millis = seconds.saturating_mul(1000);
    format!(
        "SET /*M!100101 SESSION max_statement_time = {seconds}, */ \
         /*!50708 SESSION max_execution_time = {millis}, */ @app_exporter = 1"
    )
}

impl Drop for Connection {
    fn drop(&mut self) {
        let Some(conn) = self.conn.take() else { return };
        if self.busy {
            self.runtime.spawn(kill(self.options.clone(), conn.id()));
        }
        // Outside the runtime, the socket closes without a goodbye to the server.
        let _entered = self.runtime.enter();
        drop(conn);
    }
}

/// Ends a statement on the server, with its connection. If that fails, the statement stops by itself a little later.
async fn kill(options: Opts, id: u32) {
    const PATIENCE: Duration = Duration::from_secs(5);
    let killing = async {
        let mut conn = Conn::new(options).await?;
        conn.query_drop(format!("KILL {id}")).await?;
        conn.disconnect().await
    };
    let _ = timeout(PATIENCE, killing).await;
}

fn size(value: &Value) -> usize {
    match value {
        Value::Bytes(bytes) => bytes.len(),
        _ => size_of::<u64>(),
    }
}

/// # Errors
/// When it is neither a number nor text. The message continues a sentence that begins with the column.
fn cell(value: &Value, column: &Column) -> Result<Cell, String> {
    let bytes = match value {
        Value::NULL => return Ok(Cell::Null),
        Value::Bytes(bytes) => bytes,
        Value::Int(number) => return Ok(Cell::Number(Number::I64(*number))),
        Value::UInt(number) => return Ok(Cell::Number(Number::U64(*number))),
        Value::Float(number) => return Ok(Cell::Number(Number::F64((*number).into()))),
        Value::Double(number) => return Ok(Cell::Number(Number::F64(*number))),
        // Only the binary protocol has these, which is not used.
        Value::Date(..) | Value::Time(..) => return Ok(Cell::text(value.as_sql(true))),
    };
    match column.column_type() {
        ColumnType::MYSQL_TYPE_TINY
        | ColumnType::MYSQL_TYPE_SHORT
        | ColumnType::MYSQL_TYPE_INT24
        | ColumnType::MYSQL_TYPE_LONG
        | ColumnType::MYSQL_TYPE_LONGLONG
        | ColumnType::MYSQL_TYPE_FLOAT
        | ColumnType::MYSQL_TYPE_DOUBLE => number(bytes),
        // A label keeps the zeros of a decimal number.
        ColumnType::MYSQL_TYPE_DECIMAL | ColumnType::MYSQL_TYPE_NEWDECIMAL
            if !bytes.contains(&b'.') =>
        {
            number(bytes)
        }
        ColumnType::MYSQL_TYPE_BIT if bytes.len() <= 8 => {
            let bits = bytes
                .iter()
                .fold(0, |bits, byte| bits << 8 | u64::from(*byte));
            Ok(Cell::Number(Number::U64(bits)))
        }
        _ => text(bytes, "hex(…)"),
    }
}

fn number(bytes: &[u8]) -> Result<Cell, String> {
    let written = std::str::from_utf8(bytes).ok();
    let number = written.and_then(parse_number);
    match (number, written) {
        (Some(number @ (Number::U64(_) | Number::I64(_))), _) => Ok(Cell::Number(number)),
        // Numbers with more digits than fit stay text.
        (Some(Number::F64(_)), Some(text)) if is_whole(text) => Ok(Cell::text(text)),
        (Some(number), _) => Ok(Cell::Number(number)),
        (None, _) => Err("has an invalid number".to_owned()),
    }
}

fn is_whole(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// The failure for a server's error, with the reason of its code.
fn refused(refusal: &ServerError) -> Failure {
    let reason = match refusal.code {
        // No access to the server or database, from this host, with this password.
        1044 | 1045 | 1130 | 1698 | 1862 => Reason::Login,
        // Too many connections; shut down, killed, idle for too long.
        1040 | 1053 | 1129 | 1203 | 1226 | 1927 | 4031 => Reason::Connect,
        // Cancelled, or stopped by a limit of time.
        1317 | 1969 | 3024 => Reason::Timeout,
        _ => Reason::Query,
    };
    Failure::new(
        reason,
        format!(
            "the server reports `{}` ({})",
            said(&refusal.message),
            refusal.code
        ),
    )
}

impl fmt::Debug for MySql {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`", self.server.shown)
    }
}
