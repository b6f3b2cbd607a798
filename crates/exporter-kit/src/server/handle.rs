//! A running server, and the shortest way to one.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::thread::JoinHandle;

use tokio::sync::oneshot;

use crate::scrape::MetricsHandler;
use crate::server::address::ListenAddress;
use crate::server::error::ServeError;
use crate::server::reload::Reloader;

/// Serves the metrics of a registry at `/metrics`, on a new thread.
///
/// The address is bound on return. The server stops when the [`Server`] is dropped.
///
/// ```
/// use exporter_kit::{Registry, serve};
///
/// let registry = Registry::new();
/// let server = serve(([127, 0, 0, 1], 0), &registry)?;
/// assert!(server.urls()[0].ends_with("/metrics"));
/// # Ok::<(), exporter_kit::ServeError>(())
/// ```
///
/// # Errors
/// If the address is invalid or cannot be bound, or the thread cannot be started.
pub fn serve(
    address: impl TryInto<ListenAddress, Error: Into<ServeError>>,
    metrics: impl Into<MetricsHandler>,
) -> Result<Server, ServeError> {
    Server::builder(metrics).listen(address).start()
}

/// A server that runs on its own thread. Dropping it shuts the server down.
///
/// A program that serves until SIGINT or SIGTERM keeps the server in a variable and waits, here with the crate
/// `signal-hook`:
///
/// ```no_run
/// use exporter_kit::{Registry, serve};
/// # #[cfg(unix)]
/// use signal_hook::{consts::{SIGINT, SIGTERM}, iterator::Signals};
///
/// # #[cfg(unix)] {
/// let mut signals = Signals::new([SIGINT, SIGTERM])?;
/// let server = serve(":8000", &Registry::new())?;
/// println!("Serving {}", server.urls()[0]);
/// signals.forever().next();
/// server.shutdown();
/// # }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "the server stops when this is dropped; keep it in a variable"]
pub struct Server {
    pub(crate) addresses: Vec<SocketAddr>,
    pub(crate) sockets: Vec<PathBuf>,
    pub(crate) urls: Vec<String>,
    pub(crate) reloader: Reloader,
    pub(crate) thread: Option<ServerThread>,
}

/// The thread of a server, and the signal that ends it.
pub(crate) struct ServerThread {
    pub(crate) stop: oneshot::Sender<()>,
    pub(crate) handle: JoinHandle<()>,
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("addresses", &self.addresses)
            .field("sockets", &self.sockets)
            .finish_non_exhaustive()
    }
}

impl Server {
    /// The TCP addresses that the server listens on.
    pub fn local_addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// The files of the Unix sockets that the server listens on.
    pub fn socket_paths(&self) -> &[PathBuf] {
        &self.sockets
    }

    /// The URLs of the metrics, for a browser: `http://localhost:8000/metrics`.
    pub fn urls(&self) -> &[String] {
        &self.urls
    }

    /// Reloads the configuration of the program; see [`ServerBuilder::on_reload`](super::ServerBuilder::on_reload).
    pub fn reloader(&self) -> Reloader {
        self.reloader.clone()
    }

    /// Stops the server and waits for its end. Idle connections are closed at once, answers under way have 800 ms to
    /// finish, and the ports are free on return. Dropping the server does the same.
    pub fn shutdown(mut self) {
        self.stop();
    }

    fn stop(&mut self) {
        if let Some(ServerThread { stop, handle }) = self.thread.take() {
            // Both fail only if the thread has ended already.
            let _ = stop.send(());
            let _ = handle.join();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}
