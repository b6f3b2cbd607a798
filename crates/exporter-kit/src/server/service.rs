//! One request, from its head to the last byte of its answer: access control, router, measurement.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body::{Body as _, Frame, SizeHint};

use crate::scrape::answer::Answer;
use crate::scrape::body::Body;
use crate::scrape::pieces::BodyError;
use crate::server::access::{AccessControl, Admission, BoxFuture, Decision};
use crate::server::host;
use crate::server::peer::Peer;
use crate::server::router::Router;
use crate::server::self_metrics::{Measuring, SelfMetrics};

/// A server's answers, whatever the protocol of the connection.
#[derive(Debug)]
pub(crate) struct Service {
    router: Router,
    access: Option<Arc<dyn AccessControl>>,
    self_metrics: Option<Arc<SelfMetrics>>,
}

/// A connection's note on a request, kept until the answer has been sent or dropped.
pub(crate) trait Progress {
    /// The largest part of a body, in bytes, that is handed to the connection at once.
    const MAX_PART: usize;

    /// Notes whether the client has to take something before the answer can go on.
    fn wait_for_client(&self, waits: bool);
}

impl Service {
    pub(crate) fn new(
        router: Router,
        access: Option<Arc<dyn AccessControl>>,
        self_metrics: Option<Arc<SelfMetrics>>,
    ) -> Self {
        Self {
            router,
            access,
            self_metrics,
        }
    }

    /// The server's metrics about itself, unless they are switched off.
    pub(crate) fn self_metrics(&self) -> Option<&Arc<SelfMetrics>> {
        self.self_metrics.as_ref()
    }

    /// Answers a request of a peer, whose body is not read.
    pub(crate) fn respond<B, P: Progress>(
        self: &Arc<Self>,
        req: Request<B>,
        peer: Peer,
        progress: P,
    ) -> Exchange<P> {
        let measuring = self.self_metrics.as_ref().map(SelfMetrics::begin);
        let mut req = Request::from_parts(req.into_parts().0, ());
        req.extensions_mut().insert(peer);
        let stage = match &self.access {
            _ if let Some(refused) = host::refusal(&req) => {
                Stage::Answering(Answer::ready(refused), None)
            }
            None => Stage::Answering(self.router.answer(&req), None),
            Some(access) => match access.admit(&req, peer) {
                Admission::Decided(decision) => self.after(decision, &req),
                Admission::Pending(decision) => Stage::Deciding {
                    decision,
                    service: Arc::clone(self),
                    req,
                },
            },
        };
        Exchange {
            progress: Some(progress),
            measuring,
            stage,
        }
    }

    fn after(&self, decision: Decision, req: &Request<()>) -> Stage {
        match decision {
            Decision::Admitted(headers) => Stage::Answering(self.router.answer(req), Some(headers)),
            Decision::Refused(response) => Stage::Answering(Answer::ready(response), None),
        }
    }
}

/// The future answer to one request.
pub(crate) struct Exchange<P> {
    progress: Option<P>,
    measuring: Option<Measuring>,
    stage: Stage,
}

enum Stage {
    Deciding {
        decision: BoxFuture<Decision>,
        service: Arc<Service>,
        req: Request<()>,
    },
    /// With the headers that replace those of the answer.
    Answering(Answer, Option<Arc<HeaderMap>>),
}

impl<P: Progress + Unpin> Future for Exchange<P> {
    type Output = Result<Response<ExchangeBody<P>>, Infallible>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let response = loop {
            match &mut self.stage {
                Stage::Deciding {
                    decision,
                    service,
                    req,
                } => {
                    let decision = ready!(decision.as_mut().poll(cx));
                    self.stage = service.after(decision, req);
                }
                Stage::Answering(answer, headers) => {
                    let mut response = ready!(Pin::new(answer).poll(cx));
                    for (name, value) in headers.iter().flat_map(|headers| headers.iter()) {
                        response.headers_mut().insert(name, value.clone());
                    }
                    break response;
                }
            }
        };
        let progress = self.progress.take();
        if let Some(progress) = &progress {
            progress.wait_for_client(true);
        }
        let mut measuring = self.measuring.take();
        if let Some(measuring) = &mut measuring {
            measuring.answered(response.status());
            if response.body().is_end_stream() {
                measuring.complete();
            }
        }
        Poll::Ready(Ok(response.map(|body| ExchangeBody {
            body,
            progress,
            measuring,
        })))
    }
}

/// The body of an answer. Dropping it ends the request, whether the client has all of it or not.
#[derive(Debug)]
pub(crate) struct ExchangeBody<P> {
    body: Body,
    progress: Option<P>,
    measuring: Option<Measuring>,
}

impl<P: Progress + Unpin> http_body::Body for ExchangeBody<P> {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let part = self.body.poll_part(cx, P::MAX_PART);
        if let Some(progress) = &self.progress {
            progress.wait_for_client(part.is_ready());
        }
        let is_end = self.is_end_stream();
        if let Some(measuring) = &mut self.measuring {
            match &part {
                Poll::Ready(Some(Ok(part))) => {
                    measuring.sent(part.len());
                    if is_end {
                        measuring.complete();
                    }
                }
                Poll::Ready(Some(Err(_))) => measuring.incomplete(),
                Poll::Ready(None) => measuring.complete(),
                Poll::Pending => {}
            }
        }
        part.map(|part| part.map(|part| part.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
