//! The address and login of a database server.

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;

use exporter_kit::source::SourceErrorReason as Reason;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::MapAccessDeserializer;
use serde::{Deserialize, Deserializer, de};

use crate::config::login::{Login, LoginKeys, Secret};
use crate::config::{At, Fault, HiddenTemplate, Template};
use crate::decode::Failure;
use crate::sources::failures;
use crate::sources::origin::Surroundings;
use crate::sources::tls::{Tls, TlsConfig};
use crate::sources::visit::Visit;

/// A database server and its login.
#[derive(Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "DatabaseServerConfig")]
pub(crate) struct ServerConfig {
    /// The host name or address; default `localhost`.
    #[serde(default)]
    host: Option<At<Template>>,
    /// The port; default 5432 for PostgreSQL and 3306 for MySQL.
    #[serde(default)]
    port: Option<At<u16>>,
    /// The Unix socket, instead of a host. PostgreSQL also accepts the folder of the socket, such as `/run/postgresql`.
    #[serde(default)]
    socket: Option<At<PathBuf>>,
    /// The database; by default the server chooses one for the user.
    #[serde(default)]
    database: Option<At<Template>>,
    /// The user name. Prefer a user who can read only the tables of the statements.
    user: At<Template>,
    /// The password; prefer `${VARIABLE}`. It may contain any character without escaping.
    #[serde(default)]
    password: Option<At<HiddenTemplate>>,
    /// A file with the password. It is read for each connection, so that it can change.
    #[serde(default)]
    password_file: Option<At<PathBuf>>,
    /// TLS: CA certificates and client certificate, or `false` to disable it. By default TLS is on and the server is
    /// verified, except on a socket, `localhost` or a loopback address.
    #[serde(default)]
    tls: Option<At<TlsChoice>>,
}

/// TLS or plain text.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum TlsChoice {
    Without,
    With(TlsConfig),
}

/// A server with its address and login.
#[derive(Debug)]
pub(super) struct Server {
    pub(super) address: Address,
    pub(super) port: u16,
    pub(super) database: Option<String>,
    pub(super) login: Login,
    /// `None` without TLS.
    pub(super) tls: Option<Arc<Tls>>,
    /// The address for messages, without the values of variables, which may be secret.
    pub(super) shown: String,
}

/// The address of a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Address {
    Host(String),
    Socket(PathBuf),
}

impl ServerConfig {
    pub(super) fn check(&self, faults: &mut Vec<Fault>) {
        let tls = self.tls.as_ref();
        if let Some(socket) = &self.socket {
            if self.host.is_some() {
                faults.push(Fault::at(
                    socket.place(),
                    "both `host` and `socket`; drop one of the two",
                ));
            }
            if let Some(tls) = tls.filter(|tls| ***tls != TlsChoice::Without) {
                faults.push(Fault::at(
                    tls.place(),
                    "a socket of this machine needs no TLS; drop `tls`",
                ));
            }
        }
        if let Some(TlsChoice::With(tls)) = tls.map(|tls| &**tls) {
            tls.check(faults);
        }
    }

    /// # Errors
    /// When a variable is not set, or a certificate cannot be loaded.
    pub(super) fn server(
        &self,
        port: u16,
        surroundings: Surroundings<'_>,
    ) -> Result<Server, Fault> {
        let Surroundings {
            folder, variable, ..
        } = surroundings;
        let resolve = |template: &At<Template>| template.resolved(variable);
        let port = self.port.as_deref().copied().unwrap_or(port);
        let written = self.host.as_ref().map(|host| host.to_string());
        let written = written.map(|host| surroundings.targeted(&host).into_owned());
        let (address, shown) = match &self.socket {
            Some(socket) => {
                let path = folder.join(&**socket);
                let shown = path.display().to_string();
                (Address::Socket(path), shown)
            }
            None => {
                let host = self.host.as_ref().map(resolve).transpose()?;
                let host = host.unwrap_or_else(|| "localhost".to_owned());
                let shown = format!("{}:{port}", written.unwrap_or_else(|| host.clone()));
                (Address::Host(host), shown)
            }
        };
        let login = LoginKeys {
            user: Some(&self.user),
            password: self.password.as_ref(),
            password_file: self.password_file.as_ref(),
        };
        let tls = self.tls(&address);
        Ok(Server {
            port,
            database: self.database.as_ref().map(resolve).transpose()?,
            login: login.resolve(folder, variable)?,
            tls: tls
                .map(|tls| Tls::new(&tls, folder).map(Arc::new))
                .transpose()?,
            address,
            shown,
        })
    }

    /// Returns the TLS keys, or `None` without TLS.
    fn tls(&self, address: &Address) -> Option<TlsConfig> {
        match (self.tls.as_deref(), address) {
            (Some(TlsChoice::With(tls)), _) => Some(tls.clone()),
            (Some(TlsChoice::Without), _) | (None, Address::Socket(_)) => None,
            (None, Address::Host(host)) => {
                let local =
                    host == "localhost" || host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback());
                (!local).then(TlsConfig::default)
            }
        }
    }
}

impl Server {
    pub(super) fn user(&self) -> &str {
        self.login.user.as_ref().map_or("", Secret::reveal)
    }

    /// Returns the current password, if one is configured.
    pub(super) async fn password(&self, visit: &Visit) -> Result<Option<Secret>, Failure> {
        match &self.login.password {
            Some(password) => visit.secret(password).await.map(Some),
            None => Ok(None),
        }
    }
}

/// The remedy for wrong credentials.
pub(super) const CHECK_LOGIN: &str = "check `user` and `password`";

/// The failure of a login that the server answered with this failure.
pub(super) fn login_failure(server: &str, failure: Failure) -> Failure {
    if failure.reason == Reason::Login {
        return failures::login(server, failure.message, CHECK_LOGIN);
    }
    let message = format!("`{server}`: cannot connect: {}", failure.message);
    Failure::new(failure.reason, message)
}

/// An error with all its causes.
pub(super) fn explain(error: &dyn std::error::Error) -> String {
    let mut message = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_message = cause.to_string();
        // Some messages contain their cause already.
        if !message.contains(&cause_message) {
            message.push_str(": ");
            message.push_str(&cause_message);
        }
        source = cause.source();
    }
    message
}

impl<'de> Deserialize<'de> for TlsChoice {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TlsChoiceVisitor)
    }
}

struct TlsChoiceVisitor;

impl<'de> de::Visitor<'de> for TlsChoiceVisitor {
    type Value = TlsChoice;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a map such as `{ca_file: ca.pem}`, or `false`")
    }

    fn visit_bool<E: de::Error>(self, on: bool) -> Result<Self::Value, E> {
        Ok(if on {
            TlsChoice::With(TlsConfig::default())
        } else {
            TlsChoice::Without
        })
    }

    fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        TlsConfig::deserialize(MapAccessDeserializer::new(map)).map(TlsChoice::With)
    }
}

impl JsonSchema for TlsChoice {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "TlsChoice".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let tls = generator.subschema_for::<TlsConfig>();
        json_schema!({ "anyOf": [{ "type": "boolean" }, tls] })
    }
}
