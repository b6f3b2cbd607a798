//! One fetch: until when it has time, and the threads on which it may block.

use std::panic::resume_unwind;
use std::sync::Arc;
use std::time::Duration;

use exporter_kit::source::{Deadline, SourceErrorReason as Reason};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::spawn_blocking;
use tokio::time::{Instant, timeout_at};

use crate::decode::{Decoder, Failure, Part};

/// The fetches of one source, one after the other.
///
/// A thread that waits for a file system can't be ended. The next fetch waits for it, so that one that hangs keeps the
/// threads of one fetch, and not in time all that there are for all sources.
#[derive(Clone, Debug)]
pub(crate) struct Visits(Arc<Semaphore>);

/// One fetch. Cheap to clone; it is over when the last clone is dropped and its threads have ended.
#[derive(Clone, Debug)]
pub(crate) struct Visit {
    deadline: Deadline,
    place: Arc<OwnedSemaphorePermit>,
}

impl Visits {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Semaphore::new(1)))
    }

    /// Begins a fetch.
    ///
    /// # Errors
    /// When threads of an earlier one have not ended by the deadline.
    pub(crate) async fn begin(&self, deadline: Deadline) -> Result<Visit, Failure> {
        let place = Arc::clone(&self.0).acquire_owned();
        match timeout_at(last_moment(deadline), place).await {
            Ok(Ok(place)) => Ok(Visit {
                deadline,
                place: Arc::new(place),
            }),
            _ => Err(Failure::new(
                Reason::Timeout,
                "an earlier fetch is still at work: a file, or the file system that it is on, does not answer",
            )),
        }
    }
}

impl Visit {
    pub(super) fn deadline(&self) -> Deadline {
        self.deadline
    }

    /// Runs what may block on a thread made for that.
    pub(crate) async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        let place = Arc::clone(&self.place);
        let working = spawn_blocking(move || {
            let _place = place;
            work()
        });
        match working.await.map_err(|error| error.try_into_panic()) {
            Ok(result) => result,
            Err(Ok(panic)) => resume_unwind(panic),
            Err(Err(error)) => Err(Failure::new(Reason::Other, error.to_string())),
        }
    }

    /// Decodes in place what is short, and on another thread what would hold up other sources.
    pub(super) async fn decode(
        &self,
        decoder: &Arc<Decoder>,
        bytes: Vec<u8>,
    ) -> Result<Vec<Part>, Failure> {
        const SHORT: usize = 64 * 1024;
        if bytes.len() <= SHORT {
            return decoder.decode(&bytes);
        }
        let decoder = Arc::clone(decoder);
        self.blocking(move || decoder.decode(&bytes)).await
    }
}

/// For what goes on for long: a thread is not stopped by a deadline, so it has to look at it.
///
/// # Errors
/// When it has passed.
pub(super) fn in_time(deadline: Deadline) -> Result<(), Failure> {
    if deadline.has_passed() {
        return Err(Failure::new(
            Reason::Timeout,
            "there was no time to look at all files",
        ));
    }
    Ok(())
}

pub(super) fn last_moment(deadline: Deadline) -> Instant {
    const ENOUGH: Duration = Duration::from_millis(250);
    let ahead = (deadline.remaining() / 10).min(ENOUGH);
    let instant = deadline.instant();
    instant.checked_sub(ahead).unwrap_or(instant)
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn a_thread_that_hangs_is_not_followed_by_others() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let visits = Visits::new();
        let (end, hangs) = mpsc::channel::<()>();
        runtime.block_on(async {
            let soon = || Deadline::after(Duration::from_millis(50));
            let visit = visits.begin(soon()).await.unwrap();
            let hanging = visit.blocking(move || Ok(hangs.recv().is_err()));
            // The runner drops the fetch at its deadline.
            assert!(timeout_at(soon().instant(), hanging).await.is_err());
            drop(visit);
            let failure = visits.begin(soon()).await.unwrap_err();
            assert_eq!(failure.reason, Reason::Timeout);
            drop(end);
            let long = Deadline::after(Duration::from_secs(60));
            let visit = visits.begin(long).await.unwrap();
            assert_eq!(visit.blocking(|| Ok(7)).await, Ok(7));
        });
    }
}
