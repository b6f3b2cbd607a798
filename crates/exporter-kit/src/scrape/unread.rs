//! A body that waits for its reader, and that can be withdrawn from it.

use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use bytes::Bytes;
use tokio::time::Instant;

use crate::scrape::pieces::{BodyError, Pieces};
use crate::scrape::slots::Slots;
use crate::sync::lock;

/// The content of a body, shared with the table of slots.
#[derive(Clone, Debug)]
pub(super) struct Content(Arc<Mutex<ContentState>>);

#[derive(Debug)]
struct ContentState {
    pieces: Pieces,
    /// The time since which the reader has something to take; `None` while it waits for the scrape.
    ready_since: Option<Instant>,
}

impl Content {
    pub(super) fn new(pieces: Pieces) -> Self {
        Self(Arc::new(Mutex::new(ContentState {
            pieces,
            ready_since: Some(Instant::now()),
        })))
    }

    /// The time since which the reader could have taken something, if it can.
    pub(super) fn ready_since(&self) -> Option<Instant> {
        lock(&self.0).ready_since
    }

    /// Takes back what the reader has not taken. Its body ends with an error.
    pub(super) fn withdraw(&self) -> Pieces {
        std::mem::replace(&mut lock(&self.0).pieces, Pieces::Withdrawn)
    }
}

/// A body that is counted among those that wait for their readers, until this is dropped.
#[derive(Debug)]
pub(crate) struct Unread {
    pub(super) content: Content,
    pub(super) slots: Slots,
    pub(super) id: u64,
}

impl Unread {
    /// The next part, of at most `max` bytes.
    pub(super) fn poll_part(
        &mut self,
        cx: &mut Context<'_>,
        max: usize,
    ) -> Poll<Option<Result<Bytes, BodyError>>> {
        let mut state = lock(&self.content.0);
        let part = state.pieces.poll_part(cx, max);
        state.ready_since = part.is_ready().then(Instant::now);
        part
    }

    pub(super) fn with<T>(&self, see: impl FnOnce(&Pieces) -> T) -> T {
        see(&lock(&self.content.0).pieces)
    }
}

impl Drop for Unread {
    fn drop(&mut self) {
        self.slots.forget(self.id);
    }
}
