//! Timeouts of a connection, for each thing that a client can keep the server waiting for.
//!
//! A connection is idle, receives the head of a request, or is being answered; an idle connection rests after a while.
//! The stream sees bytes pass, the service knows when a request begins and ends; they share a [`Phase`].

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};

/// The limit for the head of a request, from its first byte to its last, and for the first byte of a connection.
pub(crate) const HEAD_TIMEOUT: Duration = Duration::from_secs(10);

/// The limit for the next request of a connection. Prometheus closes idle connections after 5 minutes; a server that
/// closes them earlier costs both sides a new connection.
pub(crate) const IDLE_TIMEOUT: Duration = Duration::from_secs(6 * 60);

/// The time for which a connection keeps its buffers for the next request. After that it frees them and waits for a
/// first byte, which costs the next request about a microsecond. Long enough for clients that do not pause between
/// requests, short enough that thousands of connections do not hold buffers at the same time.
pub(crate) const READY_TIME: Duration = Duration::from_millis(100);

/// The time after which a client that accepts no byte of an answer is disconnected.
pub(crate) const WRITE_TIMEOUT: Duration = Duration::from_secs(30);

/// The state of a connection. Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Phase(Arc<AtomicU8>);

const IDLE: u8 = 0;
const HEAD: u8 = 1;
const ANSWER: u8 = 2;
/// Idle for so long that its buffers are freed.
const RESTING: u8 = 3;

impl Phase {
    /// The phase of a new connection: its first request is due.
    pub(crate) fn new() -> Self {
        Self(Arc::new(AtomicU8::new(HEAD)))
    }

    /// Notes that a request is being answered, until the guard is dropped.
    pub(crate) fn answering(&self) -> Answering {
        self.set(ANSWER);
        Answering(self.clone())
    }

    /// Returns whether the connection has been idle for [`READY_TIME`].
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

/// A request under way.
#[derive(Debug)]
pub(crate) struct Answering(Phase);

impl Drop for Answering {
    fn drop(&mut self) {
        self.0.set(IDLE);
    }
}

/// A stream that fails when a timeout of its client has passed.
pub(crate) struct TimedStream<S> {
    stream: S,
    phase: Phase,
    /// The first bytes of the next request, read before there was a parser for them.
    ahead: Bytes,
    reading: ReadDeadline,
    /// The deadline for the next byte written, while the client accepts nothing.
    writing: Option<Instant>,
    timer: Option<Pin<Box<Sleep>>>,
}

/// The deadline for the next byte read, and the phase in which it was set.
struct ReadDeadline {
    phase: u8,
    deadline: Option<Instant>,
}

impl<S> TimedStream<S> {
    pub(crate) fn new(stream: S, phase: Phase) -> Self {
        Self {
            stream,
            phase,
            ahead: Bytes::new(),
            reading: ReadDeadline {
                phase: IDLE,
                deadline: None,
            },
            writing: None,
            timer: None,
        }
    }

    /// Puts back unused bytes: nothing, or the beginning of a head.
    pub(crate) fn put_back(&mut self, ahead: Bytes) {
        if !ahead.is_empty() {
            self.phase.set(HEAD);
            self.ahead = ahead;
        }
    }

    /// Returns whether everything that was put back has been read again.
    pub(crate) fn is_drained(&self) -> bool {
        self.ahead.is_empty()
    }

    /// Notes that there is nothing to read; fails after the timeout.
    fn wait_to_read(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        let phase = self.phase.get();
        if phase != RESTING && (self.reading.phase != phase || self.reading.deadline.is_none()) {
            let timeout = match phase {
                HEAD => Some(HEAD_TIMEOUT),
                IDLE => Some(READY_TIME),
                // The client waits for us.
                _ => None,
            };
            self.reading = ReadDeadline {
                phase,
                deadline: timeout.map(|timeout| Instant::now() + timeout),
            };
        }
        self.check(cx)
    }

    /// Notes that nothing can be written; fails after the timeout.
    fn wait_to_write(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        if self.writing.is_none() {
            self.writing = Some(Instant::now() + WRITE_TIMEOUT);
        }
        self.check(cx)
    }

    /// Fails if the deadline has passed, otherwise has the task woken by then. A deadline that moves on, as with every
    /// request, does not reset the timer; a timer that fires too early is reset then.
    fn check(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        // A client need not send its next request while it receives an answer.
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
            // The answer ends here: the client is idle from now on.
            self.reading.deadline = None;
        }
        result
    }
}

impl<S: AsyncRead + Unpin> TimedStream<S> {
    /// Waits for the first byte of the next request, which is read again later. Returns whether there is one.
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

impl<S: AsyncRead + Unpin> AsyncRead for TimedStream<S> {
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
            self.reading = ReadDeadline {
                phase: HEAD,
                deadline: None,
            };
        }
        result
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for TimedStream<S> {
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
            // A flush ends an answer; hyper may not read again until the client sends more.
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
