//! What may stand between clients and the site: it encrypts connections, and admits requests.
//!
//! A server without a web configuration has no gate, and pays one comparison for that.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{HeaderMap, Request, Response};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;

use crate::collect::Collect;
use crate::scrape::answer::Answer;
use crate::scrape::body::Body;
use crate::server::site::Site;

/// A connection of any kind.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// A future that does not say what it is.
pub(crate) type Boxed<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Stands between clients and the site. Called by every connection, at once; must not block.
pub(crate) trait Gate: fmt::Debug + Send + Sync {
    /// Whether connections are encrypted; the same for as long as the server runs.
    fn is_encrypted(&self) -> bool;

    /// What the server shows about it.
    fn metrics(&self) -> Arc<dyn Collect>;

    /// Serves an encrypted connection until its client is done with it, or the server is to stop.
    fn serve(
        self: Arc<Self>,
        stream: Box<dyn Stream>,
        site: Arc<Site>,
        stopped: watch::Receiver<()>,
    ) -> Boxed<()>;

    /// Judges a request before the site sees it.
    fn admit(&self, req: &Request<()>) -> Admission;
}

/// When it is known what becomes of a request.
pub(crate) enum Admission {
    Now(Verdict),
    Later(Boxed<Verdict>),
}

/// What becomes of a request.
pub(crate) enum Verdict {
    /// The site answers it, and these headers replace its own.
    Admitted(Arc<HeaderMap>),
    /// This is the answer.
    Refused(Response<Body>),
}

/// The answer of the site behind its gate, if it has one.
pub(crate) fn answer<B>(site: &Arc<Site>, req: Request<B>) -> GatedAnswer {
    // The body is not read.
    let req = Request::from_parts(req.into_parts().0, ());
    let Some(gate) = &site.gate else {
        return GatedAnswer(State::Answering(site.answer(&req), None));
    };
    GatedAnswer(match gate.admit(&req) {
        Admission::Now(verdict) => judged(verdict, site, &req),
        Admission::Later(verdict) => State::Judging {
            verdict,
            site: Arc::clone(site),
            req,
        },
    })
}

fn judged(verdict: Verdict, site: &Site, req: &Request<()>) -> State {
    match verdict {
        Verdict::Admitted(headers) => State::Answering(site.answer(req), Some(headers)),
        Verdict::Refused(response) => State::Answering(Answer::ready(response), None),
    }
}

/// An answer, or the wait for what comes before it.
pub(crate) struct GatedAnswer(State);

enum State {
    Judging {
        verdict: Boxed<Verdict>,
        site: Arc<Site>,
        req: Request<()>,
    },
    Answering(Answer, Option<Arc<HeaderMap>>),
}

impl Future for GatedAnswer {
    type Output = Response<Body>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Response<Body>> {
        loop {
            match &mut self.0 {
                State::Judging { verdict, site, req } => {
                    let Poll::Ready(verdict) = verdict.as_mut().poll(cx) else {
                        return Poll::Pending;
                    };
                    self.0 = judged(verdict, site, req);
                }
                State::Answering(answer, headers) => {
                    let Poll::Ready(mut response) = Pin::new(answer).poll(cx) else {
                        return Poll::Pending;
                    };
                    for (name, value) in headers.iter().flat_map(|headers| headers.iter()) {
                        response.headers_mut().insert(name, value.clone());
                    }
                    return Poll::Ready(response);
                }
            }
        }
    }
}
