//! The server's metrics about itself: requests by code, in flight, sizes, durations, errors by cause, connections.
//!
//! All of them exist from the start, in a registry of their own: two servers of one registry are measured apart, and a
//! registry without a server does not show them.

use std::error::Error;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Instant;

use http::StatusCode;

use crate::collect::Collect;
use crate::metric::{Counter, Family, Histogram, InProgress, IntGauge};
use crate::registry::{RegisterError, Registry};

/// The codes that are counted from the start; others appear with their first answer.
const CODES: [u16; 10] = [200, 304, 400, 401, 403, 404, 405, 429, 500, 503];

/// Upper bounds of durations, in seconds. The default timeout of a scrape is 10 s.
const SECONDS: [f64; 6] = [0.001, 0.01, 0.1, 1.0, 5.0, 10.0];

/// Upper bounds of sizes, in bytes.
const BYTES: [f64; 6] = [1e3, 1e4, 1e5, 1e6, 1e7, 1e8];

/// The cause of the failure of a connection or an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    /// The client disconnected before it had the whole answer, or in the middle of a request.
    ClientGone,
    /// The client exceeded a timeout.
    Timeout,
    /// The client sent something that is not a request.
    BadRequest,
    /// The scrape ended before its body was complete.
    Incomplete,
    /// A connection was not accepted, for lack of a file descriptor or of memory.
    Accept,
}

impl Cause {
    const ALL: [Self; 5] = [
        Self::ClientGone,
        Self::Timeout,
        Self::BadRequest,
        Self::Incomplete,
        Self::Accept,
    ];

    const fn as_str(self) -> &'static str {
        match self {
            Self::ClientGone => "client_gone",
            Self::Timeout => "timeout",
            Self::BadRequest => "bad_request",
            Self::Incomplete => "incomplete",
            Self::Accept => "accept",
        }
    }

    /// The cause of an error of hyper.
    fn of(error: &hyper::Error) -> Self {
        let io = error
            .source()
            .and_then(|source| source.downcast_ref::<io::Error>());
        match io {
            Some(io) if io.kind() == io::ErrorKind::TimedOut => Self::Timeout,
            Some(_) => Self::ClientGone,
            None if error.is_timeout() => Self::Timeout,
            None if error.is_parse() => Self::BadRequest,
            None => Self::ClientGone,
        }
    }
}

/// The metrics of one server.
pub(crate) struct SelfMetrics {
    registry: Registry,
    requests: Family<Counter, 1>,
    /// One for each of [`CODES`].
    by_code: [Counter; CODES.len()],
    in_flight: IntGauge,
    connections: IntGauge,
    duration: Histogram,
    size: Histogram,
    errors: [Counter; Cause::ALL.len()],
}

impl SelfMetrics {
    /// Makes them, together with the metrics of `others`, which are parts of the server too.
    ///
    /// # Errors
    /// Does not fail: the registry is new, and the names are this library's.
    pub(crate) fn new(others: Vec<Arc<dyn Collect>>) -> Result<Arc<Self>, RegisterError> {
        let registry = Registry::new();
        for other in others {
            registry.register(other)?;
        }
        let requests = registry.add(
            Counter::define(
                "exporter_kit_http_requests_total",
                "HTTP requests that were answered, by the code of the answer.",
            )
            .labels(["code"]),
        )?;
        let errors = registry.add(
            Counter::define(
                "exporter_kit_http_errors_total",
                "Connections and answers that ended badly, by cause.",
            )
            .labels(["cause"]),
        )?;
        let in_flight = registry.add(IntGauge::define(
            "exporter_kit_http_requests_in_flight",
            "HTTP requests whose answers are not complete.",
        ))?;
        let connections = registry.add(IntGauge::define(
            "exporter_kit_http_connections",
            "Open connections of HTTP clients.",
        ))?;
        let duration = registry.add(
            Histogram::define(
                "exporter_kit_http_request_duration_seconds",
                "From the head of a request to the end of its answer.",
            )
            .unit("seconds")
            .buckets(&SECONDS),
        )?;
        let size = registry.add(
            Histogram::define(
                "exporter_kit_http_response_size_bytes",
                "Bytes of the bodies of answers, as they were sent.",
            )
            .unit("bytes")
            .buckets(&BYTES),
        )?;
        Ok(Arc::new(Self {
            by_code: CODES.map(|code| requests.with([itoa::Buffer::new().format(code)])),
            errors: Cause::ALL.map(|cause| errors.with([cause.as_str()])),
            registry,
            requests,
            in_flight,
            connections,
            duration,
            size,
        }))
    }

    /// The registry of these metrics.
    pub(crate) fn registry(&self) -> &Registry {
        &self.registry
    }

    /// Counts a connection as open, until the guard is dropped.
    pub(crate) fn connected(&self) -> InProgress<IntGauge> {
        self.connections.track_in_progress()
    }

    /// Measures a request whose head has arrived.
    pub(crate) fn begin(self: &Arc<Self>) -> Measuring {
        Measuring {
            _in_flight: self.in_flight.track_in_progress(),
            metrics: Arc::clone(self),
            started: Instant::now(),
            outcome: RequestOutcome::Waiting,
            bytes: 0,
        }
    }

    pub(crate) fn count_error(&self, cause: Cause) {
        if let Some(counter) = self.errors.get(cause as usize) {
            counter.inc();
        }
    }

    /// Counts the error that ended a connection.
    pub(crate) fn connection_failed(&self, error: &hyper::Error) {
        // Truncated answers are counted with their bodies.
        let cause = Cause::of(error);
        if cause != Cause::ClientGone && !error.is_user() {
            self.count_error(cause);
        }
    }

    fn count(&self, status: StatusCode) {
        match CODES.iter().position(|code| *code == status.as_u16()) {
            Some(at) => self.by_code[at].inc(),
            None => self.requests.with([status.as_str()]).inc(),
        }
    }
}

impl fmt::Debug for SelfMetrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SelfMetrics").finish_non_exhaustive()
    }
}

/// A request under way, which is recorded when this is dropped.
#[derive(Debug)]
pub(crate) struct Measuring {
    _in_flight: InProgress<IntGauge>,
    metrics: Arc<SelfMetrics>,
    started: Instant,
    outcome: RequestOutcome,
    bytes: u64,
}

#[derive(Debug)]
enum RequestOutcome {
    /// The answer is pending.
    Waiting,
    /// The body is being sent.
    Sending,
    Complete,
    Failed(Cause),
}

impl Measuring {
    /// Notes the head of the answer.
    pub(crate) fn answered(&mut self, status: StatusCode) {
        self.metrics.count(status);
        self.outcome = RequestOutcome::Sending;
    }

    /// Notes that the connection took bytes of the body.
    pub(crate) fn sent(&mut self, bytes: usize) {
        self.bytes += bytes as u64;
    }

    /// Notes that the body is complete.
    pub(crate) fn complete(&mut self) {
        self.outcome = RequestOutcome::Complete;
    }

    /// Notes that the body will never be complete.
    pub(crate) fn incomplete(&mut self) {
        self.outcome = RequestOutcome::Failed(Cause::Incomplete);
    }
}

impl Drop for Measuring {
    fn drop(&mut self) {
        let metrics = &self.metrics;
        match self.outcome {
            RequestOutcome::Waiting | RequestOutcome::Sending => {
                metrics.count_error(Cause::ClientGone)
            }
            RequestOutcome::Failed(cause) => metrics.count_error(cause),
            RequestOutcome::Complete => {}
        }
        metrics
            .duration
            .observe(self.started.elapsed().as_secs_f64());
        metrics.size.observe(self.bytes);
    }
}
