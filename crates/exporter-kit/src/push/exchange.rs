//! One HTTP request over a connection of its own.

use std::future::poll_fn;
use std::io;
use std::pin::{Pin, pin};
use std::task::Poll;

use http::{Request, StatusCode};
use http_body::Body as _;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::target::Target;

/// The largest part of a response body that is read, in bytes: enough for a Pushgateway's error message.
const BEGINNING: usize = 512;

/// The response.
pub(super) struct PushResponse {
    pub(super) status: StatusCode,
    /// The beginning of the body.
    pub(super) body: Vec<u8>,
}

/// The reason for a missing response.
pub(super) enum ExchangeFailure {
    Connect(io::Error),
    Exchange(hyper::Error),
}

impl From<hyper::Error> for ExchangeFailure {
    fn from(error: hyper::Error) -> Self {
        Self::Exchange(error)
    }
}

/// Sends a request and waits for its answer. Dropping the future closes the connection.
pub(super) async fn exchange(
    target: &Target,
    request: Request<String>,
) -> Result<PushResponse, ExchangeFailure> {
    let stream = TcpStream::connect((&*target.host, target.port))
        .await
        .map_err(ExchangeFailure::Connect)?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let mut answer = pin!(async move {
        let mut response = sender.send_request(request).await?;
        let mut body = Vec::new();
        while body.len() < BEGINNING {
            let frame = poll_fn(|cx| Pin::new(response.body_mut()).poll_frame(cx)).await;
            // The status is there already; a body that breaks off changes nothing.
            let Some(Ok(frame)) = frame else { break };
            if let Ok(data) = frame.into_data() {
                body.extend_from_slice(&data);
            }
        }
        body.truncate(BEGINNING);
        let status = response.status();
        Ok(PushResponse { status, body })
    });
    // The connection is driven here and not by a task, which would outlive this future.
    let mut connection = pin!(connection);
    let mut open = true;
    poll_fn(|cx| {
        if let Poll::Ready(answer) = answer.as_mut().poll(cx) {
            return Poll::Ready(answer);
        }
        // Its end reaches the response as well, which wakes this.
        open = open && connection.as_mut().poll(cx).is_pending();
        Poll::Pending
    })
    .await
}
