//! How a server is described before it runs.

use std::error::Error;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use crate::page::Landing;
use crate::registry::Registry;
use crate::scrape::handler::MetricsHandler;
use crate::server::address::ListenAddress;
use crate::server::error::ServeError;
use crate::server::gate::Gate;
use crate::server::lifecycle::{Lifecycle, Readiness};
use crate::server::listen;
use crate::server::listener::{IntoListener, Listener};
use crate::server::mounts::{Mount, Mounts};
use crate::server::path::{self, ExternalUrl, RoutePrefix};
use crate::server::reload::{Program, Reloader};
use crate::server::routes::Routes;
use crate::server::self_metrics;
use crate::server::server::{self, Server};
use crate::server::site::Site;
use crate::server::supervisor::Supervisor;

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
    pub(crate) listeners: Vec<Listener>,
    metrics_path: String,
    route_prefix: Option<RoutePrefix>,
    external_url: Option<ExternalUrl>,
    landing: Landing,
    lifecycle: Lifecycle,
    reload_by_request: bool,
    reload: Option<Program>,
    pub(crate) supervisor: Option<Arc<dyn Supervisor>>,
    pub(super) metrics: MetricsHandler,
    pub(super) self_metrics: bool,
    pub(super) mounts: Vec<Mount>,
    pub(crate) gate: Option<Arc<dyn Gate>>,
    /// The first option that was wrong.
    pub(crate) error: Option<ServeError>,
}

impl ServerBuilder {
    pub(crate) fn new(registry: &Registry) -> Self {
        Self {
            registry: registry.clone(),
            metrics: MetricsHandler::new(registry),
            self_metrics: true,
            mounts: Vec::new(),
            addresses: Vec::new(),
            listeners: Vec::new(),
            metrics_path: DEFAULT_METRICS_PATH.to_owned(),
            route_prefix: None,
            external_url: None,
            landing: Landing::default(),
            lifecycle: Lifecycle::default(),
            reload_by_request: false,
            reload: None,
            supervisor: None,
            gate: None,
            error: None,
        }
    }

    /// Listens on this address too: `":8000"`, `([0, 0, 0, 0], 8000)`, a `SocketAddr`, a port,
    /// `"unix:/run/shop.sock"`.
    pub fn listen(mut self, address: impl TryInto<ListenAddress, Error: Into<ServeError>>) -> Self {
        match address.try_into() {
            Ok(address) => self.addresses.push(address),
            Err(error) => {
                self.error.get_or_insert(error.into());
            }
        }
        self
    }

    /// Takes over a listener that is already bound: the standard library's or tokio's, of TCP or a Unix socket.
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

    /// The path that all paths are below, the metrics' among them: `/shop` makes `/metrics` `/shop/metrics`.
    ///
    /// For a proxy that passes paths on as they are. Unless said, it is the path of the external URL. `/` is sent
    /// on to the page below the prefix; other paths outside it are not found.
    pub fn route_prefix(
        mut self,
        prefix: impl TryInto<RoutePrefix, Error: Into<ServeError>>,
    ) -> Self {
        match prefix.try_into() {
            Ok(prefix) => self.route_prefix = Some(prefix),
            Err(error) => {
                self.error.get_or_insert(error.into());
            }
        }
        self
    }

    /// Where browsers reach the server, if a proxy is between: `https://example.org/shop`, or only `/shop`. The
    /// page's links begin with its path.
    pub fn external_url(mut self, url: impl TryInto<ExternalUrl, Error: Into<ServeError>>) -> Self {
        match url.try_into() {
            Ok(url) => self.external_url = Some(url),
            Err(error) => {
                self.error.get_or_insert(error.into());
            }
        }
        self
    }

    /// Lets requests reload the program, by POST or PUT to `/-/reload`; they get 403 unless this is `true`.
    pub fn enable_lifecycle(mut self, enable: bool) -> Self {
        self.reload_by_request = enable;
        self
    }

    /// What the program does to read its configuration anew: all or nothing, and an error says why not.
    ///
    /// Called by `/-/reload` and [`Reloader::reload`], one call at a time, on a thread that may block; it must not
    /// reload by itself. The metrics `{name}_config_last_reload_successful` and
    /// `{name}_config_last_reload_success_timestamp_seconds` tell of it, where `name` is the program's.
    ///
    /// ```
    /// use exporter_kit::{Registry, Server};
    ///
    /// let registry = Registry::new();
    /// let server = Server::builder(&registry)
    ///     .listen("127.0.0.1:0")
    ///     .on_reload("shop", || Err("prices.yml: line 3: unknown key `prise`"))
    ///     .start()?;
    /// // What a signal handler does; with `enable_lifecycle(true)` so does `curl -X POST …/-/reload`.
    /// assert!(server.reloader().reload().is_err());
    /// assert!(registry.to_text().contains("\nshop_config_last_reload_successful 0.0\n"));
    /// # Ok::<(), exporter_kit::ServeError>(())
    /// ```
    pub fn on_reload<E: Into<Box<dyn Error + Send + Sync>>>(
        mut self,
        name: &str,
        reload: impl Fn() -> Result<(), E> + Send + Sync + 'static,
    ) -> Self {
        match Program::new(&self.registry, name, reload) {
            Ok(program) => self.reload = Some(program),
            Err(error) => {
                self.error.get_or_insert(ServeError::Register(error));
            }
        }
        self
    }

    /// Makes `/-/ready`, and a service manager that waits, wait until the program says that it is ready.
    pub fn readiness(mut self, readiness: &Readiness) -> Self {
        self.lifecycle = Lifecycle::new(readiness.clone());
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
        if path::check(&self.metrics_path).is_err() {
            return Err(ServeError::MetricsPath(self.metrics_path.into()));
        }
        let mounts = Mounts::new(self.mounts, &self.metrics_path)?;
        let mut listeners = listen::bind(&self.addresses)?;
        listeners.extend(self.listeners);
        if listeners.is_empty() {
            return Err(ServeError::NoAddress);
        }
        let mut addresses = Vec::new();
        let mut sockets = Vec::new();
        for listener in &listeners {
            listener.set_nonblocking().map_err(ServeError::Listener)?;
            addresses.extend(listener.local_address().map_err(ServeError::Listener)?);
            sockets.extend(listener.socket_path().map_err(ServeError::Listener)?);
        }
        let external = self.external_url.map(|url| url.path().clone());
        let routes = Routes::new(self.route_prefix, external, &self.metrics_path);
        let scheme = match &self.gate {
            Some(gate) if gate.is_encrypted() => "https",
            _ => "http",
        };
        let urls = listen::urls(scheme, &addresses, routes.metrics());
        let reloader = Reloader::new(self.reload, self.supervisor.clone());
        let (metrics, self_metrics) = self_metrics::attach(self.metrics, self.self_metrics);
        let mut landing = self.landing;
        landing.tls = scheme == "https";
        landing.pages = mounts.links();
        let mut site = Site::new(routes, metrics, &landing);
        if let (Some(metrics), Some(gate)) = (&self_metrics, &self.gate) {
            metrics.show(gate.metrics());
        }
        site.mounts = mounts;
        site.gate = self.gate;
        site.self_metrics = self_metrics;
        site.lifecycle = self.lifecycle;
        site.reloader = self.reload_by_request.then(|| reloader.clone());
        Ok(BoundServer {
            urls,
            addresses,
            sockets,
            listeners,
            site,
            reloader,
            supervisor: self.supervisor,
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
    pub(crate) listeners: Vec<Listener>,
    pub(crate) addresses: Vec<SocketAddr>,
    pub(crate) sockets: Vec<PathBuf>,
    pub(crate) urls: Vec<String>,
    pub(crate) site: Site,
    pub(crate) reloader: Reloader,
    pub(crate) supervisor: Option<Arc<dyn Supervisor>>,
}

impl BoundServer {
    /// The TCP addresses that the server listens on.
    pub fn local_addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// The files of the Unix sockets that the server listens on.
    pub fn socket_paths(&self) -> &[PathBuf] {
        &self.sockets
    }

    /// Where the metrics are, for a browser: `http://localhost:8000/metrics`.
    pub fn urls(&self) -> &[String] {
        &self.urls
    }

    /// What reloads the program's configuration; see [`ServerBuilder::on_reload`].
    pub fn reloader(&self) -> Reloader {
        self.reloader.clone()
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
        server::run(self, shutdown).await
    }
}
