//! The body of a response: whole, or in chunks from a scrape that is still running.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use tokio::sync::mpsc;

use crate::scrape::scrape_count::InFlight;

/// The number of chunks that may wait for a slow reader. A response holds no more than these, the chunk being sent and
/// the chunk being filled.
const WAITING_CHUNKS: usize = 2;

/// The body of a response.
///
/// A small exposition is one piece with a known length. A large one arrives in chunks while it is encoded;
/// dropping the body ends the scrape.
#[derive(Debug, Default)]
pub struct Body {
    content: Content,
    /// The scrape behind the body, until the body is read or dropped.
    in_flight: Option<InFlight>,
}

#[derive(Debug, Default)]
enum Content {
    #[default]
    Empty,
    Whole(Bytes),
    Chunks(mpsc::Receiver<Chunk>),
}

/// A piece of a body. The end is sent too, to distinguish an aborted scrape from a short one.
#[derive(Debug)]
enum Chunk {
    Data(Bytes),
    End,
}

impl Body {
    pub(crate) fn whole(bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        Self::new(if bytes.is_empty() {
            Content::Empty
        } else {
            Content::Whole(bytes)
        })
    }

    pub(crate) fn chunks() -> (ChunkSender, Self) {
        let (sender, receiver) = mpsc::channel(WAITING_CHUNKS);
        (ChunkSender(sender), Self::new(Content::Chunks(receiver)))
    }

    /// Counts the scrape as in progress until this body is read or dropped.
    pub(crate) fn hold(&mut self, in_flight: InFlight) {
        if !matches!(self.content, Content::Empty) {
            self.in_flight = Some(in_flight);
        }
    }

    fn new(content: Content) -> Self {
        Self {
            content,
            in_flight: None,
        }
    }
}

/// The sending half of a body in chunks, for a thread that may block.
pub(crate) struct ChunkSender(mpsc::Sender<Chunk>);

/// The reader has gone.
pub(crate) struct Gone;

impl ChunkSender {
    /// Waits until the reader has room.
    pub(crate) fn send(&self, data: Bytes) -> Result<(), Gone> {
        self.0.blocking_send(Chunk::Data(data)).map_err(|_| Gone)
    }

    /// Marks the body as complete.
    pub(crate) fn finish(self) {
        // A reader that has gone needs no end.
        let _ = self.0.blocking_send(Chunk::End);
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let next = match &mut self.content {
            Content::Empty => return Poll::Ready(None),
            Content::Whole(bytes) => Some(Ok(Frame::data(std::mem::take(bytes)))),
            Content::Chunks(receiver) => match receiver.poll_recv(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Some(Chunk::Data(data))) => {
                    return Poll::Ready(Some(Ok(Frame::data(data))));
                }
                Poll::Ready(Some(Chunk::End)) => None,
                Poll::Ready(None) => Some(Err(BodyError(()))),
            },
        };
        self.content = Content::Empty;
        Poll::Ready(next)
    }

    fn is_end_stream(&self) -> bool {
        matches!(self.content, Content::Empty)
    }

    fn size_hint(&self) -> SizeHint {
        match &self.content {
            Content::Empty => SizeHint::with_exact(0),
            Content::Whole(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Content::Chunks(_) => SizeHint::default(),
        }
    }
}

/// A scrape that ended before its body was complete; the connection must be closed.
pub struct BodyError(());

impl fmt::Display for BodyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the scrape ended before its body was complete; close the connection")
    }
}

crate::error::debug_by_display!(BodyError);

impl std::error::Error for BodyError {}
