//! The state of a server: ready or not, stopping or not.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::watch;

/// The readiness of a program: `/-/ready` answers 503 until it is set.
///
/// A server without one is ready as soon as it answers. Cheap to clone; clones share the state.
///
/// ```
/// use exporter_kit::{Registry, Server, server::Readiness};
///
/// let readiness = Readiness::waiting();
/// let server = Server::builder(&Registry::new()).listen("127.0.0.1:0").readiness(&readiness).start()?;
/// // After the program has fetched its numbers for the first time:
/// readiness.set_ready(true);
/// # Ok::<(), exporter_kit::ServeError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Readiness {
    ready: Arc<watch::Sender<bool>>,
}

impl Readiness {
    /// Not ready until [`set_ready`](Self::set_ready) is called.
    pub fn waiting() -> Self {
        Self::new(false)
    }

    fn new(ready: bool) -> Self {
        Self {
            ready: Arc::new(watch::Sender::new(ready)),
        }
    }

    /// Sets whether the program is ready. A service manager is notified the first time it is.
    pub fn set_ready(&self, ready: bool) {
        self.ready.send_replace(ready);
    }
}

/// The state of a server. Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Lifecycle {
    readiness: Readiness,
    stopping: Arc<AtomicBool>,
}

impl Default for Lifecycle {
    fn default() -> Self {
        Self::new(Readiness::new(true))
    }
}

impl Lifecycle {
    pub(crate) fn new(readiness: Readiness) -> Self {
        Self {
            readiness,
            stopping: Arc::new(AtomicBool::new(false)),
        }
    }

    pub(crate) fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }

    pub(crate) fn is_ready(&self) -> bool {
        *self.readiness.ready.borrow()
    }

    /// Resolves once the program is ready.
    pub(crate) async fn ready(&self) {
        let mut ready = self.readiness.ready.subscribe();
        // `self` keeps the sender alive.
        let _ = ready.wait_for(|ready| *ready).await;
    }
}
