//! HTTP/1 on a stream: requests one after the other, and buffers only for as long as they follow each other.

use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;

use crate::server::peer::Peer;
use crate::server::service::{Exchange, ExchangeBody, Progress, Service};
use crate::server::shutdown::{GRACE, Stopped};
use crate::server::timeouts::{Answering, Phase, TimedStream};
use crate::sync::first;

/// The largest head of a request, in bytes. A larger one is answered with 431 and the connection closed.
pub(crate) const MAX_HEAD_BYTES: usize = 16 * 1024;

/// The largest part of an answer, in bytes, that waits for a client to accept it.
const PART_BYTES: usize = 64 * 1024;

/// Serves a stream, whose handshake is done, until its client closes it or the server stops.
///
/// An idle connection holds no buffers: hyper owns the stream while requests follow each other, and returns it after
/// that.
pub(crate) async fn serve<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    service: Arc<Service>,
    peer: Peer,
    mut stopped: Stopped,
) {
    let phase = Phase::new();
    let mut stream = TimedStream::new(stream, phase.clone());
    let mut calls = Http1Calls {
        service,
        peer,
        phase,
    };
    loop {
        match serve_requests(stream, calls, &mut stopped).await {
            Some(rested) => (stream, calls) = rested,
            None => return,
        }
        if stream.is_drained() {
            let mut more = false;
            let waits = async { more = stream.has_more().await };
            first(waits, stopped.wait()).await;
            if !more {
                return;
            }
        }
    }
}

/// Serves requests until the client pauses, and returns the parts of the connection that the next request needs;
/// `None` if the connection has ended.
async fn serve_requests<S: AsyncRead + AsyncWrite + Unpin>(
    stream: TimedStream<S>,
    calls: Http1Calls,
    stopped: &mut Stopped,
) -> Option<(TimedStream<S>, Http1Calls)> {
    let phase = calls.phase.clone();
    let service = Arc::clone(&calls.service);
    // In a box, so that a resting connection does not have the size of an active one.
    let mut connection = Box::new(
        http1::Builder::new()
            .max_buf_size(MAX_HEAD_BYTES)
            // The stream has its own timeouts.
            .header_read_timeout(None)
            .serve_connection(TokioIo::new(stream), calls),
    );
    let mut rests = false;
    let serving = poll_fn(|cx| match Pin::new(&mut *connection).poll(cx) {
        Poll::Ready(ended) => {
            // The client caused the error, and has been answered if that was possible.
            if let Err(error) = ended
                && let Some(metrics) = service.self_metrics()
            {
                metrics.connection_failed(&error);
            }
            Poll::Ready(())
        }
        Poll::Pending if phase.is_resting() => {
            rests = true;
            Poll::Ready(())
        }
        Poll::Pending => Poll::Pending,
    });
    if !first(serving, stopped.wait()).await {
        Pin::new(&mut *connection).graceful_shutdown();
        let _ = timeout(GRACE, connection).await;
        return None;
    }
    rests.then(|| {
        let parts = connection.into_parts();
        let mut stream = parts.io.into_inner();
        stream.put_back(parts.read_buf);
        (stream, parts.service)
    })
}

/// The service of one connection, as hyper calls it.
struct Http1Calls {
    service: Arc<Service>,
    peer: Peer,
    phase: Phase,
}

impl hyper::service::Service<Request<Incoming>> for Http1Calls {
    type Response = Response<ExchangeBody<Answering>>;
    type Error = Infallible;
    type Future = Exchange<Answering>;

    fn call(&self, req: Request<Incoming>) -> Exchange<Answering> {
        self.service.respond(req, self.peer, self.phase.answering())
    }
}

impl Progress for Answering {
    const MAX_PART: usize = PART_BYTES;

    fn wait_for_client(&self, _: bool) {
        // The stream has the timeout: there is one request at a time.
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
    use tokio::time::Instant;

    use super::*;
    use crate::server::router::Router;
    use crate::server::shutdown::{self, Stop};
    use crate::server::timeouts::{HEAD_TIMEOUT, IDLE_TIMEOUT, WRITE_TIMEOUT};

    const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";

    /// Runs in a runtime whose clock jumps to the next timer when there is nothing else to do.
    fn with_fast_time(test: impl Future<Output = ()>) {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .start_paused(true)
            .build()
            .unwrap()
            .block_on(test);
    }

    /// A client's end of a connection that is served.
    fn connect(page: usize) -> (DuplexStream, Stop) {
        let (client, server) = tokio::io::duplex(32 * 1024);
        let (stop, stopped) = shutdown::channel();
        let service = Service::new(Router::with_page(page), None, None);
        tokio::spawn(serve(server, Arc::new(service), Peer::Local, stopped));
        (client, stop)
    }

    /// Reads until the server closes the connection; returns the time that took, and the bytes.
    async fn closed(client: &mut (impl AsyncRead + Unpin)) -> (Duration, Vec<u8>) {
        let before = Instant::now();
        let mut rest = Vec::new();
        // A connection may also end with an error.
        let _ = client.read_to_end(&mut rest).await;
        (before.elapsed(), rest)
    }

    fn assert_about(took: Duration, expected: Duration) {
        let range = expected..expected + Duration::from_millis(10);
        assert!(range.contains(&took), "{took:?} is not about {expected:?}");
    }

    #[test]
    fn a_head_that_trickles_is_closed() {
        with_fast_time(async {
            let (mut client, _stop) = connect(0);
            let before = Instant::now();
            for byte in REQUEST.iter().cycle().filter(|byte| **byte != b'\n') {
                if client.write_all(&[*byte]).await.is_err() {
                    break;
                }
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
            let took = before.elapsed();
            assert!(took >= HEAD_TIMEOUT, "{took:?}");
            assert!(took < HEAD_TIMEOUT + Duration::from_secs(2), "{took:?}");
        });
    }

    #[test]
    fn an_idle_client_is_kept_for_longer_than_prometheus_keeps_it() {
        with_fast_time(async {
            let (mut client, _stop) = connect(0);
            for _ in 0..3 {
                client.write_all(REQUEST).await.unwrap();
                let mut answer = [0; 32 * 1024];
                assert!(client.read(&mut answer).await.unwrap() > 0);
                tokio::time::sleep(Duration::from_secs(5 * 60)).await;
            }
            client.write_all(REQUEST).await.unwrap();
            let (took, rest) = closed(&mut client).await;
            assert!(rest.starts_with(b"HTTP/1.1 200 OK\r\n"));
            assert_about(took, IDLE_TIMEOUT);
        });
    }

    #[test]
    fn half_a_head_after_an_answer_is_closed_as_one_before() {
        with_fast_time(async {
            let (mut client, _stop) = connect(0);
            client.write_all(REQUEST).await.unwrap();
            let mut answer = [0; 32 * 1024];
            assert!(client.read(&mut answer).await.unwrap() > 0);
            tokio::time::sleep(Duration::from_secs(60)).await;
            client.write_all(&REQUEST[..5]).await.unwrap();
            assert_about(closed(&mut client).await.0, HEAD_TIMEOUT);
        });
    }

    #[test]
    fn a_client_that_takes_no_answer_is_closed() {
        with_fast_time(async {
            let (mut client, _stop) = connect(100_000);
            client.write_all(REQUEST).await.unwrap();
            tokio::time::sleep(WRITE_TIMEOUT + Duration::from_secs(1)).await;
            let (took, rest) = closed(&mut client).await;
            assert_about(took, Duration::ZERO);
            assert!(rest.len() < 50_000);
        });
    }

    #[test]
    fn a_client_that_takes_its_answer_slowly_gets_it() {
        with_fast_time(async {
            let (mut client, _stop) = connect(100_000);
            client.write_all(REQUEST).await.unwrap();
            let mut taken = 0;
            while taken < 100_000 {
                tokio::time::sleep(WRITE_TIMEOUT / 2).await;
                let mut part = [0; 1024];
                let read = client.read(&mut part).await.unwrap();
                assert!(read > 0, "closed after {taken} bytes");
                taken += read;
            }
        });
    }
}
