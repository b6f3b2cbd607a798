//! What every path answers.

use bytes::Bytes;
use http::{Method, Request, StatusCode};

use super::body::Body;
use super::handler::{Answer, MetricsHandler, plain};
use super::page::{Landing, Page};

/// The paths of a server: the metrics, and the page that shows them.
#[derive(Debug)]
pub(crate) struct Site {
    metrics_path: String,
    metrics: MetricsHandler,
    page: Page,
    not_found: Bytes,
}

impl Site {
    pub(crate) fn new(metrics_path: String, metrics: MetricsHandler, landing: Landing) -> Self {
        Self {
            page: Page::new(landing, &metrics_path, metrics.registry()),
            not_found: format!("not found; the metrics are at {metrics_path}\n").into(),
            metrics_path,
            metrics,
        }
    }

    /// Answers a request; its body is not read.
    pub(crate) fn answer<B>(&self, req: &Request<B>) -> Answer {
        let path = req.uri().path();
        if path == self.metrics_path {
            return self.metrics.answer(req);
        }
        if let Some(answer) = self.page.answer(req, path, &self.metrics) {
            return answer;
        }
        let mut response = plain(StatusCode::NOT_FOUND, self.not_found.clone());
        if *req.method() == Method::HEAD {
            *response.body_mut() = Body::default();
        }
        Answer::ready(response)
    }
}
