//! Bounds how long a client may keep a connection waiting.
//!
//! A connection is idle, sending the head of a request, or being answered; one that is idle for long rests. The stream sees bytes come and go,
//! the service knows when a request is there and when its answer is done; both meet in [`Phase`].

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body as _, Frame, SizeHint};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};

use crate::scrape::body::{Body, BodyError};
use crate::server::self_metrics::Measuring;

/// How long the head of a request may take, from its first byte to its last; and the first byte of a connection.
pub(crate) const HEAD_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a connection may wait for its next request. Prometheus closes its own after 5 minutes; a server that
/// is faster only costs both a new connection.
pub(crate) const IDLE_TIMEOUT: Duration = Duration::from_secs(6 * 60);

/// How long a connection stays ready for the next request. After that it gives its buffers away and waits for a
/// first byte, which costs that request about a microsecond. Long enough for clients that ask without a pause,
/// short enough that those who connect by the thousand don't hold their buffers at the same time.
pub(crate) const READY_TIME: Duration = Duration::from_millis(100);

/// How long a client may take no byte of an answer.
pub(crate) const WRITE_TIMEOUT: Duration = Duration::from_secs(30);

/// What a connection is doing.
#[derive(Clone, Debug)]
pub(crate) struct Phase(Arc<AtomicU8>);

const IDLE: u8 = 0;
const HEAD: u8 = 1;
const ANSWER: u8 = 2;
/// Idle for so long that buffers are not worth their memory.
const RESTING: u8 = 3;

impl Phase {
    pub(crate) fn new() -> Self {
        Self(Arc::new(AtomicU8::new(IDLE)))
    }

    /// Says that a request is there, until the guard is dropped.
    pub(crate) fn answering(&self) -> Answering {
        self.set(ANSWER);
        Answering(self.clone())
    }

    /// Whether nothing was read, and nothing was to be answered, for [`READY_TIME`].
    pub(crate) fn is_resting(&self) -> bool {
        self.get() == RESTING
    }

    fn is_idle(&self) -> bool {
        matches!(self.get(), IDLE | RESTING)
    }

    fn get(&self) -> u8 {
        self.0.load(Ordering::Relaxed)
    }

    fn set(&self, phase: u8) {
        self.0.store(phase, Ordering::Relaxed);
    }
}

/// A request is being answered.
#[derive(Debug)]
pub(crate) struct Answering(Phase);

impl Drop for Answering {
    fn drop(&mut self) {
        self.0.set(IDLE);
    }
}

/// A body that says when it is done.
#[derive(Debug)]
pub(crate) struct GuardedBody {
    body: Body,
    _answering: Option<Answering>,
    measuring: Option<Measuring>,
}

impl GuardedBody {
    pub(crate) fn new(
        body: Body,
        answering: Option<Answering>,
        mut measuring: Option<Measuring>,
    ) -> Self {
        if body.is_end_stream() {
            measuring.iter_mut().for_each(Measuring::complete);
        }
        Self {
            body,
            _answering: answering,
            measuring,
        }
    }
}

impl http_body::Body for GuardedBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let frame = Pin::new(&mut self.body).poll_frame(cx);
        let is_end = self.body.is_end_stream();
        if let Some(measuring) = &mut self.measuring {
            match &frame {
                Poll::Ready(Some(Ok(frame))) => {
                    measuring.sent(frame.data_ref().map_or(0, Bytes::len));
                    if is_end {
                        measuring.complete();
                    }
                }
                Poll::Ready(Some(Err(_))) => measuring.incomplete(),
                Poll::Ready(None) => measuring.complete(),
                Poll::Pending => {}
            }
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A stream that fails once its client has kept it waiting for too long.
pub(crate) struct GuardedStream<S> {
    stream: S,
    phase: Phase,
    /// What was read of the next request before anybody was there to parse it.
    ahead: Bytes,
    reading: Reading,
    /// Until when something must be written, if it can't be now.
    writing: Option<Instant>,
    timer: Option<Pin<Box<Sleep>>>,
}

/// Until when something must be read, and in which phase that was said.
struct Reading {
    phase: u8,
    deadline: Option<Instant>,
}

impl<S> GuardedStream<S> {
    pub(crate) fn new(stream: S, phase: Phase) -> Self {
        Self {
            stream,
            phase,
            ahead: Bytes::new(),
            reading: Reading {
                phase: IDLE,
                deadline: None,
            },
            writing: None,
            timer: None,
        }
    }

    /// Puts back what was read from the stream and not used: nothing, or the beginning of a head.
    pub(crate) fn put_back(&mut self, ahead: Bytes) {
        if !ahead.is_empty() {
            self.phase.set(HEAD);
            self.ahead = ahead;
        }
    }

    /// Whether what was put back has been read again.
    pub(crate) fn is_drained(&self) -> bool {
        self.ahead.is_empty()
    }

    /// Notes that nothing is read now; fails once that has been so for too long.
    fn wait_to_read(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        let phase = self.phase.get();
        if phase != RESTING && (self.reading.phase != phase || self.reading.deadline.is_none()) {
            let timeout = match phase {
                HEAD => Some(HEAD_TIMEOUT),
                IDLE => Some(READY_TIME),
                // The client waits for us.
                _ => None,
            };
            self.reading = Reading {
                phase,
                deadline: timeout.map(|timeout| Instant::now() + timeout),
            };
        }
        self.check(cx)
    }

    /// Notes that nothing can be written now; fails once that has been so for too long.
    fn wait_to_write(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        if self.writing.is_none() {
            self.writing = Some(Instant::now() + WRITE_TIMEOUT);
        }
        self.check(cx)
    }

    /// Fails if a deadline has passed, and otherwise makes sure that the task is woken by then. The timer is not
    /// set back when a deadline moves on, which it does with every request, but when it has woken too early.
    fn check(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        // A client that still takes an answer need not send its next request.
        let Some(mut deadline) = self.writing.or(self.reading.deadline) else {
            return Ok(());
        };
        let timer = self
            .timer
            .get_or_insert_with(|| Box::pin(tokio::time::sleep_until(deadline)));
        if timer.deadline() > deadline {
            timer.as_mut().reset(deadline);
        }
        while timer.as_mut().poll(cx).is_ready() {
            if deadline <= Instant::now() {
                if self.writing.is_some() || self.phase.get() != IDLE {
                    return Err(io::ErrorKind::TimedOut.into());
                }
                self.phase.set(RESTING);
                deadline += IDLE_TIMEOUT - READY_TIME;
                self.reading.deadline = Some(deadline);
            }
            timer.as_mut().reset(deadline);
        }
        Ok(())
    }

    fn after_write<T>(
        &mut self,
        cx: &mut Context<'_>,
        result: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if result.is_pending() {
            return match self.wait_to_write(cx) {
                Ok(()) => Poll::Pending,
                Err(error) => Poll::Ready(Err(error)),
            };
        }
        self.writing = None;
        if self.phase.is_idle() {
            // This is the end of an answer: the client has been idle since now.
            self.reading.deadline = None;
        }
        result
    }
}

impl<S: AsyncRead + Unpin> GuardedStream<S> {
    /// Waits for the first byte of the next request, which is read again later. False if none comes.
    pub(crate) async fn has_more(&mut self) -> bool {
        let mut first = [0];
        poll_fn(|cx| {
            let mut buf = ReadBuf::new(&mut first);
            let read = ready!(Pin::new(&mut *self).poll_read(cx, &mut buf));
            self.ahead = Bytes::copy_from_slice(buf.filled());
            Poll::Ready(read.is_ok() && !self.ahead.is_empty())
        })
        .await
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for GuardedStream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if !self.ahead.is_empty() {
            let taken = self.ahead.len().min(buf.remaining());
            buf.put_slice(&self.ahead.split_to(taken));
            return Poll::Ready(Ok(()));
        }
        let before = buf.filled().len();
        let result = Pin::new(&mut self.stream).poll_read(cx, buf);
        if result.is_pending() {
            if let Err(error) = self.wait_to_read(cx) {
                return Poll::Ready(Err(error));
            }
        } else if buf.filled().len() > before && self.phase.is_idle() {
            self.phase.set(HEAD);
            self.reading = Reading {
                phase: HEAD,
                deadline: None,
            };
        }
        result
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for GuardedStream<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.after_write(cx, result)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        self.after_write(cx, result)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match Pin::new(&mut self.stream).poll_flush(cx) {
            // An answer that is done is flushed, and nothing may be read until the client says more.
            Poll::Ready(Ok(())) => Poll::Ready(self.wait_to_read(cx)),
            Poll::Pending => self.after_write(cx, Poll::Pending),
            failed => failed,
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let result = Pin::new(&mut self.stream).poll_shutdown(cx);
        self.after_write(cx, result)
    }
}
