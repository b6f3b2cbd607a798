//! The content of a body, and how it is divided.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};

use bytes::{Buf as _, Bytes};
use tokio::sync::mpsc;

/// The number of chunks that may wait for a slow reader. A response holds no more than these, the chunk being sent and
/// the chunk being filled.
const WAITING_CHUNKS: usize = 2;

/// The rest of a body.
#[derive(Debug, Default)]
pub(crate) enum Pieces {
    #[default]
    Empty,
    Whole(Bytes),
    Chunks(Chunks),
    /// Taken back, because its reader was too slow.
    Withdrawn,
}

/// Chunks from a scrape that is still running.
#[derive(Debug)]
pub(crate) struct Chunks {
    receiver: mpsc::Receiver<Bytes>,
    /// The rest of a chunk.
    rest: Bytes,
    is_complete: Arc<AtomicBool>,
}

/// The sending half of a body in chunks, for a thread that may block.
pub(crate) struct ChunkSender {
    sender: mpsc::Sender<Bytes>,
    is_complete: Arc<AtomicBool>,
}

/// The reader has gone.
pub(crate) struct Gone;

impl ChunkSender {
    /// Waits until the reader has room.
    pub(crate) fn send(&self, data: Bytes) -> Result<(), Gone> {
        self.sender.blocking_send(data).map_err(|_| Gone)
    }

    /// Marks the body as complete, without waiting for the reader. Otherwise it is an aborted one.
    pub(crate) fn finish(self) {
        self.is_complete.store(true, Ordering::Release);
    }
}

impl Pieces {
    pub(crate) fn chunks() -> (ChunkSender, Self) {
        let (sender, receiver) = mpsc::channel(WAITING_CHUNKS);
        let is_complete = Arc::new(AtomicBool::new(false));
        let chunks = Chunks {
            receiver,
            rest: Bytes::new(),
            is_complete: Arc::clone(&is_complete),
        };
        let sender = ChunkSender {
            sender,
            is_complete,
        };
        (sender, Self::Chunks(chunks))
    }

    /// The next part, of at most `max` bytes.
    pub(crate) fn poll_part(
        &mut self,
        cx: &mut Context<'_>,
        max: usize,
    ) -> Poll<Option<Result<Bytes, BodyError>>> {
        let part = match self {
            Self::Empty => return Poll::Ready(None),
            Self::Whole(bytes) => {
                let part = cut(bytes, max);
                if !bytes.is_empty() {
                    return Poll::Ready(Some(Ok(part)));
                }
                Some(Ok(part))
            }
            Self::Chunks(chunks) => match ready!(chunks.poll_part(cx, max)) {
                Some(part) => return Poll::Ready(Some(Ok(part))),
                None if chunks.is_complete.load(Ordering::Acquire) => None,
                None => Some(Err(BodyError(()))),
            },
            Self::Withdrawn => Some(Err(BodyError(()))),
        };
        *self = Self::Empty;
        Poll::Ready(part)
    }
}

impl Chunks {
    fn poll_part(&mut self, cx: &mut Context<'_>, max: usize) -> Poll<Option<Bytes>> {
        while self.rest.is_empty() {
            match ready!(self.receiver.poll_recv(cx)) {
                Some(chunk) => self.rest = chunk,
                None => return Poll::Ready(None),
            }
        }
        Poll::Ready(Some(cut(&mut self.rest, max)))
    }
}

/// Removes a part from the beginning. A part that is not all has memory of its own: the rest can be freed before it.
fn cut(bytes: &mut Bytes, max: usize) -> Bytes {
    if bytes.len() <= max {
        return std::mem::take(bytes);
    }
    let part = Bytes::copy_from_slice(&bytes[..max]);
    bytes.advance(max);
    part
}

/// A body that ended before it was complete; the connection must be closed.
pub struct BodyError(());

impl fmt::Display for BodyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the scrape ended before its body was complete; close the connection")
    }
}

crate::error::debug_by_display!(BodyError);

impl std::error::Error for BodyError {}
