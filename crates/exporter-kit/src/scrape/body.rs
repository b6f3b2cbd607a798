//! The body of a response: whole, or in chunks from a scrape that is still running.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Frame, SizeHint};

use crate::scrape::pieces::{BodyError, ChunkSender, Pieces};
use crate::scrape::unread::Unread;

/// The body of a response.
///
/// A small exposition is one piece with a known length. A large one arrives in chunks while it is encoded;
/// dropping the body ends the scrape. A reader that takes nothing while others wait can lose the rest of its body, which
/// then ends with an error.
#[derive(Debug, Default)]
pub struct Body {
    content: Content,
}

#[derive(Debug)]
enum Content {
    Uncounted(Pieces),
    /// Counted among the bodies that wait for their readers.
    Counted(Unread),
}

impl Default for Content {
    fn default() -> Self {
        Self::Uncounted(Pieces::Empty)
    }
}

impl Body {
    pub(crate) fn whole(bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        let pieces = if bytes.is_empty() {
            Pieces::Empty
        } else {
            Pieces::Whole(bytes)
        };
        Self {
            content: Content::Uncounted(pieces),
        }
    }

    pub(crate) fn chunks() -> (ChunkSender, Self) {
        let (sender, pieces) = Pieces::chunks();
        let content = Content::Uncounted(pieces);
        (sender, Self { content })
    }

    /// Replaces the content by one that is counted, unless the body is empty or counted already.
    pub(crate) fn count(&mut self, count: impl FnOnce(Pieces) -> Unread) {
        if let Content::Uncounted(pieces) = &mut self.content
            && !matches!(pieces, Pieces::Empty)
        {
            self.content = Content::Counted(count(std::mem::take(pieces)));
        }
    }

    /// The next part, of at most `max` bytes.
    pub(crate) fn poll_part(
        &mut self,
        cx: &mut Context<'_>,
        max: usize,
    ) -> Poll<Option<Result<Bytes, BodyError>>> {
        match &mut self.content {
            Content::Uncounted(pieces) => pieces.poll_part(cx, max),
            Content::Counted(unread) => unread.poll_part(cx, max),
        }
    }

    /// Calls a function with the content as it is now.
    fn with<T>(&self, see: impl FnOnce(&Pieces) -> T) -> T {
        match &self.content {
            Content::Uncounted(pieces) => see(pieces),
            Content::Counted(unread) => unread.with(see),
        }
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let part = self.poll_part(cx, usize::MAX);
        part.map(|part| part.map(|part| part.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        self.with(|pieces| matches!(pieces, Pieces::Empty))
    }

    fn size_hint(&self) -> SizeHint {
        self.with(|pieces| match pieces {
            Pieces::Empty => SizeHint::with_exact(0),
            Pieces::Whole(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Pieces::Chunks(_) | Pieces::Withdrawn => SizeHint::default(),
        })
    }
}
