//! HTTP/2, for clients that ask for it in the handshake.
//!
//! Several requests share a connection, so what bounds a client is counted by request: how many there may be at
//! once, how much waits for the client, and for how long.

use std::convert::Infallible;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body::{Body as _, Frame, SizeHint};
use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;
use tokio::time::{Instant, timeout};

use crate::scrape::body::{Body, BodyError};
use crate::server::connection::MAX_HEAD_BYTES;
use crate::server::gate::{self, GatedAnswer};
use crate::server::guard::{IDLE_TIMEOUT, WRITE_TIMEOUT};
use crate::server::self_metrics::{Measuring, SelfMetrics};
use crate::server::server::{GRACE, first, until};
use crate::server::site::Site;

/// How many requests of a connection are answered at once.
const MAX_REQUESTS: u32 = 32;

/// The largest piece of an answer, in bytes, that waits for a client to take it.
const PIECE_BYTES: usize = 16 * 1024;

/// How often it is seen whether a client keeps the connection waiting.
const LOOK: Duration = Duration::from_secs(5);

/// Serves a connection until its client is done with it, keeps it waiting for too long, or the server is to stop.
pub(super) async fn serve<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
    stream: S,
    site: Arc<Site>,
    mut stopped: watch::Receiver<()>,
) {
    let requests = Requests::new();
    let self_metrics = site.self_metrics.clone();
    let connection = http2::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .max_concurrent_streams(MAX_REQUESTS)
        .max_header_list_size(MAX_HEAD_BYTES as u32)
        .max_send_buf_size(PIECE_BYTES)
        .serve_connection(
            TokioIo::new(stream),
            Service {
                site,
                requests: requests.clone(),
            },
        );
    let mut connection = pin!(connection);
    let ended = first(
        async {
            let served = async {
                // What went wrong is the client's doing, and was answered if it could be.
                if let Err(error) = connection.as_mut().await
                    && let Some(metrics) = &self_metrics
                {
                    metrics.connection_failed(&error);
                }
            };
            first(served, requests.wait_too_long()).await;
        },
        until(&mut stopped),
    )
    .await;
    if !ended {
        connection.as_mut().graceful_shutdown();
        let _ = timeout(GRACE, connection).await;
    }
}

/// The requests that are being answered.
#[derive(Clone)]
struct Requests(Arc<Mutex<Open>>);

struct Open {
    /// Each with since when it waits for the client, if it does.
    requests: Vec<(u64, Option<Instant>)>,
    next: u64,
    /// Since when there is none.
    idle: Instant,
}

impl Requests {
    fn new() -> Self {
        Self(Arc::new(Mutex::new(Open {
            requests: Vec::new(),
            next: 0,
            idle: Instant::now(),
        })))
    }

    fn open(&self) -> Waiting {
        let mut open = self.lock();
        let id = open.next;
        open.next += 1;
        open.requests.push((id, None));
        Waiting {
            requests: self.clone(),
            id,
        }
    }

    /// Resolves once the client has kept the connection waiting for too long.
    async fn wait_too_long(&self) {
        while !self.lock().waited_too_long(Instant::now()) {
            tokio::time::sleep(LOOK).await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Open {
    fn waited_too_long(&self, now: Instant) -> bool {
        let for_client = |since: &Instant| now.duration_since(*since) >= WRITE_TIMEOUT;
        if self.requests.is_empty() {
            now.duration_since(self.idle) >= IDLE_TIMEOUT
        } else {
            self.requests
                .iter()
                .any(|(_, since)| since.as_ref().is_some_and(for_client))
        }
    }
}

/// One request, until this is dropped.
struct Waiting {
    requests: Requests,
    id: u64,
}

impl Waiting {
    /// Says whether the client is the one who is waited for from now on.
    fn for_client(&self, waits: bool) {
        let since = waits.then(Instant::now);
        let mut open = self.requests.lock();
        for (_, waiting) in open.requests.iter_mut().filter(|(id, _)| *id == self.id) {
            *waiting = since;
        }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let mut open = self.requests.lock();
        open.requests.retain(|(id, _)| *id != self.id);
        open.idle = Instant::now();
    }
}

/// The site, for one connection.
struct Service {
    site: Arc<Site>,
    requests: Requests,
}

impl hyper::service::Service<Request<Incoming>> for Service {
    type Response = Response<PiecedBody>;
    type Error = Infallible;
    type Future = PiecedAnswer;

    fn call(&self, req: Request<Incoming>) -> PiecedAnswer {
        PiecedAnswer {
            waiting: Some(self.requests.open()),
            measuring: self.site.self_metrics.as_ref().map(SelfMetrics::begin),
            answer: gate::answer(&self.site, req),
        }
    }
}

/// An answer whose body is given in pieces.
struct PiecedAnswer {
    waiting: Option<Waiting>,
    measuring: Option<Measuring>,
    answer: GatedAnswer,
}

impl Future for PiecedAnswer {
    type Output = Result<Response<PiecedBody>, Infallible>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Poll::Ready(response) = Pin::new(&mut self.answer).poll(cx) else {
            return Poll::Pending;
        };
        let waiting = self.waiting.take();
        if let Some(waiting) = &waiting {
            waiting.for_client(true);
        }
        let mut measuring = self.measuring.take();
        if let Some(measuring) = &mut measuring {
            measuring.answered(response.status());
            if response.body().is_end_stream() {
                measuring.complete();
            }
        }
        Poll::Ready(Ok(response.map(|body| PiecedBody {
            body,
            rest: Bytes::new(),
            waiting,
            measuring,
        })))
    }
}

/// A body in pieces that a client can be expected to take, which says when it waits for that.
struct PiecedBody {
    body: Body,
    rest: Bytes,
    waiting: Option<Waiting>,
    measuring: Option<Measuring>,
}

impl PiecedBody {
    fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, BodyError>>> {
        while self.rest.is_empty() {
            match Pin::new(&mut self.body).poll_frame(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(None) => return Poll::Ready(None),
                Poll::Ready(Some(Err(error))) => return Poll::Ready(Some(Err(error))),
                Poll::Ready(Some(Ok(frame))) => self.rest = frame.into_data().unwrap_or_default(),
            }
        }
        let length = self.rest.len().min(PIECE_BYTES);
        Poll::Ready(Some(Ok(self.rest.split_to(length))))
    }
}

impl http_body::Body for PiecedBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let piece = self.poll_piece(cx);
        if let Some(waiting) = &self.waiting {
            waiting.for_client(piece.is_ready());
        }
        let is_end = self.is_end_stream();
        if let Some(measuring) = &mut self.measuring {
            match &piece {
                Poll::Ready(Some(Ok(piece))) => {
                    measuring.sent(piece.len());
                    if is_end {
                        measuring.complete();
                    }
                }
                Poll::Ready(Some(Err(_))) => measuring.incomplete(),
                Poll::Ready(None) => measuring.complete(),
                Poll::Pending => {}
            }
        }
        piece.map(|piece| piece.map(|piece| piece.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let rest = self.rest.len() as u64;
        let mut hint = self.body.size_hint();
        if let Some(upper) = hint.upper() {
            hint.set_upper(upper + rest);
        }
        hint.set_lower(hint.lower() + rest);
        hint
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::{BodyExt as _, Empty};
    use hyper::client::conn::http2::{self, SendRequest};
    use tokio::task::JoinHandle;

    use super::*;
    use crate::page::Landing;
    use crate::registry::Registry;
    use crate::scrape::MetricsHandler;
    use crate::server::routes::Routes;

    type Client = SendRequest<Empty<Bytes>>;

    /// A client of a server whose page is that long, and the end of that server.
    async fn connect(page: usize) -> (Client, JoinHandle<()>, watch::Sender<()>) {
        let landing = Landing {
            description: Some("x".repeat(page)),
            ..Landing::default()
        };
        let metrics = MetricsHandler::new(&Registry::new());
        let site = Arc::new(Site::new(
            Routes::new(None, None, "/metrics"),
            metrics,
            &landing,
        ));
        let (client, server) = tokio::io::duplex(64 * 1024);
        let (stop, stopped) = watch::channel(());
        let served = tokio::spawn(serve(server, site, stopped));
        let client = TokioIo::new(client);
        let (requests, connection) = http2::handshake(TokioExecutor::new(), client)
            .await
            .unwrap();
        tokio::spawn(connection);
        (requests, served, stop)
    }

    fn request() -> Request<Empty<Bytes>> {
        Request::get("http://a/").body(Empty::new()).unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_takes_no_answer_is_closed() {
        let (mut requests, served, _stop) = connect(4_000_000).await;
        let before = Instant::now();
        let stalled = requests.send_request(request()).await.unwrap();
        // Others on the same connection change nothing about it.
        let other = requests.send_request(request()).await.unwrap();
        assert!(other.into_body().collect().await.unwrap().to_bytes().len() > 4_000_000);
        served.await.unwrap();
        let took = before.elapsed();
        assert!(
            took >= WRITE_TIMEOUT && took <= WRITE_TIMEOUT + 2 * LOOK,
            "{took:?}"
        );
        assert!(stalled.into_body().collect().await.is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_takes_its_answer_slowly_gets_it() {
        let (mut requests, _served, _stop) = connect(300_000).await;
        let mut body = requests.send_request(request()).await.unwrap().into_body();
        let mut taken = 0;
        while let Some(frame) = body.frame().await {
            taken += frame.unwrap().into_data().unwrap().len();
            tokio::time::sleep(WRITE_TIMEOUT / 4).await;
        }
        assert!(taken > 300_000);
    }

    #[tokio::test(start_paused = true)]
    async fn an_idle_client_is_kept_for_longer_than_prometheus_keeps_it() {
        let (mut requests, served, _stop) = connect(0).await;
        for _ in 0..2 {
            let answer = requests.send_request(request()).await.unwrap();
            answer.into_body().collect().await.unwrap();
            tokio::time::sleep(Duration::from_secs(5 * 60)).await;
        }
        let before = Instant::now();
        served.await.unwrap();
        assert!(before.elapsed() <= IDLE_TIMEOUT + LOOK);
    }
}
