//! A server with its addresses bound, before it answers.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::oneshot;

use crate::scrape::slots::CROWD;
use crate::server::accept_loop;
use crate::server::binding::Binding;
use crate::server::encryption::Encryption;
use crate::server::error::ServeError;
use crate::server::handle::{Server, ServerThread};
use crate::server::lifecycle::Lifecycle;
use crate::server::listener::Acceptor;
use crate::server::reload::Reloader;
use crate::server::service::Service;
use crate::server::service_manager::{Notifications, ServiceManager};

/// The number of scrapes that run at the same time on the blocking pool of the server's own runtime; more wait.
const MAX_BLOCKING_SCRAPES: usize = CROWD;

/// A server that has bound its addresses and does not answer yet.
///
/// ```
/// use exporter_kit::{Registry, Server};
///
/// let bound = Server::builder(&Registry::new()).listen("127.0.0.1:0").bind()?;
/// assert_ne!(bound.local_addresses()[0].port(), 0);
/// # let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
/// # runtime.block_on(async {
/// // In your own runtime, until the future resolves: here at once.
/// bound.run(async {}).await?;
/// # Ok::<(), exporter_kit::ServeError>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
#[must_use = "a bound server does nothing until it is started or run"]
pub struct BoundServer {
    pub(crate) binding: Binding,
    pub(crate) urls: Vec<String>,
    pub(crate) service: Service,
    pub(crate) encryption: Option<Arc<dyn Encryption>>,
    pub(crate) lifecycle: Lifecycle,
    pub(crate) reloader: Reloader,
    pub(crate) service_manager: Option<Arc<dyn ServiceManager>>,
}

impl BoundServer {
    /// The TCP addresses that the server listens on.
    pub fn local_addresses(&self) -> &[SocketAddr] {
        &self.binding.addresses
    }

    /// The files of the Unix sockets that the server listens on.
    pub fn socket_paths(&self) -> &[PathBuf] {
        &self.binding.sockets
    }

    /// The URLs of the metrics, for a browser: `http://localhost:8000/metrics`.
    pub fn urls(&self) -> &[String] {
        &self.urls
    }

    /// Reloads the configuration of the program; see [`ServerBuilder::on_reload`](super::ServerBuilder::on_reload).
    pub fn reloader(&self) -> Reloader {
        self.reloader.clone()
    }

    /// Serves on a new thread until the [`Server`] is shut down or dropped.
    ///
    /// # Errors
    /// If the thread cannot be started.
    pub fn start(mut self) -> Result<Server, ServeError> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .enable_time()
            .max_blocking_threads(MAX_BLOCKING_SCRAPES)
            .thread_name("exporter-scrape")
            .build()
            .map_err(ServeError::Start)?;
        let acceptors = {
            // Registered here, so that the caller sees the error.
            let _entered = runtime.enter();
            self.register()?
        };
        let addresses = std::mem::take(&mut self.binding.addresses);
        let sockets = std::mem::take(&mut self.binding.sockets);
        let urls = self.urls.clone();
        let reloader = self.reloader();
        let (stop, stopped) = oneshot::channel::<()>();
        let handle = std::thread::Builder::new()
            .name("exporter-http".to_owned())
            .spawn(move || {
                runtime.block_on(self.serve(acceptors, async {
                    let _ = stopped.await;
                }));
                // A collector that still blocks must not keep the program from ending.
                runtime.shutdown_background();
            })
            .map_err(ServeError::Start)?;
        Ok(Server {
            addresses,
            sockets,
            urls,
            reloader,
            thread: Some(ServerThread { stop, handle }),
        })
    }

    /// Serves in the caller's tokio runtime, which has input, output and time enabled, until `shutdown` resolves.
    /// Answers under way then have 800 ms to finish; the ports are free on return.
    ///
    /// # Errors
    /// If the runtime does not accept the listeners.
    pub async fn run(mut self, shutdown: impl Future<Output = ()>) -> Result<(), ServeError> {
        let acceptors = self.register()?;
        self.serve(acceptors, shutdown).await;
        Ok(())
    }

    fn register(&mut self) -> Result<Vec<Acceptor>, ServeError> {
        std::mem::take(&mut self.binding.listeners)
            .into_iter()
            .map(|listener| listener.register().map_err(ServeError::Listener))
            .collect()
    }

    async fn serve(self, acceptors: Vec<Acceptor>, shutdown: impl Future<Output = ()>) {
        let notifications = Notifications::new(self.service_manager, &self.urls);
        let service = Arc::new(self.service);
        accept_loop::run(
            acceptors,
            service,
            self.encryption,
            &self.lifecycle,
            &notifications,
            shutdown,
        )
        .await;
    }
}
