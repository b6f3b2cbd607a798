//! A connection that notes when its client was last heard, to find those that are of least use.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

use crate::server::stream::Stream;

/// The client has sent nothing yet.
const SILENT: u64 = 0;
/// The last bytes went to the client.
const ANSWERED: u64 = 1;
/// The last bytes came from the client.
const ASKING: u64 = 2;

/// The number of bits for the time, in milliseconds.
const TIME_BITS: u32 = 62;

/// The state of a connection and the time of its last bytes. Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Activity(Arc<ActivityState>);

#[derive(Debug)]
struct ActivityState {
    started: Instant,
    /// The state, then the time since `started`.
    word: AtomicU64,
}

impl Activity {
    /// Begins now. All times are counted from `started`.
    pub(crate) fn new(started: Instant) -> Self {
        let activity = Self(Arc::new(ActivityState {
            started,
            word: AtomicU64::new(0),
        }));
        activity.note(SILENT);
        activity
    }

    /// The rank among connections: silent ones are the lowest, then those that were answered, and the longest ago first.
    pub(crate) fn rank(&self) -> u64 {
        self.0.word.load(Ordering::Relaxed)
    }

    fn note(&self, state: u64) {
        let time = self.0.started.elapsed().as_millis() as u64;
        self.0
            .word
            .store(state << TIME_BITS | time, Ordering::Relaxed);
    }
}

/// A stream with its activity.
#[derive(Debug)]
pub(crate) struct TrackedStream {
    pub(crate) stream: Stream,
    pub(crate) activity: Activity,
}

impl TrackedStream {
    fn after_write(&self, written: &Poll<io::Result<usize>>) {
        if matches!(written, Poll::Ready(Ok(length)) if *length > 0) {
            self.activity.note(ANSWERED);
        }
    }
}

impl AsyncRead for TrackedStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buf);
        if buf.filled().len() > before {
            self.activity.note(ASKING);
        }
        read
    }
}

impl AsyncWrite for TrackedStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.after_write(&written);
        written
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        self.after_write(&written);
        written
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
