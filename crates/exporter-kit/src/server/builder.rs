//! The description of a server, before it is bound.

use std::error::Error;
use std::sync::Arc;

use crate::page::{Landing, Page};
use crate::scrape::MetricsHandler;
use crate::server::address::ListenAddress;
use crate::server::binding::Binding;
use crate::server::bound::BoundServer;
use crate::server::endpoints::{Endpoint, Endpoints};
use crate::server::error::ServeError;
use crate::server::handle::Server;
use crate::server::lifecycle::{Lifecycle, Readiness};
use crate::server::listener::IntoListener;
use crate::server::option::{ServerOption, ServerParts};
use crate::server::path::{self, ExternalUrl, RoutePrefix};
use crate::server::probe::{ProbeQuery, ProbeRefusal};
use crate::server::reload::{ReloadHook, Reloader};
use crate::server::router::{ReloadByRequest, Router};
use crate::server::routes::Routes;
use crate::server::self_metrics::SelfMetrics;
use crate::server::service::Service;

const DEFAULT_METRICS_PATH: &str = "/metrics";

impl Server {
    /// Describes a server, of a registry or of a [`MetricsHandler`] with options.
    ///
    /// ```
    /// use std::time::Duration;
    /// use exporter_kit::scrape::MetricsHandler;
    /// use exporter_kit::{Registry, Server};
    ///
    /// let registry = Registry::new();
    /// let metrics = MetricsHandler::new(&registry).max_requests(4).default_timeout(Some(Duration::from_secs(5)));
    /// let server = Server::builder(metrics).listen("127.0.0.1:0").start()?;
    /// # Ok::<(), exporter_kit::ServeError>(())
    /// ```
    pub fn builder(metrics: impl Into<MetricsHandler>) -> ServerBuilder {
        ServerBuilder {
            metrics: metrics.into(),
            addresses: Vec::new(),
            metrics_path: DEFAULT_METRICS_PATH.to_owned(),
            route_prefix: None,
            external_url: None,
            landing: Landing::default(),
            endpoints: Vec::new(),
            lifecycle: Lifecycle::default(),
            reload: None,
            reload_by_request: false,
            lifecycle_hint: None,
            self_metrics: true,
            parts: ServerParts::default(),
            error: None,
        }
    }
}

/// The description of a server; made by [`Server::builder`].
///
/// A wrong option is reported when the server is bound, so that calls can be chained.
///
/// ```
/// use exporter_kit::{Registry, Server};
///
/// let registry = Registry::new();
/// let server = Server::builder(&registry).listen("127.0.0.1:0").metrics_path("/stats").title("Shop").start()?;
/// assert!(server.urls()[0].ends_with("/stats"));
///
/// let error = Server::builder(&registry).listen("127.0.0.1:0").metrics_path("stats").start().unwrap_err();
/// assert!(error.to_string().starts_with("cannot serve the metrics at `stats`: "));
/// # Ok::<(), exporter_kit::ServeError>(())
/// ```
#[derive(Debug)]
#[must_use = "a builder does nothing until it is started or run"]
pub struct ServerBuilder {
    metrics: MetricsHandler,
    addresses: Vec<ListenAddress>,
    metrics_path: String,
    route_prefix: Option<RoutePrefix>,
    external_url: Option<ExternalUrl>,
    landing: Landing,
    endpoints: Vec<Endpoint>,
    lifecycle: Lifecycle,
    reload: Option<ReloadHook>,
    reload_by_request: bool,
    lifecycle_hint: Option<String>,
    self_metrics: bool,
    parts: ServerParts,
    /// The first wrong option.
    error: Option<ServeError>,
}

impl ServerBuilder {
    /// Listens on an address, in addition to others: `":8000"`, `([0, 0, 0, 0], 8000)`, a `SocketAddr`, a port,
    /// `"unix:/run/shop.sock"`.
    pub fn listen(mut self, address: impl TryInto<ListenAddress, Error: Into<ServeError>>) -> Self {
        let address = self.noted(address.try_into());
        self.addresses.extend(address);
        self
    }

    /// Takes over a listener that is bound already: TCP or Unix, of the standard library or of tokio.
    pub fn listener(mut self, listener: impl IntoListener) -> Self {
        let listener = self.noted(listener.into_listener().map_err(ServeError::Listener));
        self.parts.listeners.extend(listener);
        self
    }

    /// Adds an option of [`toolkit`](crate::toolkit): a web configuration file, the sockets of systemd, notifications
    /// to systemd.
    pub fn with(mut self, option: impl ServerOption) -> Self {
        let applied = option.apply(&mut self.parts);
        self.noted(applied);
        self
    }

    /// Sets the path of the metrics, `/metrics` by default. With `/`, the metrics replace the page that links to them.
    pub fn metrics_path(mut self, path: impl Into<String>) -> Self {
        self.metrics_path = path.into();
        self
    }

    /// Sets the prefix of all paths: `/shop` turns `/metrics` into `/shop/metrics`.
    ///
    /// For a proxy that forwards paths unchanged. By default it is the path of the external URL. `/` redirects to the
    /// page below the prefix; other paths outside it are not found.
    pub fn route_prefix(
        mut self,
        prefix: impl TryInto<RoutePrefix, Error: Into<ServeError>>,
    ) -> Self {
        if let Some(prefix) = self.noted(prefix.try_into()) {
            self.route_prefix = Some(prefix);
        }
        self
    }

    /// Sets the URL at which browsers reach the server through a proxy: `https://example.org/shop`, or only `/shop`.
    /// The links of the page begin with its path.
    pub fn external_url(mut self, url: impl TryInto<ExternalUrl, Error: Into<ServeError>>) -> Self {
        if let Some(url) = self.noted(url.try_into()) {
            self.external_url = Some(url);
        }
        self
    }

    /// Allows reloads by request: POST or PUT to `/-/reload`. By default such requests are answered with 403.
    pub fn enable_lifecycle(mut self, enable: bool) -> Self {
        self.reload_by_request = enable;
        self
    }

    /// Adds to the 403 of `/-/reload` how to enable reloads in this program, such as
    /// `start it with --web.enable-lifecycle`.
    pub fn lifecycle_hint(mut self, hint: impl Into<String>) -> Self {
        self.lifecycle_hint = Some(hint.into());
        self
    }

    /// Sets the function that reloads the configuration of the program: all or nothing, with an error that says why
    /// not.
    ///
    /// Called by `/-/reload` and [`Reloader::reload`], one call at a time, on a thread of its own, which may block. Requests
    /// during a call share the next one. It must not wait for a reload itself. The metrics `{name}_config_last_reload_successful` and
    /// `{name}_config_last_reload_success_timestamp_seconds` show the outcome, where `name` is the name of the program.
    ///
    /// ```
    /// use exporter_kit::{Registry, Server};
    ///
    /// let registry = Registry::new();
    /// let server = Server::builder(&registry)
    ///     .listen("127.0.0.1:0")
    ///     .on_reload("shop", || Err("prices.yml: line 3: unknown key `prise`"))
    ///     .start()?;
    /// // For a signal handler; with `enable_lifecycle(true)`, `curl -X POST …/-/reload` does the same.
    /// assert!(server.reloader().reload().is_err());
    /// assert!(registry.to_text().contains("\nshop_config_last_reload_successful 0.0\n"));
    /// # Ok::<(), exporter_kit::ServeError>(())
    /// ```
    pub fn on_reload<E: Into<Box<dyn Error + Send + Sync>>>(
        mut self,
        name: &str,
        reload: impl Fn() -> Result<(), E> + Send + Sync + 'static,
    ) -> Self {
        let hook = ReloadHook::new(self.metrics.registry(), name, reload);
        if let Some(hook) = self.noted(hook.map_err(ServeError::Register)) {
            self.reload = Some(hook);
        }
        self
    }

    /// Makes `/-/ready`, and the service manager, wait for the readiness of the program.
    pub fn readiness(mut self, readiness: &Readiness) -> Self {
        self.lifecycle = Lifecycle::new(readiness.clone());
        self
    }

    /// Sets the title of the page at `/`.
    pub fn title(mut self, title: impl Into<String>) -> Self {
        self.landing.title = Some(title.into());
        self
    }

    /// Sets the sentence about the exporter on the page at `/`.
    pub fn description(mut self, description: impl Into<String>) -> Self {
        self.landing.description = Some(description.into());
        self
    }

    /// Sets the version of the program on the page at `/`.
    pub fn version(mut self, version: impl Into<String>) -> Self {
        self.landing.version = Some(version.into());
        self
    }

    /// Shows a notice at the top of the page at `/`, such as `These numbers are simulated.` Several are shown in order.
    pub fn notice(mut self, text: impl Into<String>) -> Self {
        self.landing.notices.push(text.into());
        self
    }

    /// Shows plain text at `path`, linked from the page at `/` by its title: a configuration without its secrets, for
    /// example.
    ///
    /// `content` is called for each request and must not block. The path is below the route prefix. Anyone who can read
    /// the metrics can read the text.
    ///
    /// ```
    /// use exporter_kit::{Registry, Server};
    /// # use std::io::{Read, Write};
    ///
    /// let server = Server::builder(&Registry::new())
    ///     .listen("127.0.0.1:0")
    ///     .page("/config", "Configuration", || "shops: 3\n".to_owned())
    ///     .start()?;
    /// # let mut client = std::net::TcpStream::connect(server.local_addresses()[0])?;
    /// # client.write_all(b"GET /config HTTP/1.0\r\n\r\n")?;
    /// # let mut answer = String::new();
    /// # client.read_to_string(&mut answer)?;
    /// assert!(answer.ends_with("\r\n\r\nshops: 3\n"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn page(
        mut self,
        path: impl Into<String>,
        title: impl Into<String>,
        content: impl Fn() -> String + Send + Sync + 'static,
    ) -> Self {
        let page = Endpoint::page(path.into(), title.into(), Arc::new(content));
        self.endpoints.push(page);
        self
    }

    /// Answers requests for `path` with the metrics of a target that the query names: the [multi-target exporter
    /// pattern](https://prometheus.io/docs/guides/multi-target-exporter/).
    ///
    /// `choose` reads the query and returns the handler of the target, or refuses. It runs on a thread that may block,
    /// for many requests at the same time, and it alone decides which targets can be reached: allow known targets, and
    /// never forward the text of a client. Keep the handlers of frequent targets; with
    /// [`Sources`](crate::source::Sources), requests that arrive together then share one collection.
    ///
    /// In all other respects the path is like [`metrics_path`](Self::metrics_path): format, compression, `name[]`, the
    /// scraper's deadline, the limit on scrapes and the web configuration apply to both together, and the path is below
    /// the route prefix.
    ///
    /// ```
    /// use exporter_kit::scrape::MetricsHandler;
    /// use exporter_kit::server::ProbeRefusal;
    /// use exporter_kit::{Registry, Server};
    /// # use std::io::{Read, Write};
    ///
    /// let server = Server::builder(&Registry::new())
    ///     .listen("127.0.0.1:0")
    ///     .probe("/probe", |query| {
    ///         let sessions = match query.one("target")? {
    ///             "shop" => 45,
    ///             "forum" => 7,
    ///             _ => return Err(ProbeRefusal::not_found("unknown target; the targets are `shop` and `forum`")),
    ///         };
    ///         let registry = Registry::new();
    ///         let gauge = registry.gauge("app_active_sessions", "Number of active user sessions");
    ///         gauge.map_err(|error| ProbeRefusal::unavailable(error.to_string()))?.set(sessions);
    ///         Ok(MetricsHandler::new(&registry))
    ///     })
    ///     .start()?;
    /// # let address = server.local_addresses()[0];
    /// # let get = |path: &str| {
    /// #     let mut client = std::net::TcpStream::connect(address)?;
    /// #     write!(client, "GET {path} HTTP/1.0\r\n\r\n")?;
    /// #     let mut answer = String::new();
    /// #     client.read_to_string(&mut answer)?;
    /// #     std::io::Result::Ok(answer)
    /// # };
    ///
    /// assert!(get("/probe?target=forum")?.ends_with("\napp_active_sessions 7.0\n"));
    /// assert!(get("/probe?target=bank")?.starts_with("HTTP/1.0 404 "));
    /// assert!(get("/probe")?.starts_with("HTTP/1.0 400 "));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn probe(
        mut self,
        path: impl Into<String>,
        choose: impl Fn(&ProbeQuery) -> Result<MetricsHandler, ProbeRefusal> + Send + Sync + 'static,
    ) -> Self {
        let probe = Endpoint::probe(path.into(), Arc::new(choose));
        self.endpoints.push(probe);
        self
    }

    /// Switches the metrics of the server about itself on or off; on by default. They follow all other families:
    /// requests by code, in flight, durations, sizes, errors by cause, connections. Their names begin with
    /// `exporter_kit_http_`.
    pub fn self_metrics(mut self, shown: bool) -> Self {
        self.self_metrics = shown;
        self
    }

    /// Binds every address. Clients can connect from now on, and are answered once the server runs.
    ///
    /// The look-up of a host name may block; bind before the asynchronous part of a program.
    ///
    /// # Errors
    /// If an option is wrong, or an address cannot be bound.
    pub fn bind(mut self) -> Result<BoundServer, ServeError> {
        if let Some(error) = self.error {
            return Err(error);
        }
        if path::check(&self.metrics_path).is_err() {
            return Err(ServeError::MetricsPath(self.metrics_path.into()));
        }
        let endpoints = Endpoints::new(self.endpoints, &self.metrics_path)?;
        let binding = Binding::new(&self.addresses, self.parts.listeners)?;

        let external = self.external_url.map(|url| url.path().clone());
        let routes = Routes::new(self.route_prefix, external, &self.metrics_path);
        let is_encrypted = self.parts.encryption.is_some();
        let scheme = if is_encrypted { "https" } else { "http" };
        let urls = binding.urls(scheme, routes.metrics());
        let reloader = Reloader::new(self.reload, self.parts.service_manager.clone());
        let reload = match self.reload_by_request {
            true => ReloadByRequest::Enabled(reloader.clone()),
            false => ReloadByRequest::disabled(self.lifecycle_hint.as_deref()),
        };
        // The registry of these metrics is new, so that registering them does not fail.
        let others = self.parts.metrics;
        let own = self.self_metrics.then(|| SelfMetrics::new(others));
        let own = own.and_then(Result::ok);
        self.metrics
            .own(own.as_ref().map(|metrics| metrics.registry().clone()));
        self.landing.tls = is_encrypted;
        self.landing.pages = endpoints.links();
        let page = Page::new(self.landing, routes.links());
        let router = Router::new(
            routes,
            self.metrics,
            page,
            endpoints,
            self.lifecycle.clone(),
            reload,
        );
        Ok(BoundServer {
            urls,
            binding,
            service: Service::new(router, self.parts.access, own),
            encryption: self.parts.encryption,
            lifecycle: self.lifecycle,
            reloader,
            service_manager: self.parts.service_manager,
        })
    }

    /// Binds, and serves on a new thread until the [`Server`] is shut down or dropped.
    ///
    /// # Errors
    /// If an option is wrong, an address cannot be bound, or the thread cannot be started.
    pub fn start(self) -> Result<Server, ServeError> {
        self.bind()?.start()
    }

    /// Binds, and serves in the caller's tokio runtime until `shutdown` resolves; see [`BoundServer::run`].
    ///
    /// # Errors
    /// If an option is wrong, or an address cannot be bound.
    pub async fn run(self, shutdown: impl Future<Output = ()>) -> Result<(), ServeError> {
        self.bind()?.run(shutdown).await
    }

    /// The value of an option. Keeps the first error for `bind`.
    pub(crate) fn noted<T>(&mut self, result: Result<T, impl Into<ServeError>>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(error) => {
                self.error.get_or_insert(error.into());
                None
            }
        }
    }
}
