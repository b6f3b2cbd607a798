//! One connection, from its first byte to its end.

use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;
use tokio::time::timeout;

use crate::server::gate::{self, GatedAnswer};
use crate::server::guard::{Answering, GuardedBody, GuardedStream, HEAD_TIMEOUT, Phase};
use crate::server::listener::Stream;
use crate::server::self_metrics::{Measuring, SelfMetrics};
use crate::server::server::{GRACE, first, until};
use crate::server::site::Site;

/// The largest head of a request, in bytes. A larger one is answered with 431 and the connection closed.
pub(crate) const MAX_HEAD_BYTES: usize = 16 * 1024;

/// Serves one connection until its client is done with it, or the server is to stop.
pub(crate) async fn serve(stream: Stream, site: Arc<Site>, mut stopped: watch::Receiver<()>) {
    // An answer is one write; waiting for more would only delay it. If this fails, answers come later.
    let _ = stream.set_nodelay();
    let _open = site
        .self_metrics
        .as_ref()
        .map(|metrics| metrics.connected());
    // A client that says nothing costs no buffers.
    let mut spoke = false;
    let speaks = async {
        // tokio says `readable` before it has tried; peeking does try.
        spoke = matches!(timeout(HEAD_TIMEOUT, stream.peek()).await, Ok(Ok(1)));
    };
    first(speaks, until(&mut stopped)).await;
    if spoke {
        match site.gate.clone().filter(|gate| gate.is_encrypted()) {
            Some(gate) => gate.serve(Box::new(stream), site, stopped).await,
            None => Box::pin(serve_http1(stream, site, stopped)).await,
        }
    }
}

/// Serves a stream of any kind; what comes before HTTP is done.
///
/// Between requests a connection holds no buffers for longer than it is likely to need them: hyper is given the
/// stream for as long as requests follow each other, and asked to give it back after that.
pub(crate) async fn serve_http1<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    site: Arc<Site>,
    mut stopped: watch::Receiver<()>,
) {
    let phase = Phase::new();
    let mut stream = GuardedStream::new(stream, phase.clone());
    let mut service = Service { site, phase };
    loop {
        match serve_requests(stream, service, &mut stopped).await {
            Some(rested) => (stream, service) = rested,
            None => return,
        }
        if stream.is_drained() {
            let mut more = false;
            let waits = async { more = stream.has_more().await };
            first(waits, until(&mut stopped)).await;
            if !more {
                return;
            }
        }
    }
}

/// Serves requests until there is none for a while, and gives back what the next ones need; nothing if the
/// connection has ended.
async fn serve_requests<S: AsyncRead + AsyncWrite + Unpin>(
    stream: GuardedStream<S>,
    service: Service,
    stopped: &mut watch::Receiver<()>,
) -> Option<(GuardedStream<S>, Service)> {
    let phase = service.phase.clone();
    let self_metrics = service.site.self_metrics.clone();
    // In a box, so that a connection that rests is not as large as one that does not.
    let mut connection = Box::new(
        http1::Builder::new()
            .max_buf_size(MAX_HEAD_BYTES)
            // The stream has its own timeouts.
            .header_read_timeout(None)
            .serve_connection(TokioIo::new(stream), service),
    );
    let mut rests = false;
    let serving = poll_fn(|cx| match Pin::new(&mut *connection).poll(cx) {
        Poll::Ready(ended) => {
            // What went wrong is the client's doing, and was answered if it could be.
            if let Err(error) = ended
                && let Some(metrics) = &self_metrics
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
    if !first(serving, until(stopped)).await {
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

/// The site, for one connection.
struct Service {
    site: Arc<Site>,
    phase: Phase,
}

impl hyper::service::Service<Request<Incoming>> for Service {
    type Response = Response<GuardedBody>;
    type Error = Infallible;
    type Future = GuardedAnswer;

    fn call(&self, req: Request<Incoming>) -> GuardedAnswer {
        GuardedAnswer {
            answering: Some(self.phase.answering()),
            measuring: self.site.self_metrics.as_ref().map(SelfMetrics::begin),
            answer: gate::answer(&self.site, req),
        }
    }
}

/// An answer whose body says when it is done.
struct GuardedAnswer {
    answering: Option<Answering>,
    measuring: Option<Measuring>,
    answer: GatedAnswer,
}

impl Future for GuardedAnswer {
    type Output = Result<Response<GuardedBody>, Infallible>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Poll::Ready(response) = Pin::new(&mut self.answer).poll(cx) else {
            return Poll::Pending;
        };
        let mut measuring = self.measuring.take();
        if let Some(measuring) = &mut measuring {
            measuring.answered(response.status());
        }
        Poll::Ready(Ok(response.map(|body| {
            GuardedBody::new(body, self.answering.take(), measuring)
        })))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
    use tokio::net::{TcpListener, TcpStream};
    use tokio::time::Instant;

    use super::*;
    use crate::page::Landing;
    use crate::registry::Registry;
    use crate::scrape::MetricsHandler;
    use crate::server::guard::{IDLE_TIMEOUT, WRITE_TIMEOUT};
    use crate::server::routes::Routes;

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

    fn site(page: usize) -> Arc<Site> {
        let landing = Landing {
            description: Some("x".repeat(page)),
            ..Landing::default()
        };
        let metrics = MetricsHandler::new(&Registry::new());
        let routes = Routes::new(None, None, "/metrics");
        Arc::new(Site::new(routes, metrics, &landing))
    }

    /// A client's end of a connection that is served.
    fn connect(page: usize) -> (DuplexStream, watch::Sender<()>) {
        let (client, server) = tokio::io::duplex(32 * 1024);
        let (stop, stopped) = watch::channel(());
        tokio::spawn(serve_http1(server, site(page), stopped));
        (client, stop)
    }

    /// How long it takes until the server closes the connection, and what it sends until then.
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
    fn a_silent_client_is_closed() {
        with_fast_time(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            let mut client = TcpStream::connect(address).await.unwrap();
            let (stream, _) = listener.accept().await.unwrap();
            let (_stop, stopped) = watch::channel(());
            tokio::spawn(serve(stream.into(), site(0), stopped));
            let (took, rest) = closed(&mut client).await;
            assert_about(took, HEAD_TIMEOUT);
            assert!(rest.is_empty());
        });
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
