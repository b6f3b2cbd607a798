//! The answer of each path.

use bytes::Bytes;
use http::header::{self, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use tokio::sync::oneshot;

use crate::page::Page;
use crate::scrape::answer::{Answer, method_not_allowed, plain};
use crate::scrape::body::Body;
use crate::scrape::handler::MetricsHandler;
use crate::server::endpoints::Endpoints;
use crate::server::lifecycle::Lifecycle;
use crate::server::reload::Reloader;
use crate::server::routes::{Route, Routes};

/// The paths of a server: metrics, the page that shows them, operation, and paths of the program.
#[derive(Debug)]
pub(crate) struct Router {
    routes: Routes,
    metrics: MetricsHandler,
    page: Page,
    endpoints: Endpoints,
    lifecycle: Lifecycle,
    reload: ReloadByRequest,
    not_found: Bytes,
}

/// The answer to requests for a reload.
#[derive(Debug)]
pub(crate) enum ReloadByRequest {
    Enabled(Reloader),
    /// With the text of the refusal.
    Disabled(Bytes),
}

impl ReloadByRequest {
    /// Refuses every reload; the hint says how to enable them.
    pub(crate) fn disabled(hint: Option<&str>) -> Self {
        let mut text = "reloading by request is disabled".to_owned();
        if let Some(hint) = hint {
            text.push_str("; ");
            text.push_str(hint);
        }
        text.push('\n');
        Self::Disabled(text.into())
    }
}

impl Router {
    pub(crate) fn new(
        routes: Routes,
        metrics: MetricsHandler,
        page: Page,
        endpoints: Endpoints,
        lifecycle: Lifecycle,
        reload: ReloadByRequest,
    ) -> Self {
        Self {
            not_found: format!("not found; the metrics are at {}\n", routes.metrics()).into(),
            routes,
            metrics,
            page,
            endpoints,
            lifecycle,
            reload,
        }
    }

    /// Answers a request, whose body is not read.
    pub(crate) fn answer<B>(&self, req: &Request<B>) -> Answer {
        let route = self.routes.of(req.uri().path());
        match route {
            Route::Metrics => return self.metrics.answer(req),
            Route::Reload => return self.reload(req.method()),
            Route::Below(path) => {
                let added = self.endpoints.answer(req, path, &self.metrics);
                let answer = added.or_else(|| self.page.answer(req, path, &self.metrics));
                if let Some(answer) = answer {
                    return answer;
                }
            }
            _ => {}
        }
        let is_read = matches!(*req.method(), Method::GET | Method::HEAD);
        let mut response = match route {
            Route::Healthy if is_read => plain(StatusCode::OK, "healthy\n"),
            Route::Ready if is_read => self.ready(),
            Route::ToHome if is_read => self.to_home(),
            Route::Healthy | Route::Ready | Route::ToHome => method_not_allowed(),
            _ => plain(StatusCode::NOT_FOUND, self.not_found.clone()),
        };
        if *req.method() == Method::HEAD {
            *response.body_mut() = Body::default();
        }
        Answer::ready(response)
    }

    fn ready(&self) -> Response<Body> {
        if self.lifecycle.is_stopping() {
            plain(StatusCode::SERVICE_UNAVAILABLE, "shutting down\n")
        } else if self.lifecycle.is_ready() {
            plain(StatusCode::OK, "ready\n")
        } else {
            plain(StatusCode::SERVICE_UNAVAILABLE, "not ready yet\n")
        }
    }

    fn to_home(&self) -> Response<Body> {
        let home = self.routes.home();
        let mut response = plain(StatusCode::FOUND, format!("the page is at {home}\n"));
        // Every path prefix is a valid header value.
        if let Ok(location) = HeaderValue::try_from(home) {
            response.headers_mut().insert(header::LOCATION, location);
        }
        response
    }

    fn reload(&self, method: &Method) -> Answer {
        if !matches!(*method, Method::POST | Method::PUT) {
            let mut response = plain(
                StatusCode::METHOD_NOT_ALLOWED,
                "method not allowed; use POST or PUT\n",
            );
            if *method == Method::HEAD {
                *response.body_mut() = Body::default();
            }
            response
                .headers_mut()
                .insert(header::ALLOW, HeaderValue::from_static("POST, PUT"));
            return Answer::ready(response);
        }
        let reloader = match &self.reload {
            ReloadByRequest::Enabled(reloader) => reloader.clone(),
            ReloadByRequest::Disabled(why) => {
                return Answer::ready(plain(StatusCode::FORBIDDEN, why.clone()));
            }
        };
        let (sender, receiver) = oneshot::channel();
        reloader.reload_then(move |reloaded| {
            let response = match reloaded {
                Ok(()) => plain(StatusCode::OK, "reloaded\n"),
                Err(error) => plain(StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")),
            };
            // A client that has gone needs no answer.
            let _ = sender.send(response);
        });
        Answer::waiting(receiver)
    }
}

#[cfg(test)]
impl Router {
    /// A router whose page at `/` has at least as many bytes.
    pub(crate) fn with_page(bytes: usize) -> Self {
        let registry = crate::registry::Registry::new();
        let landing = crate::page::Landing {
            description: Some("x".repeat(bytes)),
            ..Default::default()
        };
        let routes = Routes::new(None, None, "/metrics");
        Self::new(
            Routes::new(None, None, "/metrics"),
            MetricsHandler::new(&registry),
            Page::new(landing, routes.links()),
            Endpoints::default(),
            Lifecycle::default(),
            ReloadByRequest::disabled(None),
        )
    }
}
