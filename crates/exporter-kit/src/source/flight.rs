//! One shared run: any number of scrapes wait for it, and it ends when the last of them has gone.

use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::AbortHandle;

/// A run under way. Dropping it stops the work.
pub(crate) struct Flight<T> {
    result: watch::Receiver<Option<T>>,
    /// The task that does the work; `None` if threads do it, which check whether a scrape still waits.
    task: Option<AbortHandle>,
}

/// The end of a flight that provides its result. Dropping it ends the flight without a result.
pub(crate) struct FlightEnd<T>(watch::Sender<Option<T>>);

impl<T: Clone + Send + Sync + 'static> Flight<T> {
    /// Runs a future as a task.
    pub(crate) fn of_task(
        runtime: &Handle,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Self {
        let (mut flight, landing) = Self::new();
        let task = runtime.spawn(async move { landing.land(work.await) });
        flight.task = Some(task.abort_handle());
        flight
    }

    /// Creates a run whose result comes from the landing.
    pub(crate) fn new() -> (Self, FlightEnd<T>) {
        let (sender, result) = watch::channel(None);
        (Self { result, task: None }, FlightEnd(sender))
    }

    /// Returns whether the run has ended: a new scrape cannot join it.
    pub(crate) fn is_over(&self) -> bool {
        self.result.borrow().is_some() || self.result.has_changed().is_err()
    }

    /// Waits for the result; `None` if the run ended without one.
    pub(crate) async fn result(&self) -> Option<T> {
        let mut result = self.result.clone();
        let result = result.wait_for(Option::is_some).await;
        result.ok().and_then(|result| result.clone())
    }
}

impl<T> FlightEnd<T> {
    /// Returns whether a scrape still waits.
    #[cfg(feature = "http")]
    pub(crate) fn is_wanted(&self) -> bool {
        !self.0.is_closed()
    }

    pub(crate) fn land(self, result: T) {
        self.0.send_replace(Some(result));
    }
}

impl<T> Drop for Flight<T> {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

impl<T> std::fmt::Debug for Flight<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Flight").finish_non_exhaustive()
    }
}
