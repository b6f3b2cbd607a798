//! The metrics about requests, and their builder.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use http::request::Parts;
use tower_layer::Layer;

use super::measurement::{Answered, Families, FromRequest, LayerState, Sizes};
use super::service::MeasuredService;
use crate::metric::{Counter, DEFAULT_BUCKETS, Histogram, IntGauge};
use crate::registry::{RegisterError, Registry};

/// Counts and times the requests of a service, in a server or a client.
///
/// A [`tower_layer::Layer`] for services of [`http::Request`]; pass it to `layer` of an axum router. Cheap to clone;
/// clones record into the same metrics:
///
/// | family | type | labels |
/// |---|---|---|
/// | `http_requests_total` | counter | `method`, `code` |
/// | `http_request_duration_seconds` | histogram | `method`, `code` |
/// | `http_requests_in_flight` | gauge | – |
/// | `http_request_size_bytes`, `http_response_size_bytes` | histograms, if [enabled](RequestMetricsBuilder::size_buckets) | `method`, `code` |
///
/// - `method` is one of the nine standard methods, or `other`, because clients can invent methods.
/// - `code` is the status, such as `200`, `error` if the service failed, or `dropped` if the answer was dropped: the
///   client disconnected, a timeout outside the layer expired, or the service panicked.
/// - `route`, between the two, exists if the builder has a [function for it](RequestMetricsBuilder::route).
///
/// A request lasts until the head of its answer; the time to stream the body is not included. A series begins with its
/// first request. Recording into an existing series does not allocate, apart from the functions of the builder.
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
///     // Routes after the layer are not measured.
///     .route_service("/metrics", MetricsHandler::new(&registry));
/// # Ok(app) }
/// # app().unwrap();
/// ```
///
/// A program that is both server and client separates the two by a prefix:
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
    pub(super) shared: Arc<LayerState>,
}

impl RequestMetrics {
    /// Metrics with the labels `method` and `code`, the default buckets and no sizes.
    ///
    /// # Errors
    /// If the registry has a family of one of the names, for example from other `RequestMetrics`.
    pub fn new(registry: &Registry) -> Result<Self, RegisterError> {
        Self::builder(registry).build()
    }

    /// Describes metrics. For a prefix or labels of all families, use [`Registry::scoped`].
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

/// The description of [`RequestMetrics`].
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
    /// Sets the upper bounds of the buckets for durations, in seconds, ascending; [`DEFAULT_BUCKETS`] by default.
    pub fn duration_buckets(mut self, bounds: impl Into<Vec<f64>>) -> Self {
        self.duration_buckets = bounds.into();
        self
    }

    /// Enables the sizes of the bodies of requests and answers, in buckets with these upper bounds, in bytes, ascending.
    ///
    /// The size is the size hint of the body, or `Content-Length`. Streamed bodies of unknown size are not recorded.
    /// Heads are not included.
    pub fn size_buckets(mut self, bounds: impl Into<Vec<f64>>) -> Self {
        self.size_buckets = Some(bounds.into());
        self
    }

    /// Sets the series limit of each family, [as for every family](crate::Definition::series_limit).
    pub fn series_limit(mut self, limit: usize) -> Self {
        self.series_limit = Some(limit);
        self
    }

    /// Adds methods that are labels instead of `other`, such as those of WebDAV.
    pub fn extra_methods(mut self, methods: impl IntoIterator<Item = &'static str>) -> Self {
        self.extra_methods.extend(methods);
        self
    }

    /// Sets the function that finds the label `route`; `none` if it returns `None`.
    ///
    /// Return a pattern (`/users/{id}`), not the path: each value is a separate series. In axum it is `MatchedPath`, in
    /// the extensions of the request.
    pub fn route<T: Into<Cow<'static, str>>>(
        mut self,
        route: impl Fn(&Parts) -> Option<T> + Send + Sync + 'static,
    ) -> Self {
        self.route = Some(Box::new(move |parts| route(parts).map(Into::into)));
        self
    }

    /// Sets the function that finds an exemplar for counts and durations: the value of a label, usually `trace_id`.
    ///
    /// Exemplars that are invalid, for example too long, are skipped.
    pub fn exemplar<T: Into<Cow<'static, str>>>(
        mut self,
        label: &'static str,
        value: impl Fn(&Parts) -> Option<T> + Send + Sync + 'static,
    ) -> Self {
        self.exemplar = Some((label, Box::new(move |parts| value(parts).map(Into::into))));
        self
    }

    /// Registers the metrics.
    ///
    /// # Errors
    /// If buckets do not ascend, or the registry has a family of one of the names.
    pub fn build(self) -> Result<RequestMetrics, RegisterError> {
        let answered = if self.route.is_some() {
            Answered::Routed(self.families(["method", "route", "code"])?)
        } else {
            Answered::Plain(self.families(["method", "code"])?)
        };
        let in_flight = IntGauge::define("http_requests_in_flight", "Requests without an answer.");
        let shared = LayerState {
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
