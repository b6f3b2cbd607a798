//! The answers of the page's paths.

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use tokio::runtime::Handle;
use tokio::sync::oneshot;

use super::asset::{self, Asset};
use super::landing::{Landing, Links};
use super::render::{self, TABLE, Viewer};
use super::table::Table;
use crate::scrape::answer::{Answer, method_not_allowed, plain};
use crate::scrape::body::Body;
use crate::scrape::clauses::{clauses, quality};
use crate::scrape::handler::MetricsHandler;

/// Allows the page's own files and nothing inline. A browser with trusted types also refuses to turn text into markup.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
     connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
     require-trusted-types-for 'script'; trusted-types 'none'";

/// The metrics in the OpenMetrics format for a browser, which neither asks for that format nor displays it.
const OPENMETRICS: &str = "openmetrics.txt";

/// The page and the files that belong to it.
#[derive(Debug)]
pub(crate) struct Page {
    content: Arc<PageContent>,
}

#[derive(Debug)]
struct PageContent {
    landing: Landing,
    links: Links,
    started: Instant,
}

impl Page {
    pub(crate) fn new(landing: Landing, links: Links) -> Self {
        Self {
            content: Arc::new(PageContent {
                landing,
                links,
                started: Instant::now(),
            }),
        }
    }

    /// Answers a request for `path`, without the route prefix; `None` if the path is not one of the page's.
    pub(crate) fn answer<B>(
        &self,
        req: &Request<B>,
        path: &str,
        metrics: &MetricsHandler,
    ) -> Option<Answer> {
        let name = path.strip_prefix('/')?;
        let asset = asset::find(name);
        if !is_own(name) {
            return None;
        }
        if !matches!(*req.method(), Method::GET | Method::HEAD) {
            return Some(Answer::ready(method_not_allowed()));
        }
        let shape = Shape {
            gzip: accepts_gzip(req.headers()),
            head_only: *req.method() == Method::HEAD,
        };
        if let Some(asset) = asset {
            return Some(Answer::ready(file(asset, shape)));
        }
        Some(match name {
            OPENMETRICS => openmetrics(req, metrics),
            TABLE => self.table(req, shape, metrics),
            _ => {
                let PageContent { landing, links, .. } = &*self.content;
                let page = render::live(landing, links, &self.viewer(req));
                Answer::ready(html(page, shape))
            }
        })
    }

    /// Renders the table from a scrape, with the same deadline. That may block, so it runs on the runtime's blocking
    /// pool.
    fn table<B>(&self, req: &Request<B>, shape: Shape, metrics: &MetricsHandler) -> Answer {
        let content = Arc::clone(&self.content);
        let viewer = self.viewer(req);
        let Some(mut job) = metrics.begin(req) else {
            return metrics.overloaded();
        };
        let mut make = move |is_wanted: &dyn Fn() -> bool| {
            let PageContent { landing, links, .. } = &*content;
            let mut table = Table::default();
            job.collect_into(&mut table, is_wanted);
            html(render::table(landing, links, &viewer, table), shape)
        };
        let Ok(runtime) = Handle::try_current() else {
            return Answer::ready(make(&|| true));
        };
        let (sender, receiver) = oneshot::channel();
        runtime.spawn_blocking(move || {
            // A client that has gone needs no table.
            if !sender.is_closed() {
                let table = make(&|| !sender.is_closed());
                let _ = sender.send(table);
            }
        });
        Answer::waiting(receiver)
    }

    fn viewer<B>(&self, req: &Request<B>) -> Viewer {
        Viewer {
            host: host(req),
            login: req.headers().contains_key(header::AUTHORIZATION),
            uptime: self.content.started.elapsed(),
        }
    }
}

/// Returns whether a name below the prefix is the page or one of its files.
pub(crate) fn is_own(name: &str) -> bool {
    matches!(name, "" | TABLE | OPENMETRICS) || asset::find(name).is_some()
}

/// The form in which the body of an answer is sent.
#[derive(Clone, Copy)]
struct Shape {
    gzip: bool,
    head_only: bool,
}

fn html(page: String, shape: Shape) -> Response<Body> {
    let body = if shape.gzip {
        asset::compress(page.as_bytes()).into()
    } else {
        page.into()
    };
    let mut response = response("text/html; charset=utf-8", body, shape);
    let headers = response.headers_mut();
    set(headers, header::CONTENT_SECURITY_POLICY, POLICY);
    set(headers, header::CACHE_CONTROL, "no-store");
    response
}

/// The answer that a scraper of OpenMetrics gets, as text that a browser displays.
fn openmetrics<B>(req: &Request<B>, metrics: &MetricsHandler) -> Answer {
    let mut asked = Request::new(());
    *asked.method_mut() = req.method().clone();
    *asked.uri_mut() = req.uri().clone();
    asked.headers_mut().extend(
        req.headers()
            .get_all(header::ACCEPT_ENCODING)
            .iter()
            .map(|value| (header::ACCEPT_ENCODING, value.clone())),
    );
    set(
        asked.headers_mut(),
        header::ACCEPT,
        "application/openmetrics-text;version=1.0.0",
    );
    let answer = metrics.answer(&asked);
    let Ok(runtime) = Handle::try_current() else {
        return answer;
    };
    let (sender, receiver) = oneshot::channel();
    runtime.spawn(async move {
        let mut response = answer.await;
        let headers = response.headers_mut();
        set(headers, header::CONTENT_TYPE, "text/plain; charset=utf-8");
        harden(headers);
        // A client that has gone needs no answer.
        let _ = sender.send(response);
    });
    Answer::waiting(receiver)
}

fn file(asset: &'static Asset, shape: Shape) -> Response<Body> {
    let body = if shape.gzip {
        &asset.gzip
    } else {
        &asset.plain
    };
    let mut response = response(asset.content_type, body.clone(), shape);
    // The page names the version, so that each version has its own address.
    set(
        response.headers_mut(),
        header::CACHE_CONTROL,
        "private, max-age=31536000, immutable",
    );
    response
}

fn response(content_type: &'static str, body: Bytes, shape: Shape) -> Response<Body> {
    let mut response = plain(StatusCode::OK, body);
    let headers = response.headers_mut();
    set(headers, header::CONTENT_TYPE, content_type);
    set(headers, header::VARY, "Accept-Encoding");
    if shape.gzip {
        set(headers, header::CONTENT_ENCODING, "gzip");
    }
    harden(headers);
    if shape.head_only {
        *response.body_mut() = Body::default();
    }
    response
}

/// Sets the headers that keep a browser from guessing types, leaking addresses and framing.
pub(crate) fn harden(headers: &mut HeaderMap) {
    set(headers, header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(headers, header::REFERRER_POLICY, "no-referrer");
    set(headers, header::X_FRAME_OPTIONS, "DENY");
}

fn set(headers: &mut HeaderMap, name: HeaderName, value: &'static str) {
    headers.insert(name, HeaderValue::from_static(value));
}

/// Returns whether the client accepts gzip, the only coding of these answers. Every browser accepts it by name.
fn accepts_gzip(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(header::ACCEPT_ENCODING).iter();
    let accepted = clauses(accepted.filter_map(|value| value.to_str().ok()));
    let mut codings = accepted.map(|clause| clause.split_once(';').unwrap_or((clause, "")));
    codings.any(|(name, parameters)| {
        name.trim().eq_ignore_ascii_case("gzip") && quality(parameters) > 0
    })
}

/// The server's name in the request, if it is a plain host name or address, with or without a port.
fn host<B>(req: &Request<B>) -> Option<String> {
    let host = match req.uri().authority() {
        Some(authority) => authority.as_str(),
        None => req.headers().get(header::HOST)?.to_str().ok()?,
    };
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b".:-_[]%".contains(&byte);
    (!host.is_empty() && host.len() <= 261 && host.bytes().all(is_plain)).then(|| host.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_hosts_are_shown() {
        let host = |text: &str| {
            let req = Request::builder().header(header::HOST, text).body(());
            host(&req.unwrap())
        };
        for plain in ["localhost:8000", "[::1]:9100", "app.example", "10.0.0.1"] {
            assert_eq!(host(plain).as_deref(), Some(plain));
        }
        for other in ["", "a b", "<b>", "a'b", "user@host", &"a".repeat(300)] {
            assert_eq!(host(other), None, "{other}");
        }
    }
}
