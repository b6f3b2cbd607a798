//! A stream that limits the values of a reply, each of which takes more memory than its bytes.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::sources::metered::{Meter, Metered, Stream};

/// A value has 3 bytes at least, and takes 56 in memory. This many bytes of the limit allow one line, of which a value has one
/// or two.
const BYTES_A_LINE: usize = 16;

/// The limits of a reply.
#[derive(Clone, Debug)]
pub(super) struct ReplyLimits {
    most_bytes: usize,
    bytes: Meter,
    lines: Arc<AtomicUsize>,
}

/// A stream within the limits.
pub(super) struct ReplyStream {
    stream: Metered,
    limits: ReplyLimits,
}

impl ReplyLimits {
    pub(super) fn new(most_bytes: usize) -> Self {
        let limits = Self {
            most_bytes,
            bytes: Meter::new(0),
            lines: Arc::default(),
        };
        limits.renew();
        limits
    }

    /// The next reply begins.
    pub(super) fn renew(&self) {
        self.bytes.set(self.most_bytes.saturating_add(1));
        let lines = (self.most_bytes / BYTES_A_LINE).max(1024);
        self.lines.store(lines, Ordering::Relaxed);
    }

    /// True if the reply was longer.
    pub(super) fn are_used_up(&self) -> bool {
        self.bytes.is_used_up()
    }
}

impl ReplyStream {
    pub(super) fn new(stream: Box<dyn Stream>, limits: ReplyLimits) -> Self {
        Self {
            stream: Metered::new(stream, limits.bytes.clone()),
            limits,
        }
    }
}

impl AsyncRead for ReplyStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buffer))?;
        let new = buffer.filled().get(before..).unwrap_or_default();
        let lines = new.iter().filter(|byte| **byte == b'\n').count();
        let left = self.limits.lines.load(Ordering::Relaxed);
        self.limits
            .lines
            .store(left.saturating_sub(lines), Ordering::Relaxed);
        Poll::Ready(if lines > left {
            self.limits.bytes.set(0);
            Err(io::Error::other("more values than allowed"))
        } else {
            Ok(())
        })
    }
}

impl AsyncWrite for ReplyStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
