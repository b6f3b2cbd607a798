//! The measurement of one request, up to its record.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Instant;

use http::header::CONTENT_LENGTH;
use http::request::Parts;
use http::{HeaderMap, Method, Request, Response};
use http_body::Body;

use crate::metric::{Counter, Family, Histogram, InProgress, IntGauge};

/// The parts that all requests share.
pub(super) struct LayerState {
    pub(super) extra_methods: Vec<&'static str>,
    pub(super) route: Option<FromRequest>,
    pub(super) exemplar: Option<(&'static str, FromRequest)>,
    pub(super) in_flight: IntGauge,
    pub(super) answered: Answered,
}

/// The families that are recorded with the answer, by their labels.
pub(super) enum Answered {
    Plain(Families<2>),
    Routed(Families<3>),
}

pub(super) struct Families<const N: usize> {
    pub(super) requests: Family<Counter, N>,
    pub(super) durations: Family<Histogram, N>,
    pub(super) sizes: Option<Sizes<N>>,
}

pub(super) struct Sizes<const N: usize> {
    pub(super) request: Family<Histogram, N>,
    pub(super) response: Family<Histogram, N>,
}

pub(super) type FromRequest = Box<dyn Fn(&Parts) -> Option<Cow<'static, str>> + Send + Sync>;

/// A request under way. Without an end, it counts as `dropped`.
pub(super) struct Measurement {
    shared: Arc<LayerState>,
    /// Counts the request as in flight until this is dropped.
    _in_flight: InProgress<IntGauge>,
    method: &'static str,
    route: Option<Cow<'static, str>>,
    exemplar: Option<Cow<'static, str>>,
    request_size: Option<u64>,
    started: Instant,
    ended: bool,
}

impl Measurement {
    pub(super) fn begin<B: Body>(shared: &Arc<LayerState>, req: Request<B>) -> (Self, Request<B>) {
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

    pub(super) fn answered<R: Body>(self, response: &Response<R>) {
        // The length in an answer to HEAD is that of GET.
        let size = if self.method == "HEAD" {
            Some(0)
        } else {
            size(response.headers(), response.body())
        };
        self.end(response.status().as_str(), size);
    }

    pub(super) fn end(mut self, code: &str, response_size: Option<u64>) {
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
                // An invalid exemplar does not prevent the record.
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

/// The size of a body in bytes, if it is known before the body is read.
fn size(headers: &HeaderMap, body: &impl Body) -> Option<u64> {
    body.size_hint().exact().or_else(|| {
        let length = headers.get(CONTENT_LENGTH)?.to_str().ok()?;
        length.trim().parse().ok()
    })
}
