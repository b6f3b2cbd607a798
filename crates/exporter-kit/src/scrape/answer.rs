//! The response to a request: ready, or pending.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::{self, HeaderValue};
use http::{Response, StatusCode};
use tokio::sync::oneshot;

use crate::scrape::body::Body;

/// A response, or the wait for its beginning.
#[derive(Debug)]
pub(crate) enum Answer {
    Ready(std::future::Ready<Response<Body>>),
    /// Another thread or task creates it. If that ends without a response, the status is 500.
    Waiting(oneshot::Receiver<Response<Body>>),
}

impl Answer {
    pub(crate) fn ready(response: Response<Body>) -> Self {
        Self::Ready(std::future::ready(response))
    }

    pub(crate) fn waiting(response: oneshot::Receiver<Response<Body>>) -> Self {
        Self::Waiting(response)
    }
}

impl Future for Answer {
    type Output = Response<Body>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Response<Body>> {
        match &mut *self {
            Self::Ready(ready) => Pin::new(ready).poll(cx),
            Self::Waiting(receiver) => Pin::new(receiver)
                .poll(cx)
                .map(|answer| answer.unwrap_or_else(|_| failed())),
        }
    }
}

/// The future of a [`MetricsHandler`](crate::scrape::MetricsHandler)'s response. It never fails.
#[derive(Debug)]
pub struct ResponseFuture(pub(super) Answer);

impl Future for ResponseFuture {
    type Output = Result<Response<Body>, Infallible>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(cx).map(Ok)
    }
}

/// A short plain-text response.
pub(crate) fn plain(status: StatusCode, text: impl Into<Bytes>) -> Response<Body> {
    let text = text.into();
    let length = text.len();
    let mut response = Response::new(Body::whole(text));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/plain; charset=utf-8"),
    );
    headers.insert(header::CONTENT_LENGTH, length.into());
    response
}

pub(crate) fn method_not_allowed() -> Response<Body> {
    let mut response = plain(
        StatusCode::METHOD_NOT_ALLOWED,
        "method not allowed; use GET or HEAD\n",
    );
    response
        .headers_mut()
        .insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
    response
}

fn failed() -> Response<Body> {
    plain(
        StatusCode::INTERNAL_SERVER_ERROR,
        "the scrape ended before it had an answer; see the program's standard error\n",
    )
}
