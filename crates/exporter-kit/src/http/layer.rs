//! Metrics of the requests that a service answers, or that a client makes: a `tower` layer around either.

use std::borrow::Cow;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use http::header::CONTENT_LENGTH;
use http::request::Parts;
use http::{HeaderMap, Method, Request, Response};
use http_body::Body;
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use crate::metric::{Counter, DEFAULT_BUCKETS, Family, Histogram, InProgress, IntGauge};
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
/// use exporter_kit::{Registry, http::{MetricsHandler, RequestMetrics}};
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
/// use exporter_kit::{Registry, http::RequestMetrics};
///
/// let registry = Registry::new();
/// let server = RequestMetrics::new(&registry)?;
/// let client = RequestMetrics::new(&registry.scoped("backend_", &[])?)?;
/// assert!(registry.to_text().contains("backend_http_requests_in_flight 0.0\n"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct RequestMetrics {
    shared: Arc<Shared>,
}

struct Shared {
    extra_methods: Vec<&'static str>,
    route: Option<FromRequest>,
    exemplar: Option<(&'static str, FromRequest)>,
    in_flight: IntGauge,
    answered: Answered,
}

/// What is known only with the answer, by the labels that there are.
enum Answered {
    Plain(Families<2>),
    Routed(Families<3>),
}

struct Families<const N: usize> {
    requests: Family<Counter, N>,
    durations: Family<Histogram, N>,
    sizes: Option<Sizes<N>>,
}

struct Sizes<const N: usize> {
    request: Family<Histogram, N>,
    response: Family<Histogram, N>,
}

type FromRequest = Box<dyn Fn(&Parts) -> Option<Cow<'static, str>> + Send + Sync>;

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
        MeasuredService {
            inner,
            metrics: self.clone(),
        }
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

    /// The most series of each family, [as for every family](crate::FamilyDefinition::series_limit).
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

/// A service whose requests are measured; made by [`RequestMetrics`] as a layer.
#[derive(Clone, Debug)]
pub struct MeasuredService<S> {
    inner: S,
    metrics: RequestMetrics,
}

impl<S, B, R> Service<Request<B>> for MeasuredService<S>
where
    S: Service<Request<B>, Response = Response<R>>,
    B: Body,
    R: Body,
{
    type Response = Response<R>;
    type Error = S::Error;
    type Future = MeasuredFuture<S::Future>;

    fn poll_ready(&mut self, ctx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(ctx)
    }

    fn call(&mut self, req: Request<B>) -> Self::Future {
        let (measurement, req) = Measurement::begin(&self.metrics.shared, req);
        MeasuredFuture {
            inner: self.inner.call(req),
            measurement: Some(measurement),
        }
    }
}

pin_project! {
    /// The answer of a [`MeasuredService`].
    #[must_use = "a future does nothing unless it is polled"]
    pub struct MeasuredFuture<F> {
        #[pin]
        inner: F,
        // Gone once the answer is there.
        measurement: Option<Measurement>,
    }
}

impl<F> fmt::Debug for MeasuredFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MeasuredFuture")
            .field("answered", &self.measurement.is_none())
            .finish_non_exhaustive()
    }
}

impl<F, R, E> Future for MeasuredFuture<F>
where
    F: Future<Output = Result<Response<R>, E>>,
    R: Body,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, ctx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let result = ready!(this.inner.poll(ctx));
        if let Some(measurement) = this.measurement.take() {
            match &result {
                Ok(response) => measurement.answered(response),
                Err(_) => measurement.end("error", None),
            }
        }
        Poll::Ready(result)
    }
}

/// One request that is under way. Dropped before it is ended it counts as dropped.
struct Measurement {
    shared: Arc<Shared>,
    /// Held for its end: the request is in flight as long.
    _in_flight: InProgress<IntGauge>,
    method: &'static str,
    route: Option<Cow<'static, str>>,
    exemplar: Option<Cow<'static, str>>,
    request_size: Option<u64>,
    started: Instant,
    ended: bool,
}

impl Measurement {
    fn begin<B: Body>(shared: &Arc<Shared>, req: Request<B>) -> (Self, Request<B>) {
        let mut measurement = Self {
            _in_flight: shared.in_flight.track_in_progress(),
            method: method_label(req.method(), &shared.extra_methods),
            route: None,
            exemplar: None,
            request_size: size(req.headers(), req.body()),
            shared: Arc::clone(shared),
            started: Instant::now(),
            ended: false,
        };
        if shared.route.is_none() && shared.exemplar.is_none() {
            return (measurement, req);
        }
        let (parts, body) = req.into_parts();
        measurement.route = shared.route.as_ref().and_then(|route| route(&parts));
        measurement.exemplar = shared
            .exemplar
            .as_ref()
            .and_then(|(_, value)| value(&parts));
        (measurement, Request::from_parts(parts, body))
    }

    fn answered<R: Body>(self, response: &Response<R>) {
        // What a client is told by HEAD is the size that GET would have.
        let size = if self.method == "HEAD" {
            Some(0)
        } else {
            size(response.headers(), response.body())
        };
        self.end(response.status().as_str(), size);
    }

    fn end(mut self, code: &str, response_size: Option<u64>) {
        self.record(code, response_size);
        self.ended = true;
    }

    fn record(&self, code: &str, response_size: Option<u64>) {
        match &self.shared.answered {
            Answered::Plain(families) => {
                families.record(self, [self.method, code], response_size);
            }
            Answered::Routed(families) => {
                let route = self.route.as_deref().unwrap_or("none");
                families.record(self, [self.method, route, code], response_size);
            }
        }
    }
}

impl Drop for Measurement {
    fn drop(&mut self) {
        if !self.ended {
            self.record("dropped", None);
        }
    }
}

impl<const N: usize> Families<N> {
    fn record(&self, measurement: &Measurement, labels: [&str; N], response_size: Option<u64>) {
        let seconds = measurement.started.elapsed();
        match (&measurement.shared.exemplar, &measurement.exemplar) {
            (Some((label, _)), Some(value)) => {
                let exemplar = [(*label, &**value)];
                // Without a valid exemplar the values are recorded all the same.
                self.requests.update(labels, |requests| {
                    let _ = requests.inc_with_exemplar(1, &exemplar);
                });
                self.durations.update(labels, |durations| {
                    let _ = durations.observe_with_exemplar(seconds, &exemplar);
                });
            }
            _ => {
                self.requests.update(labels, Counter::inc);
                self.durations
                    .update(labels, |durations| durations.observe(seconds));
            }
        }
        if let Some(sizes) = &self.sizes {
            if let Some(size) = measurement.request_size {
                sizes.request.update(labels, |sizes| sizes.observe(size));
            }
            if let Some(size) = response_size {
                sizes.response.update(labels, |sizes| sizes.observe(size));
            }
        }
    }
}

fn method_label(method: &Method, extra: &[&'static str]) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::DELETE => "DELETE",
        Method::HEAD => "HEAD",
        Method::OPTIONS => "OPTIONS",
        Method::CONNECT => "CONNECT",
        Method::PATCH => "PATCH",
        Method::TRACE => "TRACE",
        _ => extra
            .iter()
            .find(|extra| **extra == method.as_str())
            .copied()
            .unwrap_or("other"),
    }
}

/// The bytes of a body, if that is known before it is read.
fn size(headers: &HeaderMap, body: &impl Body) -> Option<u64> {
    body.size_hint().exact().or_else(|| {
        let length = headers.get(CONTENT_LENGTH)?.to_str().ok()?;
        length.trim().parse().ok()
    })
}
