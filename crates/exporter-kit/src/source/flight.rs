//! One run of a source that any number of scrapes wait for, and that ends when none does any more.

use std::future::Future;
use std::sync::Arc;

use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::AbortHandle;

use super::source::Deadline;

/// A run under way. Dropping it stops the work.
pub(crate) struct Flight<T> {
    /// Until when the source was told that it has time.
    pub(crate) deadline: Deadline,
    /// Whether that is sooner than the source's own limit.
    pub(crate) is_cut_short: bool,
    result: watch::Receiver<Option<T>>,
    task: AbortHandle,
}

impl<T: Clone + Send + Sync + 'static> Flight<T> {
    pub(crate) fn start(
        runtime: &Handle,
        deadline: Deadline,
        is_cut_short: bool,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Arc<Self> {
        let (sender, result) = watch::channel(None);
        let task = runtime.spawn(async move {
            let output = work.await;
            sender.send_replace(Some(output));
        });
        Arc::new(Self {
            deadline,
            is_cut_short,
            result,
            task: task.abort_handle(),
        })
    }

    /// Whether its result is there, so that who comes now comes too late for it.
    pub(crate) fn is_over(&self) -> bool {
        self.result.borrow().is_some() || self.task.is_finished()
    }

    /// Waits for the result; nothing if the run ended without, as it does when its runtime shuts down.
    pub(crate) async fn result(&self) -> Option<T> {
        let mut result = self.result.clone();
        let result = result.wait_for(Option::is_some).await;
        result.ok().and_then(|result| result.clone())
    }
}

impl<T> Drop for Flight<T> {
    fn drop(&mut self) {
        self.task.abort();
    }
}
