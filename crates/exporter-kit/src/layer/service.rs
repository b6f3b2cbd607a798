//! The service around another service, and its future.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::{Request, Response};
use http_body::Body;
use pin_project_lite::pin_project;
use tower_service::Service;

use super::measurement::Measurement;
use super::request_metrics::RequestMetrics;

/// A measured service; made by the layer [`RequestMetrics`].
#[derive(Clone, Debug)]
pub struct MeasuredService<S> {
    inner: S,
    metrics: RequestMetrics,
}

impl<S> MeasuredService<S> {
    pub(super) fn new(inner: S, metrics: RequestMetrics) -> Self {
        Self { inner, metrics }
    }
}

impl<S, B, R> Service<Request<B>> for MeasuredService<S>
where
    S: Service<Request<B>, Response = Response<R>>,
    B: Body,
    R: Body,
{
    type Response = Response<R>;
    type Error = S::Error;
    type Future = MeasuredFuture<S::Future>;

    fn poll_ready(&mut self, ctx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(ctx)
    }

    fn call(&mut self, req: Request<B>) -> Self::Future {
        let (measurement, req) = Measurement::begin(&self.metrics.shared, req);
        MeasuredFuture {
            inner: self.inner.call(req),
            measurement: Some(measurement),
        }
    }
}

pin_project! {
    /// The future of a [`MeasuredService`].
    #[must_use = "a future does nothing unless it is polled"]
    pub struct MeasuredFuture<F> {
        #[pin]
        inner: F,
        // Taken with the answer.
        measurement: Option<Measurement>,
    }
}

impl<F> fmt::Debug for MeasuredFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MeasuredFuture")
            .field("answered", &self.measurement.is_none())
            .finish_non_exhaustive()
    }
}

impl<F, R, E> Future for MeasuredFuture<F>
where
    F: Future<Output = Result<Response<R>, E>>,
    R: Body,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, ctx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let result = ready!(this.inner.poll(ctx));
        if let Some(measurement) = this.measurement.take() {
            match &result {
                Ok(response) => measurement.answered(response),
                Err(_) => measurement.end("error", None),
            }
        }
        Poll::Ready(result)
    }
}
