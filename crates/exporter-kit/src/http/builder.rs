//! How a server is described before it runs.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use super::error::ServeError;
use super::gate::Gate;
use super::handler::MetricsHandler;
use super::landing::Landing;
use super::listen::{self, IntoListener, ListenAddress};
use super::server::{self, Server};
use super::site::Site;
use crate::registry::Registry;

const DEFAULT_METRICS_PATH: &str = "/metrics";

/// Describes a server; made by [`Server::builder`].
///
/// What is wrong with an option is said when the server is bound, so that calls can be chained.
///
/// ```
/// use exporter_kit::{Registry, Server};
///
/// let registry = Registry::new();
/// let server = Server::builder(&registry).listen("127.0.0.1:0").metrics_path("/stats").title("Shop").start()?;
/// assert!(server.urls()[0].ends_with("/stats"));
///
/// let error = Server::builder(&registry).listen("127.0.0.1:0").metrics_path("stats").start().unwrap_err();
/// assert!(error.to_string().starts_with("`stats` is no path for metrics"));
/// # Ok::<(), exporter_kit::ServeError>(())
/// ```
#[derive(Debug)]
#[must_use = "a builder does nothing until it is started or run"]
pub struct ServerBuilder {
    registry: Registry,
    addresses: Vec<ListenAddress>,
    listeners: Vec<TcpListener>,
    metrics_path: String,
    landing: Landing,
    pub(crate) gate: Option<Arc<dyn Gate>>,
    /// The first option that was wrong.
    pub(crate) error: Option<ServeError>,
}

impl ServerBuilder {
    pub(crate) fn new(registry: &Registry) -> Self {
        Self {
            registry: registry.clone(),
            addresses: Vec::new(),
            listeners: Vec::new(),
            metrics_path: DEFAULT_METRICS_PATH.to_owned(),
            landing: Landing::default(),
            gate: None,
            error: None,
        }
    }

    /// Listens on this address too: `":8000"`, `([0, 0, 0, 0], 8000)`, a `SocketAddr`, a port.
    pub fn listen(mut self, address: impl TryInto<ListenAddress, Error: Into<ServeError>>) -> Self {
        match address.try_into() {
            Ok(address) => self.addresses.push(address),
            Err(error) => {
                self.error.get_or_insert(error.into());
            }
        }
        self
    }

    /// Takes over a listener that is already bound: the standard library's or tokio's.
    pub fn listener(mut self, listener: impl IntoListener) -> Self {
        match listener.into_listener() {
            Ok(listener) => self.listeners.push(listener),
            Err(error) => {
                self.error.get_or_insert(ServeError::Listener(error));
            }
        }
        self
    }

    /// The path of the metrics, `/metrics` unless said otherwise. With `/` there is no page that links to it.
    pub fn metrics_path(mut self, path: impl Into<String>) -> Self {
        self.metrics_path = path.into();
        self
    }

    /// The title of the page at `/`.
    pub fn title(mut self, title: impl Into<String>) -> Self {
        self.landing.title = Some(title.into());
        self
    }

    /// A sentence about the exporter, for the page at `/`.
    pub fn description(mut self, description: impl Into<String>) -> Self {
        self.landing.description = Some(description.into());
        self
    }

    /// The program's version, for the page at `/`.
    pub fn version(mut self, version: impl Into<String>) -> Self {
        self.landing.version = Some(version.into());
        self
    }

    /// Binds every address. Clients may connect from now on, and are answered once the server runs.
    ///
    /// Looking up a host's name may block; do this before the asynchronous part of a program.
    ///
    /// # Errors
    /// When an option is wrong, or an address can't be had.
    pub fn bind(self) -> Result<BoundServer, ServeError> {
        if let Some(error) = self.error {
            return Err(error);
        }
        if !is_path(&self.metrics_path) {
            return Err(ServeError::MetricsPath(self.metrics_path.into()));
        }
        let mut listeners = listen::bind(&self.addresses)?;
        listeners.extend(self.listeners);
        if listeners.is_empty() {
            return Err(ServeError::NoAddress);
        }
        for listener in &listeners {
            listener
                .set_nonblocking(true)
                .map_err(ServeError::Listener)?;
        }
        let addresses = listen::local_addresses(&listeners)?;
        let scheme = match &self.gate {
            Some(gate) if gate.is_encrypted() => "https",
            _ => "http",
        };
        if let Some(gate) = &self.gate {
            // Refused where the registry is served by another server that has one, which then speaks for both.
            let _ = self.registry.register(gate.metrics());
        }
        let mut site = Site::new(
            self.metrics_path.clone(),
            MetricsHandler::new(&self.registry),
            &self.landing,
        );
        site.gate = self.gate;
        Ok(BoundServer {
            urls: listen::urls(scheme, &addresses, &self.metrics_path),
            addresses,
            listeners,
            site,
        })
    }

    /// Binds, and serves on a thread of its own until the [`Server`] is shut down or dropped.
    ///
    /// # Errors
    /// When an option is wrong, an address can't be had, or no thread can be started.
    pub fn start(self) -> Result<Server, ServeError> {
        self.bind()?.start()
    }

    /// Binds, and serves in the caller's tokio runtime until `shutdown` resolves; see [`BoundServer::run`].
    ///
    /// # Errors
    /// When an option is wrong, or an address can't be had.
    pub async fn run(self, shutdown: impl Future<Output = ()>) -> Result<(), ServeError> {
        self.bind()?.run(shutdown).await
    }
}

fn is_path(text: &str) -> bool {
    text.starts_with('/')
        && text
            .parse::<http::uri::PathAndQuery>()
            // A `#` and what follows it is dropped in silence, a `?` begins a query.
            .is_ok_and(|path| path.path() == text)
}

/// A server that has its addresses and does not answer yet.
///
/// ```
/// use exporter_kit::{Registry, Server};
///
/// let bound = Server::builder(&Registry::new()).listen("127.0.0.1:0").bind()?;
/// assert_ne!(bound.local_addresses()[0].port(), 0);
/// # let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
/// # runtime.block_on(async {
/// // In a runtime of your own, until the future resolves: here at once.
/// bound.run(async {}).await?;
/// # Ok::<(), exporter_kit::ServeError>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
#[must_use = "a bound server does nothing until it is started or run"]
pub struct BoundServer {
    pub(crate) listeners: Vec<TcpListener>,
    pub(crate) addresses: Vec<SocketAddr>,
    pub(crate) urls: Vec<String>,
    pub(crate) site: Site,
}

impl BoundServer {
    /// The addresses that the server listens on.
    pub fn local_addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Where the metrics are, for a browser: `http://localhost:8000/metrics`.
    pub fn urls(&self) -> &[String] {
        &self.urls
    }

    /// Serves on a thread of its own until the [`Server`] is shut down or dropped.
    ///
    /// # Errors
    /// When no thread can be started.
    pub fn start(self) -> Result<Server, ServeError> {
        server::start(self)
    }

    /// Serves in the caller's tokio runtime, which has input, output and time enabled, until `shutdown`
    /// resolves. Requests that are being answered then have 800 ms to finish; the ports are free at return.
    ///
    /// # Errors
    /// When the runtime can't take the listeners.
    pub async fn run(self, shutdown: impl Future<Output = ()>) -> Result<(), ServeError> {
        server::run(self.listeners, self.site, shutdown).await
    }
}

#[cfg(test)]
mod tests {
    use super::is_path;

    #[test]
    fn paths() {
        for path in ["/", "/metrics", "/a/b.c", "/a%20b"] {
            assert!(is_path(path), "{path}");
        }
        for path in ["", "metrics", "/a?b", "/a#b", "/a b", "*", "http://a/b"] {
            assert!(!is_path(path), "{path}");
        }
    }
}
