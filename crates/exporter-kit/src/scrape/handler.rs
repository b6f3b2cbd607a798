//! The HTTP handler for metrics, independent of any socket.
//!
//! A scrape known to be fast and small is encoded on the calling thread, into one buffer. Any other runs on the
//! runtime's pool of blocking threads and sends a large body in chunks while it is encoded. Before that, it fetches
//! from the sources and calls the collectors that may wait; see `gathering`.

use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use http::header::{self, HeaderMap, HeaderName};
use http::{Method, Request, Response, StatusCode};
use tokio::runtime::Handle;
use tokio::sync::oneshot;

use crate::registry::Registry;
use crate::scrape::Appendix;
use crate::scrape::answer::{Answer, ResponseFuture, method_not_allowed, plain};
use crate::scrape::body::Body;
use crate::scrape::coding::{self, Compressors};
use crate::scrape::deadline::{DEFAULT_LIMIT, DEFAULT_OFFSET, Limits};
use crate::scrape::gathering;
use crate::scrape::handler_state::{HandlerState, Options, UNKNOWN_SIZE};
use crate::scrape::job::Job;
use crate::scrape::negotiation::{self, Choice};
use crate::scrape::peer::Peer;
use crate::scrape::shared_encoding::{self, SharedEncodings};
use crate::scrape::slots::{CROWD, InFlight, Slots};
use crate::source::MemoryLimit;

/// The default limit of simultaneous scrapes.
const MAX_REQUESTS: usize = CROWD;

/// The memory for collected families, in bytes, for all scrapes of one handler together.
const MEMORY: usize = 64 * 1024 * 1024;

/// Responds to requests for a registry's metrics.
///
/// Mount it anywhere: it is a [`tower_service::Service`], so axum accepts it in `route_service` and hyper in
/// `hyper_util`'s `TowerToHyperService`. It ignores the path. Cheap to clone; clones share statistics about the
/// registry.
///
/// `Accept` selects the format, `Accept-Encoding` the compression, and `?name[]=` (repeatable) single families. Methods
/// other than GET and HEAD get 405.
///
/// A scrape has the client's timeout (`X-Prometheus-Scrape-Timeout-Seconds`) less
/// [`timeout_offset`](Self::timeout_offset). Families that arrive later are left out and counted in
/// `exporter_kit_collector_failures_total`. The scrape fetches from registered [sources](crate::source::Sources) first.
/// Your own collectors run on separate threads, once for all scrapes that arrive together; a hung collector is not
/// called again until it returns. Their families stay in memory until they are sent, up to 64 MiB in total; more is
/// left out and counted as `limit`.
///
/// Call it inside a tokio runtime. Blocking collectors and bodies above 256 KiB then stay off the calling thread: the
/// first scrape, and every scrape after a slow (1 ms) or large one, runs on the runtime's blocking pool. Outside a
/// runtime, scrapes are encoded at once.
///
/// ```
/// use exporter_kit::{Registry, scrape::MetricsHandler};
///
/// let registry = Registry::new();
/// let app: axum::Router = axum::Router::new()
///     .route_service("/metrics", MetricsHandler::new(&registry));
/// ```
#[derive(Clone)]
pub struct MetricsHandler {
    shared: Arc<HandlerState>,
    pub(super) encodings: Arc<SharedEncodings>,
    options: Arc<Options>,
}

/// A request counted among the scrapes, and its time.
pub(crate) struct Admitted {
    in_flight: InFlight,
    limits: Limits,
}

impl fmt::Debug for MetricsHandler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MetricsHandler")
            .field("registry", &self.shared.registry)
            .finish_non_exhaustive()
    }
}

impl MetricsHandler {
    /// Creates a handler for the metrics of that registry.
    pub fn new(registry: &Registry) -> Self {
        Self {
            shared: Arc::new(HandlerState {
                registry: registry.clone(),
                compressors: Compressors::default(),
                slots: Slots::default(),
                memory: MemoryLimit::new(MEMORY),
                quick: AtomicBool::new(false),
                size: AtomicUsize::new(UNKNOWN_SIZE),
            }),
            encodings: Arc::default(),
            options: Arc::new(Options {
                timeout_offset: DEFAULT_OFFSET,
                default_timeout: Some(DEFAULT_LIMIT),
                max_requests: MAX_REQUESTS,
                appendix: None,
            }),
        }
    }

    /// Sets the part of the client's timeout reserved for the way back: 0.5 s by default. The scrape can always use at
    /// least half of the timeout.
    #[must_use]
    pub fn timeout_offset(mut self, offset: Duration) -> Self {
        Arc::make_mut(&mut self.options).timeout_offset = offset;
        self
    }

    /// Sets the time for sources and collectors when the request has no timeout header: 10 s by default; `None` means
    /// unlimited.
    #[must_use]
    pub fn default_timeout(mut self, timeout: Option<Duration>) -> Self {
        Arc::make_mut(&mut self.options).default_timeout = timeout;
        self
    }

    /// Limits the number of simultaneous scrapes; further requests get 503. 40 by default; 0 means unlimited.
    ///
    /// A scrape counts until its body is made, which may be long before a slow client has it. In a
    /// [`Server`](crate::Server), one client address gets at most seven eighths of the limit. When the limit is reached,
    /// or 40 scrapes run, a large body whose reader has taken nothing for 500 ms is cut off for the next scrape. Bodies
    /// that wait for their readers hold at most 32 MiB in total; beyond that, the oldest of the client address with the
    /// most are cut off.
    #[must_use]
    pub fn max_requests(mut self, max_requests: usize) -> Self {
        Arc::make_mut(&mut self.options).max_requests = max_requests;
        self
    }

    /// Shows these families as well, after all others.
    pub(crate) fn own(&mut self, own: Option<Registry>) {
        Arc::make_mut(&mut self.options).appendix = own.map(Appendix::new);
    }

    /// The registry of this handler.
    pub(crate) fn registry(&self) -> &Registry {
        &self.shared.registry
    }

    /// Responds to a request without reading its body.
    pub fn respond<B>(
        &self,
        req: &Request<B>,
    ) -> impl Future<Output = Response<Body>> + Send + 'static + use<B> {
        self.answer(req)
    }

    pub(crate) fn answer<B>(&self, req: &Request<B>) -> Answer {
        if !matches!(*req.method(), Method::GET | Method::HEAD) {
            return Answer::ready(method_not_allowed());
        }
        let Some(mut job) = self.begin(req) else {
            return self.overloaded();
        };
        let quick = self.shared.quick.load(Ordering::Relaxed) && !job.has_waiting;
        if quick && let Some(response) = job.answer_if_small() {
            return Answer::ready(response);
        }
        let Ok(runtime) = Handle::try_current() else {
            return Answer::ready(job.run_here());
        };
        let (sender, receiver) = oneshot::channel();
        if job.can_be_shared() {
            shared_encoding::join(&self.encodings, &runtime, job, sender);
        } else {
            runtime.spawn_blocking(move || job.run(sender));
        }
        Answer::waiting(receiver)
    }

    /// The response to a request above the limit.
    pub(crate) fn overloaded(&self) -> Answer {
        let limit = self.options.max_requests;
        Answer::ready(plain(
            StatusCode::SERVICE_UNAVAILABLE,
            format!("{limit} scrapes are being answered already; try again, or allow more\n"),
        ))
    }

    /// Begins the scrape of a request, unless the limit is reached.
    pub(crate) fn begin<B>(&self, req: &Request<B>) -> Option<Job> {
        let admitted = self.admit(req)?;
        Some(self.job(req, admitted))
    }

    /// Counts a request among the scrapes, unless the limit is reached.
    pub(crate) fn admit<B>(&self, req: &Request<B>) -> Option<Admitted> {
        let options = &*self.options;
        let peer = req.extensions().get::<Peer>().copied();
        Some(Admitted {
            in_flight: self.shared.slots.begin(peer, options.max_requests)?,
            limits: Limits::of(
                req.headers(),
                Instant::now(),
                options.timeout_offset,
                options.default_timeout,
            ),
        })
    }

    fn job<B>(&self, req: &Request<B>, admitted: Admitted) -> Job {
        let Admitted { in_flight, limits } = admitted;
        let headers = req.headers();
        let names = names(req.uri().query());
        let Choice { format, escaping } = negotiation::format(texts(headers, header::ACCEPT));
        let everything = names.is_empty();
        let scrape = self.shared.registry.scrape(format).filter(names);
        let mut scrape = scrape.with_appendix(self.options.appendix.clone());
        if let Some(written) = limits.written {
            scrape = scrape.deadline(written);
        }
        if let Some(escaping) = escaping {
            scrape = scrape.escaping(escaping);
        }
        Job {
            scrape,
            everything,
            coding: coding::choose(texts(headers, header::ACCEPT_ENCODING)),
            head_only: *req.method() == Method::HEAD,
            has_waiting: gathering::has_waiting(&self.shared.registry),
            limits,
            in_flight: Some(in_flight),
            options: Arc::clone(&self.options),
            shared: Arc::clone(&self.shared),
            compressors: self.shared.compressors.clone(),
        }
    }

    /// Begins the scrape of a request that another handler has admitted, with the compressors of that handler. They are
    /// large, and a thousand targets may each have a handler.
    pub(crate) fn job_for<B>(&self, host: &Self, req: &Request<B>, admitted: Admitted) -> Job {
        let mut job = self.job(req, admitted);
        job.compressors.borrow_from(&host.shared.compressors);
        job
    }
}

impl From<&Registry> for MetricsHandler {
    fn from(registry: &Registry) -> Self {
        Self::new(registry)
    }
}

impl<B> tower_service::Service<Request<B>> for MetricsHandler {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = ResponseFuture;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, req: Request<B>) -> ResponseFuture {
        ResponseFuture(self.answer(&req))
    }
}

/// The families that a query selects: the values of `name[]`.
fn names(query: Option<&str>) -> Vec<String> {
    query.map_or_else(Vec::new, |query| {
        form_urlencoded::parse(query.as_bytes())
            .filter(|(key, _)| key == "name[]")
            .map(|(_, name)| name.into_owned())
            .collect()
    })
}

/// The values of a header that are text.
fn texts(headers: &HeaderMap, name: HeaderName) -> impl Iterator<Item = &str> {
    headers
        .get_all(name)
        .into_iter()
        .filter_map(|value| value.to_str().ok())
}

#[cfg(test)]
mod tests {
    use http_body::Body as _;

    use super::*;
    use crate::metric::Gauge;

    #[test]
    fn what_has_grown_since_the_last_scrape_is_not_encoded_in_place() {
        let registry = Registry::new();
        let family = registry.add(Gauge::define("depth", "h").labels(["queue"]));
        let family = family.unwrap();
        let handler = MetricsHandler::new(&registry);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        let ask = || {
            let req = Request::get("/metrics").body(()).unwrap();
            runtime.block_on(async { handler.respond(&req).await })
        };
        // Slow machines need several scrapes until one is fast.
        while !handler.shared.quick.load(Ordering::Relaxed) {
            ask();
        }
        (0..20_000).for_each(|i| family.with([&i.to_string()]).set(i));
        assert_eq!(ask().body().size_hint().exact(), None);
        assert!(!handler.shared.quick.load(Ordering::Relaxed));
    }
}
