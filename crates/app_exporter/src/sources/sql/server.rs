//! The address and login of a database server.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;

use exporter_kit::source::SourceErrorReason as Reason;
use glob::Pattern;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::MapAccessDeserializer;
use serde::{Deserialize, Deserializer, de};

use crate::config::login::{Login, LoginKeys, Secret};
use crate::config::{At, Fault, HiddenTemplate, Template};
use crate::decode::Failure;
use crate::sources::failures;
use crate::sources::host;
use crate::sources::lookups::Lookups;
use crate::sources::origin::Surroundings;
use crate::sources::tls::{Checks, Tls, TlsConfig, unverified};
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
    /// Databases of the server, in which `*` stands for any text, such as `["*"]` or `[shop, "tenant_*"]`. Each fetch looks
    /// for them and runs every statement in each; the rows have the column `database`. Templates and databases of the
    /// server itself are left out.
    #[serde(default)]
    databases: Option<At<Vec<At<String>>>>,
    /// The user name. Prefer a user who can read only the tables of the statements.
    user: At<Template>,
    /// The password; prefer `${VARIABLE}`. It may contain any character without escaping.
    #[serde(default)]
    password: Option<At<HiddenTemplate>>,
    /// A file with the password. It is read for each connection, so that it can change.
    #[serde(default)]
    password_file: Option<At<Template>>,
    /// TLS: how to verify the server, and a client certificate; or `false` to disable it. By default TLS is on and the
    /// server is verified, except on a socket, `localhost` or a loopback address.
    #[serde(default)]
    tls: Option<At<TlsChoice>>,
    /// TLS in the words of `psql`, instead of `tls: false` or beside the keys of `tls`.
    #[serde(default)]
    sslmode: Option<At<SslMode>>,
}

/// TLS in the words of `psql`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum SslMode {
    /// No TLS, as `tls: false`.
    Disable,
    /// TLS if the server supports it. The server is not verified, which each start warns about.
    Prefer,
    /// TLS. With `ca_file` as `verify-ca`; without it, the server is not verified, which each start warns about.
    Require,
    /// TLS, and the issuer of the certificate is verified, but not its name.
    VerifyCa,
    /// TLS, and issuer and name are verified, as `tls: {}`.
    VerifyFull,
}

/// TLS or plain text.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum TlsChoice {
    Without,
    With(Box<TlsConfig>),
}

/// A server with its address and login.
#[derive(Debug)]
pub(super) struct Server {
    pub(super) address: DatabaseAddress,
    pub(super) port: u16,
    pub(super) database: Option<String>,
    /// The patterns of the databases to look for.
    pub(super) databases: Option<Vec<Pattern>>,
    pub(super) login: Login,
    /// `None` without TLS.
    pub(super) tls: Option<Arc<Tls>>,
    /// True to go on without TLS if the server does not support it.
    pub(super) may_be_plain: bool,
    /// The address for messages, without the values of variables, which may be secret.
    pub(super) shown: String,
    pub(super) lookups: Lookups,
}

/// The address of a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum DatabaseAddress {
    Host(String),
    Socket(PathBuf),
}

impl ServerConfig {
    pub(super) fn check(&self, faults: &mut Vec<Fault>) {
        if let Some(databases) = &self.databases {
            check_patterns(databases, faults);
        }
        if let Some(host) = &self.host
            && let Some(Err(message)) = host.literal().map(host::check)
        {
            faults.push(Fault::at(host.place(), message));
        }
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
        if let Some(mode) = &self.sslmode {
            self.check_mode(mode, faults);
        }
    }

    fn check_mode(&self, mode: &At<SslMode>, faults: &mut Vec<Fault>) {
        let mut exclude = |other: &str| {
            faults.push(Fault::at(
                mode.place(),
                format!(
                    "`sslmode: {mode}` and `{other}` exclude each other; remove one of the two",
                    mode = **mode
                ),
            ));
        };
        match (**mode, self.tls.as_deref()) {
            (SslMode::Disable, Some(TlsChoice::With(_))) => exclude("tls"),
            (SslMode::Disable, _) => (),
            _ if self.socket.is_some() => exclude("socket"),
            (_, Some(TlsChoice::Without)) => exclude("tls: false"),
            (SslMode::Prefer, Some(TlsChoice::With(tls))) => {
                if let Some(key) = tls.verifies_with() {
                    exclude(key);
                }
            }
            (SslMode::VerifyCa | SslMode::VerifyFull, Some(TlsChoice::With(tls)))
                if tls.skips_verification() =>
            {
                exclude("insecure_skip_verify");
            }
            _ => (),
        }
    }

    /// The warning of each start, if the server is not verified.
    pub(super) fn warning(&self) -> Option<String> {
        let keys = match self.tls.as_deref() {
            Some(TlsChoice::With(tls)) => tls.warning(),
            _ => None,
        };
        keys.or_else(|| {
            let mode = self.sslmode.as_deref()?;
            let is_blind = *mode != SslMode::Disable && !self.checks().issuer;
            is_blind.then(|| unverified(&format!("sslmode: {mode}")))
        })
    }

    fn checks(&self) -> Checks {
        let verifies = match self.tls.as_deref() {
            Some(TlsChoice::With(tls)) => tls.verifies_with().is_some(),
            _ => false,
        };
        let (issuer, name) = match self.sslmode.as_deref() {
            Some(SslMode::Require) => (verifies, false),
            Some(SslMode::Prefer) => (false, false),
            Some(SslMode::VerifyCa) => (true, false),
            Some(SslMode::VerifyFull | SslMode::Disable) | None => (true, true),
        };
        Checks { issuer, name }
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
                (DatabaseAddress::Socket(path), shown)
            }
            None => {
                let host = self.host.as_ref().map(|written| {
                    let host = resolve(written)?;
                    let checked = host::check(&host);
                    checked.map_err(|message| Fault::at(written.place(), message))?;
                    Ok::<_, Fault>(host)
                });
                let host = host.transpose()?;
                let host = host.unwrap_or_else(|| "localhost".to_owned());
                let shown = format!("{}:{port}", written.unwrap_or_else(|| host.clone()));
                (DatabaseAddress::Host(host), shown)
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
            databases: self.databases.as_ref().map(|patterns| {
                let patterns = patterns.iter();
                patterns.filter_map(|it| Pattern::new(it).ok()).collect()
            }),
            login: login.resolve(folder, variable)?,
            tls: tls
                .map(|tls| Tls::new(&tls, self.checks(), folder).map(Arc::new))
                .transpose()?,
            may_be_plain: self.sslmode.as_deref() == Some(&SslMode::Prefer),
            address,
            shown,
            lookups: surroundings.lookups.clone(),
        })
    }

    /// Returns the TLS keys, or `None` without TLS.
    fn tls(&self, address: &DatabaseAddress) -> Option<TlsConfig> {
        let mode = self.sslmode.as_deref();
        match (self.tls.as_deref(), address) {
            _ if mode == Some(&SslMode::Disable) => None,
            (Some(TlsChoice::With(tls)), _) => Some((**tls).clone()),
            (None, DatabaseAddress::Host(_)) if mode.is_some() => Some(TlsConfig::default()),
            (Some(TlsChoice::Without), _) | (None, DatabaseAddress::Socket(_)) => None,
            (None, DatabaseAddress::Host(host)) => {
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

fn check_patterns(databases: &At<Vec<At<String>>>, faults: &mut Vec<Fault>) {
    if databases.is_empty() {
        faults.push(Fault::at(
            databases.place(),
            "`databases` is empty; name one, or write `[\"*\"]` for all",
        ));
    }
    for pattern in databases.iter() {
        if let Err(error) = Pattern::new(pattern) {
            faults.push(Fault::at(
                pattern.place(),
                format!("invalid pattern `{}`: {}", pattern.as_str(), error.msg),
            ));
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

impl fmt::Display for SslMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Disable => "disable",
            Self::Prefer => "prefer",
            Self::Require => "require",
            Self::VerifyCa => "verify-ca",
            Self::VerifyFull => "verify-full",
        })
    }
}

impl<'de> Deserialize<'de> for TlsChoice {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TlsChoiceVisitor)
    }
}

struct TlsChoiceVisitor;

impl<'de> de::Visitor<'de> for TlsChoiceVisitor {
    type Value = TlsChoice;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map such as `{ca_file: ca.pem}`, or `false`")
    }

    fn visit_bool<E: de::Error>(self, on: bool) -> Result<Self::Value, E> {
        Ok(if on {
            TlsChoice::With(Box::default())
        } else {
            TlsChoice::Without
        })
    }

    fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        let tls = TlsConfig::deserialize(MapAccessDeserializer::new(map))?;
        Ok(TlsChoice::With(Box::new(tls)))
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
