//! Paths that a program adds to its server: probes and pages.

use std::fmt;
use std::sync::Arc;

use http::header::{self, HeaderValue};
use http::{Method, Request, Response, StatusCode};

use crate::page::{self, PageLink};
use crate::scrape::answer::{Answer, method_not_allowed, plain};
use crate::scrape::body::Body;
use crate::scrape::handler::MetricsHandler;
use crate::server::error::ServeError;
use crate::server::path;
use crate::server::probe::{self, Choose};

/// Renders the text of a page.
pub(crate) type PageText = dyn Fn() -> String + Send + Sync;

/// A path with its answer.
pub(crate) struct Endpoint {
    path: String,
    content: EndpointContent,
}

enum EndpointContent {
    Probe(Arc<Choose>),
    Page { title: String, text: Arc<PageText> },
}

impl Endpoint {
    /// The metrics of a target that the request names.
    pub(crate) fn probe(path: String, choose: Arc<Choose>) -> Self {
        let content = EndpointContent::Probe(choose);
        Self { path, content }
    }

    /// Plain text, with a link on the page at `/`.
    pub(crate) fn page(path: String, title: String, text: Arc<PageText>) -> Self {
        let content = EndpointContent::Page { title, text };
        Self { path, content }
    }

    fn answer<B>(&self, req: &Request<B>, metrics: &MetricsHandler) -> Answer {
        match &self.content {
            EndpointContent::Probe(choose) => probe::answer(req, choose, metrics),
            EndpointContent::Page { text, .. } => Answer::ready(match *req.method() {
                Method::GET => text_page(text()),
                Method::HEAD => text_page(text()).map(|_| Body::default()),
                _ => method_not_allowed(),
            }),
        }
    }
}

/// All paths that a program has added.
#[derive(Debug, Default)]
pub(crate) struct Endpoints(Vec<Endpoint>);

impl Endpoints {
    /// # Errors
    /// If a path is invalid or in use.
    pub(crate) fn new(endpoints: Vec<Endpoint>, metrics_path: &str) -> Result<Self, ServeError> {
        for (i, endpoint) in endpoints.iter().enumerate() {
            let path = endpoint.path.as_str();
            let others = endpoints.iter().take(i).any(|other| other.path == path);
            let is_taken = path == metrics_path
                || path.starts_with("/-/")
                || path.strip_prefix('/').is_some_and(page::is_own);
            let fault = path::check(path).err().or((others || is_taken)
                .then_some("the path is in use; choose another, such as /probe"));
            if let Some(why) = fault {
                let path = path.into();
                return Err(ServeError::Endpoint { path, why });
            }
        }
        Ok(Self(endpoints))
    }

    /// The links to the pages.
    pub(crate) fn links(&self) -> Vec<PageLink> {
        let link = |endpoint: &Endpoint| match &endpoint.content {
            EndpointContent::Probe(_) => None,
            EndpointContent::Page { title, .. } => Some(PageLink {
                path: endpoint.path.clone(),
                title: title.clone(),
            }),
        };
        self.0.iter().filter_map(link).collect()
    }

    /// Answers a request for `path`, without the route prefix, if it is one of these.
    pub(crate) fn answer<B>(
        &self,
        req: &Request<B>,
        path: &str,
        metrics: &MetricsHandler,
    ) -> Option<Answer> {
        let endpoint = self.0.iter().find(|endpoint| endpoint.path == path)?;
        Some(endpoint.answer(req, metrics))
    }
}

fn text_page(text: String) -> Response<Body> {
    let mut response = plain(StatusCode::OK, text);
    let headers = response.headers_mut();
    page::harden(headers);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Endpoint").field(&self.path).finish()
    }
}
