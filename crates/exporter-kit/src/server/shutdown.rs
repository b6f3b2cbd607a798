//! The end of a server, as its tasks see it.

use std::time::Duration;

use tokio::sync::watch;

/// The time that answers under way have to finish once the server stops.
pub(crate) const GRACE: Duration = Duration::from_millis(800);

/// Stops the tasks that hold the other half, as soon as this is dropped.
pub(crate) struct Stop(watch::Sender<()>);

/// Resolves once the server stops.
#[derive(Clone)]
pub(crate) struct Stopped(watch::Receiver<()>);

/// The two halves of a signal that is given once.
pub(crate) fn channel() -> (Stop, Stopped) {
    let (stop, stopped) = watch::channel(());
    (Stop(stop), Stopped(stopped))
}

impl Stop {
    /// Gives the signal.
    pub(crate) fn send(self) {
        drop(self.0);
    }
}

impl Stopped {
    /// Resolves once the signal is given.
    pub(crate) async fn wait(&mut self) {
        // Nothing is ever sent: the sender is dropped.
        while self.0.changed().await.is_ok() {}
    }
}
