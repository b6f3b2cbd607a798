//! HTTP/2, for clients that choose it in the handshake.
//!
//! Several requests share a connection, so every limit on a client applies to its requests: their number, the bytes that
//! wait for the client, and the time that they wait.

use std::convert::Infallible;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, timeout};

use super::frames::{Frames, Observed};
use crate::server::http1::MAX_HEAD_BYTES;
use crate::server::peer::Peer;
use crate::server::service::{Exchange, ExchangeBody, Progress, Service};
use crate::server::shutdown::{GRACE, Stopped};
use crate::server::timeouts::{HEAD_TIMEOUT, IDLE_TIMEOUT, WRITE_TIMEOUT};
use crate::sync::first;

/// The number of requests of a connection that are answered at the same time.
const MAX_REQUESTS: u32 = 32;

/// The largest part of an answer, in bytes, that waits for a client to accept it.
const PART_BYTES: usize = 16 * 1024;

/// The interval at which timeouts are checked.
const CHECK_INTERVAL: Duration = Duration::from_secs(5);

/// Serves a connection until its client closes it, a timeout has passed, or the server stops.
pub(super) async fn serve<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
    stream: S,
    service: Arc<Service>,
    peer: Peer,
    mut stopped: Stopped,
) {
    let streams = Streams::new();
    let self_metrics = service.self_metrics().cloned();
    let calls = Http2Calls {
        service,
        peer,
        streams: streams.clone(),
    };
    let stream = Observed {
        stream,
        observe: streams.observer(),
    };
    let connection = http2::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .max_concurrent_streams(MAX_REQUESTS)
        .max_header_list_size(MAX_HEAD_BYTES as u32)
        .max_send_buf_size(PART_BYTES)
        .serve_connection(TokioIo::new(stream), calls);
    let mut connection = pin!(connection);
    let ended = first(
        async {
            let served = async {
                // The client caused the error, and has been answered if that was possible.
                if let Err(error) = connection.as_mut().await
                    && let Some(metrics) = &self_metrics
                {
                    metrics.connection_failed(&error);
                }
            };
            first(served, streams.wait_too_long()).await;
        },
        stopped.wait(),
    )
    .await;
    if !ended {
        connection.as_mut().graceful_shutdown();
        let _ = timeout(GRACE, connection).await;
    }
}

/// The service of one connection, as hyper calls it.
struct Http2Calls {
    service: Arc<Service>,
    peer: Peer,
    streams: Streams,
}

impl hyper::service::Service<Request<Incoming>> for Http2Calls {
    type Response = Response<ExchangeBody<OpenStream>>;
    type Error = Infallible;
    type Future = Exchange<OpenStream>;

    fn call(&self, req: Request<Incoming>) -> Exchange<OpenStream> {
        self.service.respond(req, self.peer, self.streams.open())
    }
}

/// The streams of a connection, one for each request under way.
#[derive(Clone)]
struct Streams(Arc<Mutex<OpenStreams>>);

struct OpenStreams {
    /// By id: the time since which the stream waits for the client, if it does.
    waiting: Vec<(u64, Option<Instant>)>,
    next: u64,
    /// The time since which the connection has been idle.
    idle: Instant,
    /// The time since which a frame, or the head of a request, has been incomplete.
    incomplete: Option<Instant>,
}

impl Streams {
    fn new() -> Self {
        Self(Arc::new(Mutex::new(OpenStreams {
            waiting: Vec::new(),
            next: 0,
            idle: Instant::now(),
            incomplete: Some(Instant::now()),
        })))
    }

    /// Follows the bytes of the client.
    fn observer(&self) -> impl FnMut(&[u8]) + use<> {
        let streams = self.clone();
        let mut frames = Frames::new();
        move |bytes| {
            let before = frames.completed;
            frames.read(bytes);
            let mut open = streams.lock();
            if frames.is_between() {
                open.incomplete = None;
            } else if frames.completed != before {
                open.incomplete = Some(Instant::now());
            } else {
                open.incomplete.get_or_insert_with(Instant::now);
            }
        }
    }

    fn open(&self) -> OpenStream {
        let mut open = self.lock();
        let id = open.next;
        open.next += 1;
        open.waiting.push((id, None));
        OpenStream {
            streams: self.clone(),
            id,
        }
    }

    /// Resolves once the client has exceeded a timeout.
    async fn wait_too_long(&self) {
        while !self.lock().waited_too_long(Instant::now()) {
            tokio::time::sleep(CHECK_INTERVAL).await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, OpenStreams> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl OpenStreams {
    fn waited_too_long(&self, now: Instant) -> bool {
        let for_client = |since: &Instant| now.duration_since(*since) >= WRITE_TIMEOUT;
        let is_overdue = |since: Instant| now.duration_since(since) >= HEAD_TIMEOUT;
        if self.incomplete.is_some_and(is_overdue) {
            return true;
        }
        if self.waiting.is_empty() {
            let timeout = match self.next {
                0 => HEAD_TIMEOUT,
                _ => IDLE_TIMEOUT,
            };
            now.duration_since(self.idle) >= timeout
        } else {
            self.waiting
                .iter()
                .any(|(_, since)| since.as_ref().is_some_and(for_client))
        }
    }
}

/// One stream, open until this is dropped.
struct OpenStream {
    streams: Streams,
    id: u64,
}

impl Progress for OpenStream {
    const MAX_PART: usize = PART_BYTES;

    fn wait_for_client(&self, waits: bool) {
        let since = waits.then(Instant::now);
        let mut open = self.streams.lock();
        for (_, waiting) in open.waiting.iter_mut().filter(|(id, _)| *id == self.id) {
            *waiting = since;
        }
    }
}

impl Drop for OpenStream {
    fn drop(&mut self) {
        let mut open = self.streams.lock();
        open.waiting.retain(|(id, _)| *id != self.id);
        open.idle = Instant::now();
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http_body_util::{BodyExt as _, Empty};
    use hyper::client::conn::http2::{self, SendRequest};
    use tokio::io::AsyncWriteExt as _;
    use tokio::task::JoinHandle;

    use super::*;
    use crate::server::router::Router;
    use crate::server::shutdown::{self, Stop};

    type Client = SendRequest<Empty<Bytes>>;

    /// A client of a server whose page is that long, and the end of that server.
    async fn connect(page: usize) -> (Client, JoinHandle<()>, Stop) {
        let service = Service::new(Router::with_page(page), None, None);
        let (client, server) = tokio::io::duplex(64 * 1024);
        let (stop, stopped) = shutdown::channel();
        let served = tokio::spawn(serve(server, Arc::new(service), Peer::Local, stopped));
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
            took >= WRITE_TIMEOUT && took <= WRITE_TIMEOUT + 2 * CHECK_INTERVAL,
            "{took:?}"
        );
        assert!(stalled.into_body().collect().await.is_err());
    }

    /// The time until a client that begins with these bytes is closed. It then sends the rest, one byte a second.
    async fn closed_after(begin: &[u8], rest: &[u8]) -> Duration {
        let service = Service::new(Router::with_page(0), None, None);
        let (mut client, server) = tokio::io::duplex(64 * 1024);
        let (_stop, stopped) = shutdown::channel();
        let served = tokio::spawn(serve(server, Arc::new(service), Peer::Local, stopped));
        client.write_all(begin).await.unwrap();
        let before = Instant::now();
        let trickle = async {
            for byte in rest {
                tokio::time::sleep(Duration::from_secs(1)).await;
                if client.write_all(&[*byte]).await.is_err() {
                    return;
                }
            }
            std::future::pending().await
        };
        first(async { served.await.unwrap() }, trickle).await;
        before.elapsed()
    }

    #[tokio::test(start_paused = true)]
    async fn half_a_frame_is_closed_when_half_a_head_would_be() {
        let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
        let settings = [0, 0, 0, 4, 0, 0, 0, 0, 0];
        let headers = [0, 0, 100, 1, 5, 0, 0, 0, 1, 0x82];
        // Another frame has to follow, and empty ones change nothing.
        let unended = [0, 0, 1, 1, 1, 0, 0, 0, 1, 0x82];
        let continued = [0, 0, 0, 9, 0, 0, 0, 0, 1].repeat(10);
        for (begin, rest) in [
            (preface[..3].to_vec(), &b""[..]),
            (preface.to_vec(), b""),
            ([&preface[..], &settings].concat(), b""),
            ([&preface[..], &settings, &headers[..4]].concat(), b""),
            ([&preface[..], &settings, &headers].concat(), b""),
            ([&preface[..], &settings, &headers].concat(), &[0; 60]),
            ([&preface[..], &settings, &unended].concat(), &continued),
        ] {
            let took = closed_after(&begin, rest).await;
            let latest = HEAD_TIMEOUT + CHECK_INTERVAL;
            assert!(
                (HEAD_TIMEOUT..=latest).contains(&took),
                "{begin:?}: {took:?}"
            );
        }
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
        assert!(before.elapsed() <= IDLE_TIMEOUT + CHECK_INTERVAL);
    }
}
