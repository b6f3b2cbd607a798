//! The metrics of requests, and how they are described.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use http::request::Parts;
use tower_layer::Layer;

use super::measurement::{Answered, Families, FromRequest, Shared, Sizes};
use super::service::MeasuredService;
use crate::metric::{Counter, DEFAULT_BUCKETS, Histogram, IntGauge};
use crate::registry::{RegisterError, Registry};

/// Counts and times the requests that go through a service, of a server or of a client.
///
/// A [`tower_layer::Layer`] for every service of [`http::Request`]s: axum's routers take it with `layer`. Cheap to
/// clone; clones record into the same metrics. These are:
///
/// | family | type | labels |
/// |---|---|---|
/// | `http_requests_total` | counter | `method`, `code` |
/// | `http_request_duration_seconds` | histogram | `method`, `code` |
/// | `http_requests_in_flight` | gauge | – |
/// | `http_request_size_bytes`, `http_response_size_bytes` | histograms, if [asked for](RequestMetricsBuilder::size_buckets) | `method`, `code` |
///
/// - `method` is one of the nine standard ones, or `other`: clients can invent methods.
/// - `code` is the status, `200`; or `error` if the service failed; or `dropped` if nobody waited for its answer: the
///   client went away, a timeout outside the layer struck, or the service panicked.
/// - `route`, between the two, is there if the builder has been told [where to find it](RequestMetricsBuilder::route).
///
/// A request lasts until the head of its answer is there; a body that is streamed afterwards is not waited for.
/// Series begin with the first request that they count. Recording allocates nothing once a series is there, but
/// for what the builder's functions do.
///
/// ```
/// use axum::{Router, extract::MatchedPath, routing::get};
/// use exporter_kit::{Registry, layer::RequestMetrics, scrape::MetricsHandler};
///
/// # fn app() -> Result<Router, exporter_kit::RegisterError> {
/// let registry = Registry::new();
/// let metrics = RequestMetrics::builder(&registry)
///     .route(|request| request.extensions.get::<MatchedPath>().map(|path| path.as_str().to_owned()))
///     .build()?;
/// let app = Router::new()
///     .route("/users/{id}", get(|| async { "someone\n" }))
///     .layer(metrics)
///     // What comes after the layer is not measured.
///     .route_service("/metrics", MetricsHandler::new(&registry));
/// # Ok(app) }
/// # app().unwrap();
/// ```
///
/// A program that is a server and a client keeps the two apart by prefix:
///
/// ```
/// use exporter_kit::{Registry, layer::RequestMetrics};
///
/// let registry = Registry::new();
/// let server = RequestMetrics::new(&registry)?;
/// let client = RequestMetrics::new(&registry.scoped("backend_", &[])?)?;
/// assert!(registry.to_text().contains("backend_http_requests_in_flight 0.0\n"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct RequestMetrics {
    pub(super) shared: Arc<Shared>,
}

impl RequestMetrics {
    /// With the methods and codes as labels, the default buckets and no sizes.
    ///
    /// # Errors
    /// When the registry has a family of one of the names, from another of these, say.
    pub fn new(registry: &Registry) -> Result<Self, RegisterError> {
        Self::builder(registry).build()
    }

    /// Begins to describe them. A prefix or labels of all their families are the registry's:
    /// [`Registry::scoped`].
    pub fn builder(registry: &Registry) -> RequestMetricsBuilder {
        RequestMetricsBuilder {
            registry: registry.clone(),
            duration_buckets: DEFAULT_BUCKETS.to_vec(),
            size_buckets: None,
            series_limit: None,
            extra_methods: Vec::new(),
            route: None,
            exemplar: None,
        }
    }
}

impl fmt::Debug for RequestMetrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestMetrics")
            .field("in_flight", &self.shared.in_flight.get())
            .finish_non_exhaustive()
    }
}

impl<S> Layer<S> for RequestMetrics {
    type Service = MeasuredService<S>;

    fn layer(&self, inner: S) -> MeasuredService<S> {
        MeasuredService::new(inner, self.clone())
    }
}

/// Describes [`RequestMetrics`].
#[must_use = "a builder does nothing until it is built"]
pub struct RequestMetricsBuilder {
    registry: Registry,
    duration_buckets: Vec<f64>,
    size_buckets: Option<Vec<f64>>,
    series_limit: Option<usize>,
    extra_methods: Vec<&'static str>,
    route: Option<FromRequest>,
    exemplar: Option<(&'static str, FromRequest)>,
}

impl fmt::Debug for RequestMetricsBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestMetricsBuilder")
            .field("registry", &self.registry)
            .finish_non_exhaustive()
    }
}

impl RequestMetricsBuilder {
    /// The upper bounds of the durations' buckets, in seconds, rising; [`DEFAULT_BUCKETS`] if not set.
    pub fn duration_buckets(mut self, bounds: impl Into<Vec<f64>>) -> Self {
        self.duration_buckets = bounds.into();
        self
    }

    /// Asks for the sizes of requests' and answers' bodies, in buckets with these upper bounds, in bytes, rising.
    ///
    /// A size is what the body says that it is, or else `Content-Length`; a body of unknown size, one that is made
    /// while it is sent, is not recorded. Heads are not counted in.
    pub fn size_buckets(mut self, bounds: impl Into<Vec<f64>>) -> Self {
        self.size_buckets = Some(bounds.into());
        self
    }

    /// The most series of each family, [as for every family](crate::Definition::series_limit).
    pub fn series_limit(mut self, limit: usize) -> Self {
        self.series_limit = Some(limit);
        self
    }

    /// Methods that are labels too and not `other`: those of WebDAV, say.
    pub fn extra_methods(mut self, methods: impl IntoIterator<Item = &'static str>) -> Self {
        self.extra_methods.extend(methods);
        self
    }

    /// Where to find the label `route`; it is `none` where there is none.
    ///
    /// Give a pattern (`/users/{id}`), not the path: each value is a series of its own. Of axum this is
    /// `MatchedPath` in the request's extensions.
    pub fn route<T: Into<Cow<'static, str>>>(
        mut self,
        route: impl Fn(&Parts) -> Option<T> + Send + Sync + 'static,
    ) -> Self {
        self.route = Some(Box::new(move |parts| route(parts).map(Into::into)));
        self
    }

    /// Where to find an exemplar for counts and durations: the value of this label, `trace_id` by custom.
    ///
    /// What is no valid exemplar, being too long, is left out.
    pub fn exemplar<T: Into<Cow<'static, str>>>(
        mut self,
        label: &'static str,
        value: impl Fn(&Parts) -> Option<T> + Send + Sync + 'static,
    ) -> Self {
        self.exemplar = Some((label, Box::new(move |parts| value(parts).map(Into::into))));
        self
    }

    /// Makes the metrics in the registry.
    ///
    /// # Errors
    /// When buckets don't rise, or the registry has a family of one of the names.
    pub fn build(self) -> Result<RequestMetrics, RegisterError> {
        let answered = if self.route.is_some() {
            Answered::Routed(self.families(["method", "route", "code"])?)
        } else {
            Answered::Plain(self.families(["method", "code"])?)
        };
        let in_flight = IntGauge::define("http_requests_in_flight", "Requests without an answer.");
        let shared = Shared {
            in_flight: self.registry.add(in_flight)?,
            answered,
            extra_methods: self.extra_methods,
            route: self.route,
            exemplar: self.exemplar,
        };
        Ok(RequestMetrics {
            shared: Arc::new(shared),
        })
    }

    fn families<const N: usize>(&self, labels: [&str; N]) -> Result<Families<N>, RegisterError> {
        let registry = &self.registry;
        let mut requests =
            Counter::define("http_requests_total", "Requests by their outcome.").labels(labels);
        if let Some(limit) = self.series_limit {
            requests = requests.series_limit(limit);
        }
        let histogram = |name, help, bounds: &[f64]| {
            let mut family = Histogram::define(name, help).buckets(bounds).labels(labels);
            if let Some(limit) = self.series_limit {
                family = family.series_limit(limit);
            }
            registry.add(family)
        };
        let durations = histogram(
            "http_request_duration_seconds",
            "Time from the request to the head of its answer.",
            &self.duration_buckets,
        )?;
        let sizes = match &self.size_buckets {
            None => None,
            Some(bounds) => Some(Sizes {
                request: histogram(
                    "http_request_size_bytes",
                    "Sizes of the requests' bodies.",
                    bounds,
                )?,
                response: histogram(
                    "http_response_size_bytes",
                    "Sizes of the answers' bodies.",
                    bounds,
                )?,
            }),
        };
        Ok(Families {
            requests: registry.add(requests)?,
            durations,
            sizes,
        })
    }
}
