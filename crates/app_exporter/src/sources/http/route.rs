//! The way to the server: direct, through a proxy, or through a Unix socket.

use std::fmt;
use std::path::{Path, PathBuf};

use reqwest::{ClientBuilder, NoProxy, Proxy, Url};

use crate::config::login::{Login, LoginKeys, Secret};
use crate::config::{At, Fault, Place, TargetString, Template};
use crate::decode::Failure;
use crate::sources::failures;
use crate::sources::http::address::check_host;
use crate::sources::http::error::describe;
use crate::sources::origin::Surroundings;
use crate::sources::visit::Visit;

/// The way to a server.
#[derive(Clone, Debug)]
pub(super) enum Route {
    Direct,
    /// The variables `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY`.
    Environment,
    Proxy(Box<ProxyServer>),
    Socket(PathBuf),
}

/// A proxy.
#[derive(Clone, Debug)]
pub(super) struct ProxyServer {
    url: Url,
    /// The address for messages, without the values of variables.
    shown: String,
    /// Hosts that are reached without it.
    except: Option<String>,
    login: Option<Login>,
}

/// The keys of a route.
#[derive(Clone, Copy)]
pub(super) struct RouteKeys<'c> {
    pub(super) socket: Option<&'c At<TargetString>>,
    pub(super) proxy_url: Option<&'c At<Template>>,
    pub(super) proxy_basic: Option<LoginKeys<'c>>,
    pub(super) proxy_basic_place: Option<Place>,
    pub(super) no_proxy: Option<&'c At<String>>,
    pub(super) proxy_from_environment: Option<&'c At<bool>>,
}

impl Route {
    /// # Errors
    /// When a variable is not set, or the address of the proxy is invalid.
    pub(super) fn new(keys: RouteKeys<'_>, surroundings: Surroundings<'_>) -> Result<Self, Fault> {
        let Surroundings {
            folder, variable, ..
        } = surroundings;
        if let Some(socket) = keys.socket {
            let path = surroundings.targeted(socket.as_str());
            return Ok(Self::Socket(folder.join(&*path)));
        }
        if keys.uses_environment() {
            return Ok(Self::Environment);
        }
        let Some(written) = keys.proxy_url else {
            return Ok(Self::Direct);
        };
        let url = proxy_address(&written.resolved(variable)?)
            .map_err(|message| Fault::at(written.place(), message))?;
        let login = keys.proxy_basic;
        let login = login.map(|basic| basic.resolve(folder, variable));
        Ok(Self::Proxy(Box::new(ProxyServer {
            url,
            shown: written.to_string(),
            except: keys.no_proxy.map(|hosts| hosts.to_string()),
            login: login.transpose()?,
        })))
    }

    /// The way to another server than that of the source.
    pub(super) fn elsewhere(&self) -> Self {
        match self {
            Self::Socket(_) => Self::Direct,
            other => other.clone(),
        }
    }

    /// True if every request goes to one server, whatever its address says.
    pub(super) fn is_socket(&self) -> bool {
        matches!(self, Self::Socket(_))
    }

    /// The current password for the proxy.
    pub(super) async fn password(&self, visit: &Visit) -> Result<Option<Secret>, Failure> {
        match self {
            Self::Proxy(proxy) => match proxy.login.as_ref().and_then(|it| it.password.as_ref()) {
                Some(password) => visit.secret(password).await.map(Some),
                None => Ok(None),
            },
            _ => Ok(None),
        }
    }

    /// Makes a client go this way.
    ///
    /// # Errors
    /// When it cannot.
    pub(super) fn apply(
        &self,
        client: ClientBuilder,
        password: Option<&Secret>,
    ) -> Result<ClientBuilder, Failure> {
        match self {
            Self::Direct => Ok(client.no_proxy()),
            Self::Environment => Ok(client),
            Self::Proxy(server) => {
                let proxy = Proxy::all(server.url.clone());
                let mut proxy = proxy.map_err(|error| Failure::connect(describe(error)))?;
                if let Some(login) = &server.login {
                    let user = login.user.as_ref().map_or("", Secret::reveal);
                    proxy = proxy.basic_auth(user, password.map_or("", Secret::reveal));
                }
                let except = server.except.as_deref().and_then(NoProxy::from_string);
                // A proxy that is set leaves out those of the environment.
                Ok(client.proxy(proxy.no_proxy(except)))
            }
            Self::Socket(path) => through_socket(client.no_proxy(), path),
        }
    }

    /// The failure to connect to `shown`.
    pub(super) fn failure(&self, shown: &str, cause: &str) -> Failure {
        if cause.contains("proxy authorization required") {
            let cause = "the proxy requires a login";
            return failures::login(shown, cause, "check `proxy_basic`");
        }
        let by: &dyn fmt::Display = match self {
            Self::Proxy(proxy) => &format_args!("through the proxy `{}`: ", proxy.shown),
            Self::Environment => &"directly or through a proxy of the environment: ",
            Self::Socket(path) => &format_args!("at the socket `{}`: ", path.display()),
            Self::Direct => &"",
        };
        failures::connect(shown, format_args!("{by}{cause}"))
    }
}

#[cfg(unix)]
#[allow(clippy::unnecessary_wraps, reason = "other systems cannot")]
fn through_socket(client: ClientBuilder, path: &Path) -> Result<ClientBuilder, Failure> {
    Ok(client.unix_socket(path))
}

#[cfg(not(unix))]
fn through_socket(_: ClientBuilder, _: &Path) -> Result<ClientBuilder, Failure> {
    Err(Failure::connect(
        "cannot connect: this system has no Unix sockets; remove `socket`",
    ))
}

impl RouteKeys<'_> {
    fn uses_environment(&self) -> bool {
        self.proxy_from_environment.is_some_and(|on| **on)
    }

    /// Finds keys that exclude or need each other.
    pub(super) fn check(&self, faults: &mut Vec<Fault>) {
        let socket = self.socket.map(At::place);
        let proxy = self.proxy_url.map(At::place);
        let environment = self.proxy_from_environment.filter(|on| ***on);
        let environment = environment.map(At::place);
        for ((a, first), (b, second)) in [
            (("socket", socket), ("proxy_url", proxy)),
            (("socket", socket), ("proxy_from_environment", environment)),
            (
                ("proxy_url", proxy),
                ("proxy_from_environment", environment),
            ),
        ] {
            if let (Some(_), Some(place)) = (first, second) {
                faults.push(Fault::at(
                    place,
                    format!("both `{a}` and `{b}`; drop one of the two"),
                ));
            }
        }
        for (key, place) in [
            ("no_proxy", self.no_proxy.map(At::place)),
            ("proxy_basic", self.proxy_basic_place),
        ] {
            if let (Some(place), None) = (place, proxy) {
                faults.push(Fault::at(
                    place,
                    format!("`{key}` without `proxy_url`; add `proxy_url`, or drop `{key}`"),
                ));
            }
        }
        if let Some(basic) = &self.proxy_basic {
            basic.check(faults);
        }
        if let Some(written) = self.proxy_url
            && let Some(Err(message)) = written.literal().map(proxy_address)
        {
            faults.push(Fault::at(written.place(), message));
        }
    }
}

/// Parses the address of a proxy.
///
/// # Errors
/// When it is invalid. The message does not repeat it, as it may have secrets.
fn proxy_address(text: &str) -> Result<Url, String> {
    const AS: &str = "write it as in `http://proxy.example:3128`";
    // Of `proxy:3128`, `proxy` would be the scheme.
    if !text.contains("://") {
        return Err(format!("the address has no scheme; {AS}"));
    }
    let url = Url::parse(text).map_err(|error| format!("invalid address: {error}; {AS}"))?;
    if !matches!(url.scheme(), "http" | "https" | "socks5" | "socks5h") {
        return Err(format!(
            "unsupported scheme `{}`; write `http`, `https`, `socks5` or `socks5h`",
            url.scheme()
        ));
    }
    if url.host_str().is_none_or(str::is_empty) {
        return Err(format!("the address has no host; {AS}"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(
            "the address has a user or password; write them under `proxy_basic`".to_owned(),
        );
    }
    check_host(&url, text)?;
    Ok(url)
}
