//! Blocking work of one source.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;

use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio::time::timeout_at;

use super::error::SourceError;
use super::fetch::Deadline;
use super::pool;

/// The threads of one source for blocking calls: a file system, a library without asynchronous functions.
///
/// A thread that waits for a file system can't be stopped: at the deadline it is left behind. The next fetch gets its
/// turn when that thread has ended, so a hung source keeps the threads of one fetch only. Neither another source nor a
/// runtime that shuts down waits for these threads.
///
/// ```
/// use exporter_kit::Snapshot;
/// use exporter_kit::source::{BlockingThreads, Deadline, Fetched, Source, SourceError};
///
/// struct Report { threads: BlockingThreads, file: std::path::PathBuf }
///
/// impl Source for Report {
///     async fn fetch(&self, deadline: Deadline) -> Result<Fetched, SourceError> {
///         let turn = self.threads.turn(deadline).await?;
///         let file = self.file.clone();
///         let text = turn.run(move || std::fs::read_to_string(file)).await?;
///         let report = exporter_kit::parse::text(&text.map_err(SourceError::connect)?);
///         Ok(Fetched::new(report.map_err(SourceError::decode)?, 1))
///     }
/// }
/// ```
#[derive(Clone, Debug)]
pub struct BlockingThreads(Arc<Semaphore>);

/// The turn of one fetch on its source's [`BlockingThreads`]. It ends when its last clone is dropped and its threads
/// have ended.
#[derive(Clone, Debug)]
pub struct BlockingTurn {
    _permit: Arc<OwnedSemaphorePermit>,
}

impl BlockingThreads {
    /// Creates the threads of one source.
    pub fn new() -> Self {
        Self(Arc::new(Semaphore::new(1)))
    }

    /// Waits until all threads of the previous fetch have ended.
    ///
    /// # Errors
    /// A timeout, when they have not ended by the deadline.
    pub async fn turn(&self, deadline: Deadline) -> Result<BlockingTurn, SourceError> {
        let permit = Arc::clone(&self.0).acquire_owned();
        match timeout_at(deadline.instant(), permit).await {
            Ok(Ok(permit)) => Ok(BlockingTurn::new(permit)),
            _ => Err(SourceError::timeout(
                "an earlier fetch is still at work: a blocking call, such as one to a file system, has not returned",
            )),
        }
    }

    /// The turn, unless a thread still runs.
    #[cfg(feature = "http")]
    pub(crate) fn turn_now(&self) -> Option<BlockingTurn> {
        let permit = Arc::clone(&self.0).try_acquire_owned().ok()?;
        Some(BlockingTurn::new(permit))
    }
}

impl Default for BlockingThreads {
    fn default() -> Self {
        Self::new()
    }
}

impl BlockingTurn {
    fn new(permit: OwnedSemaphorePermit) -> Self {
        Self {
            _permit: Arc::new(permit),
        }
    }

    /// Runs a blocking function on a separate thread, within the runtime of this future. A panic there continues in
    /// this future.
    ///
    /// # Errors
    /// When the system allows no further thread.
    pub async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, SourceError> {
        let (sender, result) = oneshot::channel();
        let turn = self.clone();
        let runtime = Handle::try_current().ok();
        let work = move || {
            let entered = runtime.as_ref().map(Handle::enter);
            let result = catch_unwind(AssertUnwindSafe(work));
            drop(entered);
            drop(turn);
            // A fetch stopped at its deadline needs no result.
            let _ = sender.send(result);
        };
        pool::run(work).map_err(|error| {
            SourceError::other(format!(
                "cannot start a thread: {error}; raise the limit of threads"
            ))
        })?;
        match result.await {
            Ok(Ok(output)) => Ok(output),
            Ok(Err(panic)) => resume_unwind(panic),
            Err(_) => Err(SourceError::other("the thread ended without a result")),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::time::Duration;

    use super::super::error::SourceErrorReason;
    use super::*;

    #[test]
    fn a_thread_that_hangs_is_not_followed_by_others() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let threads = BlockingThreads::new();
        let (end, hangs) = mpsc::channel::<()>();
        runtime.block_on(async {
            let soon = || Deadline::after(Duration::from_millis(50));
            let turn = threads.turn(soon()).await.unwrap();
            let hanging = turn.run(move || hangs.recv().is_err());
            // The runner drops the fetch at its deadline.
            assert!(timeout_at(soon().instant(), hanging).await.is_err());
            drop(turn);
            let error = threads.turn(soon()).await.unwrap_err();
            assert_eq!(error.reason(), SourceErrorReason::Timeout);
            drop(end);
            let long = Deadline::after(Duration::from_secs(60));
            let turn = threads.turn(long).await.unwrap();
            assert_eq!(turn.run(|| 7).await.unwrap(), 7);
        });
    }

    #[test]
    #[should_panic(expected = "on the thread")]
    fn a_panic_is_passed_on() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let threads = BlockingThreads::new();
            let deadline = Deadline::after(Duration::from_secs(60));
            let turn = threads.turn(deadline).await.unwrap();
            let _ = turn.run(|| panic!("on the thread")).await;
        });
    }
}
