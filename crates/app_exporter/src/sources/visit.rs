//! One fetch: its deadline, and the threads on which it may block.

use std::sync::Arc;
use std::time::Duration;

use exporter_kit::source::{
    BlockingThreads, BlockingTurn, Deadline, SourceError, SourceErrorReason as Reason,
};
use tokio::time::Instant;

use crate::decode::{Decoder, Failure, Part};

/// The fetches of one source. The next one begins when the threads of the last have ended.
#[derive(Clone, Debug)]
pub(crate) struct Visits(BlockingThreads);

/// One fetch. Cheap to clone; it is over when the last clone is dropped and its threads have ended.
#[derive(Clone, Debug)]
pub(crate) struct Visit {
    deadline: Deadline,
    turn: BlockingTurn,
}

impl Visits {
    pub(crate) fn new() -> Self {
        Self(BlockingThreads::new())
    }

    /// Begins a fetch.
    ///
    /// # Errors
    /// When threads of an earlier one have not ended by the deadline.
    pub(crate) async fn begin(&self, deadline: Deadline) -> Result<Visit, Failure> {
        let turn = self.0.turn(Deadline::at(last_moment(deadline))).await;
        turn.map(|turn| Visit { deadline, turn })
            .map_err(|error| failure(&error))
    }
}

impl Visit {
    pub(super) fn deadline(&self) -> Deadline {
        self.deadline
    }

    /// Runs what may block on a thread that can be left behind.
    pub(crate) async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        self.turn.run(work).await.map_err(|error| failure(&error))?
    }

    /// Decodes a short document in place, and a long one on another thread, so that it does not delay other sources.
    pub(super) async fn decode(
        &self,
        decoder: &Arc<Decoder>,
        bytes: Vec<u8>,
    ) -> Result<Vec<Part>, Failure> {
        self.decode_response(decoder, bytes, None).await
    }

    /// As [`decode`](Self::decode), for a response with that content type.
    pub(super) async fn decode_response(
        &self,
        decoder: &Arc<Decoder>,
        bytes: Vec<u8>,
        content_type: Option<String>,
    ) -> Result<Vec<Part>, Failure> {
        const SHORT: usize = 64 * 1024;
        if bytes.len() <= SHORT {
            return decoder.decode_response(&bytes, content_type.as_deref());
        }
        let decoder = Arc::clone(decoder);
        self.blocking(move || decoder.decode_response(&bytes, content_type.as_deref()))
            .await
    }
}

/// Checks the deadline in long work on a thread, which a deadline can't stop.
///
/// # Errors
/// When it has passed.
pub(super) fn in_time(deadline: Deadline) -> Result<(), Failure> {
    if deadline.has_passed() {
        return Err(Failure::new(
            Reason::Timeout,
            "cannot read all files: the deadline has passed; raise `timeout`, or match fewer files",
        ));
    }
    Ok(())
}

fn failure(error: &SourceError) -> Failure {
    Failure::new(error.reason(), error.to_string())
}

pub(super) fn last_moment(deadline: Deadline) -> Instant {
    const ENOUGH: Duration = Duration::from_millis(250);
    let ahead = (deadline.remaining() / 10).min(ENOUGH);
    let instant = deadline.instant();
    instant.checked_sub(ahead).unwrap_or(instant)
}
