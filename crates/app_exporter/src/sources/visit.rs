//! One fetch: its deadline, and the threads on which it may block or compute.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use exporter_kit::source::{
    BlockingThreads, BlockingTurn, Deadline, MemoryShare, SourceError, SourceErrorReason as Reason,
};
use tokio::time::Instant;

use crate::decode::{Decoder, Failure, Part, with_deadline};
use crate::sources::memory::Memory;

/// The fetches of one source. The next one begins when the threads of the last have ended.
#[derive(Clone, Debug)]
pub(crate) struct Visits {
    threads: BlockingThreads,
    is_computing: Arc<AtomicBool>,
    memory: Memory,
}

/// The longest document that is decoded without waiting for memory, in bytes.
const SHORT: usize = 64 * 1024;

/// One fetch. Cheap to clone; it is over when the last clone is dropped and its threads have ended.
#[derive(Clone, Debug)]
pub(crate) struct Visit {
    computation: Computation,
    turn: BlockingTurn,
    memory: Memory,
    received: Arc<Mutex<Received>>,
}

/// The amount that a fetch has received.
#[derive(Debug)]
struct Received {
    bytes: usize,
    /// The memory of all that is more than [`SHORT`], in multiples of it.
    memory: MemoryShare,
}

/// The decoding and mapping of one fetch, which ends at the deadline.
#[derive(Clone, Debug)]
struct Computation {
    deadline: Deadline,
    /// True while it runs. The next fetch reads it, if this one is left behind.
    is_running: Arc<AtomicBool>,
}

impl Visits {
    pub(crate) fn new(memory: &Memory) -> Self {
        Self {
            threads: BlockingThreads::new(),
            is_computing: Arc::new(AtomicBool::new(false)),
            memory: memory.clone(),
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
                memory: self.memory.clone(),
                received: Arc::new(Mutex::new(Received {
                    bytes: 0,
                    memory: self.memory.held().share(),
                })),
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

    /// Takes memory for that many bytes that were received, until the fetch is over. The first [`SHORT`] bytes of a fetch
    /// are free, so that sources that receive much do not stop those that receive little.
    ///
    /// # Errors
    /// When all sources together receive too much.
    pub(super) fn receive(&self, bytes: usize) -> Result<(), Failure> {
        let mut received = self.received.lock().unwrap_or_else(PoisonError::into_inner);
        received.bytes = received.bytes.saturating_add(bytes);
        let needed = received.bytes / SHORT * SHORT;
        let more = needed.saturating_sub(received.memory.taken());
        match more == 0 || received.memory.take(more) {
            true => Ok(()),
            false => Err(self.memory.exceeded()),
        }
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
        let computation = self.computation.clone();
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
        let (decoder, visit) = (Arc::clone(decoder), self.clone());
        self.blocking(move || visit.decode_here(&decoder, &bytes, content_type.as_deref()))
            .await
    }

    /// Decodes on this thread, which may block: a long document waits until there is memory for it.
    pub(super) fn decode_here(
        &self,
        decoder: &Decoder,
        bytes: &[u8],
        content_type: Option<&str>,
    ) -> Result<Vec<Part>, Failure> {
        let need = bytes.len().saturating_mul(decoder.expansion());
        let _turn = match bytes.len() {
            ..=SHORT => None,
            _ => Some(
                self.memory
                    .turn(need, Deadline::at(last_moment(self.deadline())))?,
            ),
        };
        self.computation.run(|| decoder.decode(bytes, content_type))
    }
}

impl Computation {
    /// Runs a part of it on this thread.
    fn run<T>(&self, work: impl FnOnce() -> T) -> T {
        self.is_running.store(true, Ordering::Relaxed);
        // Before the runner's deadline, so that the failure names the computation.
        let result = with_deadline(Deadline::at(last_moment(self.deadline)), work);
        self.is_running.store(false, Ordering::Relaxed);
        result
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
