//! One fetch: its deadline, and the threads on which it may block or compute.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use exporter_kit::source::{
    BlockingThreads, BlockingTurn, Deadline, SourceError, SourceErrorReason as Reason,
};
use tokio::time::Instant;

use crate::decode::{Decoder, Failure, Part, with_deadline};

/// The fetches of one source. The next one begins when the threads of the last have ended.
#[derive(Clone, Debug)]
pub(crate) struct Visits {
    threads: BlockingThreads,
    is_computing: Arc<AtomicBool>,
}

/// One fetch. Cheap to clone; it is over when the last clone is dropped and its threads have ended.
#[derive(Clone, Debug)]
pub(crate) struct Visit {
    computation: Computation,
    turn: BlockingTurn,
}

/// The decoding and mapping of one fetch, which ends at the deadline.
#[derive(Clone, Debug)]
pub(crate) struct Computation {
    deadline: Deadline,
    /// True while it runs. The next fetch reads it, if this one is left behind.
    is_running: Arc<AtomicBool>,
}

impl Visits {
    pub(crate) fn new() -> Self {
        Self {
            threads: BlockingThreads::new(),
            is_computing: Arc::new(AtomicBool::new(false)),
        }
    }

    /// Begins a fetch.
    ///
    /// # Errors
    /// When threads of an earlier one have not ended by the deadline.
    pub(crate) async fn begin(&self, deadline: Deadline) -> Result<Visit, Failure> {
        let turn = self.threads.turn(Deadline::at(last_moment(deadline))).await;
        match turn {
            Ok(turn) => Ok(Visit {
                computation: Computation {
                    deadline,
                    is_running: Arc::clone(&self.is_computing),
                },
                turn,
            }),
            Err(_) if self.is_computing.load(Ordering::Relaxed) => Err(Failure::new(
                Reason::Timeout,
                "an earlier fetch is still decoding or mapping; fetch less, simplify the paths and expressions, or raise \
                 `timeout`",
            )),
            Err(error) => Err(failure(&error)),
        }
    }
}

impl Visit {
    pub(super) fn deadline(&self) -> Deadline {
        self.computation.deadline
    }

    /// The decoding and mapping of this fetch, for work that also blocks.
    pub(super) fn computation(&self) -> Computation {
        self.computation.clone()
    }

    /// Runs what may block on a thread that can be left behind.
    pub(crate) async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        self.turn.run(work).await.map_err(|error| failure(&error))?
    }

    /// Runs a computation on a thread that can be left behind, so that it does not delay other sources. Its loops end soon
    /// after the deadline.
    pub(crate) async fn compute<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        let computation = self.computation();
        self.blocking(move || computation.run(work)).await
    }

    /// Decodes a document.
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
        let decoder = Arc::clone(decoder);
        self.compute(move || decoder.decode_response(&bytes, content_type.as_deref()))
            .await
    }
}

impl Computation {
    /// A computation without a fetch.
    #[cfg(test)]
    pub(super) fn until(deadline: Deadline) -> Self {
        Self {
            deadline,
            is_running: Arc::default(),
        }
    }

    /// Runs a part of it on this thread.
    pub(super) fn run<T>(&self, work: impl FnOnce() -> T) -> T {
        self.is_running.store(true, Ordering::Relaxed);
        // Before the runner's deadline, so that the failure names the computation.
        let result = with_deadline(Deadline::at(last_moment(self.deadline)), work);
        self.is_running.store(false, Ordering::Relaxed);
        result
    }

    pub(super) fn deadline(&self) -> Deadline {
        self.deadline
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
