//! What every path answers.

use std::sync::Arc;

use bytes::Bytes;
use http::header::{self, HeaderValue};
use http::{Method, Request, Response, StatusCode};

use super::body::Body;
use super::gate::Gate;
use super::handler::{Answer, MetricsHandler, method_not_allowed, plain};
use super::landing::Landing;

/// The paths of a server: the metrics, and the page that links to them.
#[derive(Debug)]
pub(crate) struct Site {
    metrics_path: String,
    metrics: MetricsHandler,
    page: Bytes,
    not_found: Bytes,
    /// What clients have to pass before they get here.
    pub(crate) gate: Option<Arc<dyn Gate>>,
}

impl Site {
    pub(crate) fn new(metrics_path: String, metrics: MetricsHandler, landing: &Landing) -> Self {
        Self {
            page: landing.html(&metrics_path).into(),
            not_found: format!("not found; the metrics are at {metrics_path}\n").into(),
            metrics_path,
            metrics,
            gate: None,
        }
    }

    /// Answers a request; its body is not read.
    pub(crate) fn answer<B>(&self, req: &Request<B>) -> Answer {
        let path = req.uri().path();
        if path == self.metrics_path {
            return self.metrics.answer(req);
        }
        let mut response = match (path, req.method()) {
            ("/", &Method::GET | &Method::HEAD) => self.landing(),
            ("/", _) => method_not_allowed(),
            _ => plain(StatusCode::NOT_FOUND, self.not_found.clone()),
        };
        if *req.method() == Method::HEAD {
            *response.body_mut() = Body::default();
        }
        Answer::ready(response)
    }

    fn landing(&self) -> Response<Body> {
        let mut response = plain(StatusCode::OK, self.page.clone());
        response.headers_mut().insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("text/html; charset=utf-8"),
        );
        response
    }
}
