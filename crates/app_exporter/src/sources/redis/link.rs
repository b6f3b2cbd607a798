//! One connection to a server: connect, log in, run one command at a time.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use exporter_kit::source::SourceErrorReason as Reason;
use redis::aio::{ConnectionLike as _, MultiplexedConnection};
use redis::{AsyncConnectionConfig, Cmd, RedisConnectionInfo, RedisResult, Value};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio_rustls::TlsConnector;

use crate::config::login::Login;
use crate::decode::Failure;
use crate::sources::endpoint::Endpoint;
use crate::sources::failures;
use crate::sources::lookups::Lookups;
use crate::sources::metered::Stream;
use crate::sources::redis::address::ServerAddress;
use crate::sources::redis::info;
use crate::sources::redis::reply_stream::{ReplyLimits, ReplyStream};
use crate::sources::tls::Tls;
use crate::sources::visit::Visit;

/// Login, TLS and limits of connections.
pub(super) struct Access {
    pub(super) login: Login,
    pub(super) tls: Option<Arc<Tls>>,
    pub(super) database: u16,
    /// The limit of bytes of a reply.
    pub(super) most_bytes: usize,
    pub(super) lookups: Lookups,
}

/// A connection. Dropping it closes it.
pub(super) struct Link {
    connection: MultiplexedConnection,
    /// Moves bytes between the connection and its stream. `None` once it has ended.
    driver: Option<Driver>,
    limits: ReplyLimits,
    most_bytes: usize,
    /// The role that the server reports, if any: `master`, `replica`, `sentinel`.
    pub(super) role: Option<String>,
    /// The ID of the server process; if the server does not report one, that of the connection.
    pub(super) identity: String,
}

/// The failure of a command.
#[derive(Debug)]
pub(super) enum CommandFailure {
    /// The connection or the login failed.
    Down(Failure),
    /// The connection was lost.
    Broken(String),
    /// The reply is larger than the limit.
    TooLong(usize),
    /// The server is now another process than the expected one.
    Changed,
    /// The server returned an error.
    Refused { code: String, detail: String },
}

type Driver = Pin<Box<dyn Future<Output = ()> + Send>>;

impl Link {
    /// # Errors
    /// When the connection or the login fails.
    pub(super) async fn connect(
        address: &ServerAddress,
        access: &Access,
        visit: &Visit,
    ) -> Result<Self, Failure> {
        let limits = ReplyLimits::new(access.most_bytes);
        let tls = match &access.tls {
            Some(tls) => Some(tls.client(visit).await?),
            None => None,
        };
        let stream = connect(address, tls, &access.lookups).await?;
        let stream = ReplyStream::new(stream, limits.clone());
        // The client sends nothing by itself: the login is below, where its failures have their messages.
        let (connection, driver) = MultiplexedConnection::new_with_config(
            &RedisConnectionInfo::default().set_skip_set_lib_name(),
            stream,
            AsyncConnectionConfig::new().set_response_timeout(None),
        )
        .await
        .map_err(|error| unreachable(address, error))?;
        let mut link = Self {
            connection,
            driver: Some(Box::pin(driver)),
            limits,
            most_bytes: access.most_bytes,
            role: None,
            identity: String::new(),
        };
        link.log_in(address, access, visit).await?;
        link.identity = link.identify().await;
        Ok(link)
    }

    /// Runs one command.
    pub(super) async fn ask(&mut self, cmd: &Cmd) -> Result<Value, CommandFailure> {
        self.limits.renew();
        match self.reply(cmd).await {
            Ok(Value::ServerError(error)) => Err(CommandFailure::Refused {
                code: error.code().to_owned(),
                detail: error.details().unwrap_or_default().to_owned(),
            }),
            Ok(value) => Ok(value),
            Err(_) if self.limits.are_used_up() => Err(CommandFailure::TooLong(self.most_bytes)),
            Err(error) => Err(match error.code() {
                Some(code) => CommandFailure::Refused {
                    code: code.to_owned(),
                    detail: error.detail().unwrap_or_default().to_owned(),
                },
                None => CommandFailure::Broken(error.to_string()),
            }),
        }
    }

    /// Waits for a reply. Only this moves bytes; nothing runs in the background.
    async fn reply(&mut self, cmd: &Cmd) -> RedisResult<Value> {
        let reply = self.connection.req_packed_command(cmd);
        tokio::pin!(reply);
        if let Some(driver) = &mut self.driver {
            tokio::select! {
                biased;
                reply = &mut reply => return reply,
                () = driver => (),
            }
        }
        // The connection has ended, which the reply then reports.
        self.driver = None;
        reply.await
    }

    async fn log_in(
        &mut self,
        address: &ServerAddress,
        access: &Access,
        visit: &Visit,
    ) -> Result<(), Failure> {
        if let Some(password) = &access.login.password {
            let password = visit.secret(password).await;
            let password = password.map_err(|failure| failure.about(format!("`{address}`")))?;
            let mut auth = redis::cmd("AUTH");
            if let Some(user) = &access.login.user {
                auth.arg(user.reveal());
            }
            auth.arg(password.reveal());
            match self.ask(&auth).await {
                Ok(_) => (),
                // A server without this command repeats its arguments, so its message is not shown.
                Err(CommandFailure::Refused { code, .. }) => {
                    let remedy =
                        "check `user` and `password`, and that the server requires a login";
                    return Err(failures::login(address, code, remedy));
                }
                Err(trouble) => return Err(trouble.failure(address, "AUTH")),
            }
        }
        let mut hello = redis::cmd("HELLO");
        match self
            .ask(hello.arg(3).arg("SETNAME").arg("app_exporter"))
            .await
        {
            Ok(reply) => self.role = field(&reply, "role"),
            Err(CommandFailure::Refused { code, .. }) if code == "NOAUTH" => {
                let cause = "the server requires a password";
                let remedy =
                    "add `password` or `password_file`, and `user` unless it is the default one";
                return Err(failures::login(address, cause, remedy));
            }
            // Servers before version 6 have the older protocol, which suffices.
            Err(CommandFailure::Refused { code, .. }) if code == "ERR" => (),
            Err(trouble) => return Err(trouble.failure(address, "HELLO")),
        }
        if access.database != 0 {
            let mut select = redis::cmd("SELECT");
            let selected = self.ask(select.arg(access.database)).await;
            let what = format!("SELECT {}", access.database);
            selected.map_err(|trouble| trouble.failure(address, &what))?;
        }
        Ok(())
    }

    async fn identify(&mut self) -> String {
        static CONNECTIONS: AtomicU64 = AtomicU64::new(0);
        // Without the right to ask, each connection counts as a new server process.
        let server = self.ask(redis::cmd("INFO").arg("server")).await;
        let run = server.ok().and_then(|reply| info::field(&reply, "run_id"));
        run.unwrap_or_else(|| format!("connection {}", CONNECTIONS.fetch_add(1, Ordering::Relaxed)))
    }
}

impl CommandFailure {
    /// Describes the failure of the command `asked`.
    pub(super) fn failure(self, address: &ServerAddress, asked: &str) -> Failure {
        match self {
            Self::Down(failure) => failure,
            Self::Broken(error) => unreachable(address, error),
            Self::TooLong(bytes) => {
                let what = format_args!("`{address}`: the reply to `{asked}`");
                Failure::too_large(what, bytes)
            }
            Self::Changed => {
                Failure::connect(format!("`{address}`: the server was restarted meanwhile"))
            }
            Self::Refused { code, detail } => {
                let detail: String = detail.escape_debug().take(200).collect();
                let (reason, remedy) = match code.as_str() {
                    "NOPERM" => (Reason::Login, "; grant the user this command and its keys"),
                    "NOAUTH" => (Reason::Login, "; add `password`"),
                    "MOVED" => (
                        Reason::Query,
                        "; the server is a node of a cluster: write `cluster` instead of `address`",
                    ),
                    _ => (Reason::Query, ""),
                };
                Failure::new(
                    reason,
                    format!("`{address}`: `{asked}`: {code} {detail}{remedy}"),
                )
            }
        }
    }
}

async fn connect(
    address: &ServerAddress,
    tls: Option<ClientConfig>,
    lookups: &Lookups,
) -> Result<Box<dyn Stream>, Failure> {
    let refused = |error| unreachable(address, error);
    let stream = address.endpoint.connect(lookups).await.map_err(refused)?;
    // A configuration with TLS on a Unix socket is invalid.
    let (Some(tls), Endpoint::Tcp { host, .. }) = (tls, &address.endpoint) else {
        return Ok(stream);
    };
    let name = ServerName::try_from(host.clone()).map_err(|error| unreachable(address, error))?;
    let secured = TlsConnector::from(Arc::new(tls))
        .connect(name, stream)
        .await;
    Ok(Box::new(secured.map_err(refused)?))
}

fn unreachable(address: &ServerAddress, error: impl std::fmt::Display) -> Failure {
    failures::connect(address, error)
}

/// A text by name, of a reply with names and values.
fn field(reply: &Value, name: &str) -> Option<String> {
    let Value::Map(entries) = reply else {
        return None;
    };
    let text = |value: &Value| match value {
        Value::BulkString(bytes) => Some(String::from_utf8_lossy(bytes).into_owned()),
        Value::SimpleString(text) => Some(text.clone()),
        _ => None,
    };
    let found = entries
        .iter()
        .find(|(key, _)| text(key).as_deref() == Some(name));
    found.and_then(|(_, value)| text(value))
}
