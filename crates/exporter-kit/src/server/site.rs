//! What every path answers.

use std::sync::Arc;

use bytes::Bytes;
use http::header::{self, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use tokio::runtime::Handle;
use tokio::sync::oneshot;

use crate::page::{Landing, Page};
use crate::scrape::answer::{Answer, method_not_allowed, plain};
use crate::scrape::body::Body;
use crate::scrape::handler::MetricsHandler;
use crate::server::gate::Gate;
use crate::server::lifecycle::Lifecycle;
use crate::server::mounts::Mounts;
use crate::server::reload::Reloader;
use crate::server::routes::{Route, Routes};
use crate::server::self_metrics::SelfMetrics;

/// The paths of a server: the metrics, the page that shows them, and what operators ask and order.
#[derive(Debug)]
pub(crate) struct Site {
    routes: Routes,
    metrics: MetricsHandler,
    page: Page,
    not_found: Bytes,
    /// Paths that the program has added.
    pub(crate) mounts: Mounts,
    pub(crate) lifecycle: Lifecycle,
    /// What reloads, where requests may ask for it.
    pub(crate) reloader: Option<Reloader>,
    /// What the server measures of itself, unless it is not to.
    pub(crate) self_metrics: Option<Arc<SelfMetrics>>,
    /// What clients have to pass before they get here.
    pub(crate) gate: Option<Arc<dyn Gate>>,
}

impl Site {
    pub(crate) fn new(routes: Routes, metrics: MetricsHandler, landing: &Landing) -> Self {
        Self {
            page: Page::new(landing, &routes),
            not_found: format!("not found; the metrics are at {}\n", routes.metrics()).into(),
            routes,
            metrics,
            mounts: Mounts::default(),
            lifecycle: Lifecycle::default(),
            reloader: None,
            self_metrics: None,
            gate: None,
        }
    }

    /// Answers a request; its body is not read.
    pub(crate) fn answer<B>(&self, req: &Request<B>) -> Answer {
        let route = self.routes.of(req.uri().path());
        match route {
            Route::Metrics => return self.metrics.answer(req),
            Route::Reload => return self.reload(req.method()),
            Route::Below(path) => {
                let mounted = self.mounts.answer(req, path, &self.metrics);
                let answer = mounted.or_else(|| self.page.answer(req, path, &self.metrics));
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
        // A prefix has only what a header can have.
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
        let Some(reloader) = self.reloader.clone() else {
            return Answer::ready(plain(
                StatusCode::FORBIDDEN,
                "reloading by request is not enabled; start the program with --web.enable-lifecycle\n",
            ));
        };
        let reload = move || match reloader.reload() {
            Ok(()) => plain(StatusCode::OK, "reloaded\n"),
            Err(error) => plain(StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")),
        };
        // Programs may read files and ask other systems meanwhile.
        match Handle::try_current() {
            Ok(runtime) => {
                let (sender, receiver) = oneshot::channel();
                runtime.spawn_blocking(move || {
                    // Someone who has gone needs no answer.
                    let _ = sender.send(reload());
                });
                Answer::waiting(receiver)
            }
            Err(_) => Answer::ready(reload()),
        }
    }
}
