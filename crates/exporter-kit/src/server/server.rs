//! Running servers: accepting connections, on a thread of its own or in the caller's runtime, and ending well.

use std::fmt;
use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::{Semaphore, oneshot, watch};

use crate::registry::Registry;
use crate::server::address::ListenAddress;
use crate::server::builder::{BoundServer, ServerBuilder};
use crate::server::connection;
use crate::server::error::ServeError;
use crate::server::listener::{Acceptor, Listener};
use crate::server::reload::Reloader;
use crate::server::self_metrics::Cause;
use crate::server::site::Site;
use crate::server::supervisor::{Attended, News};

/// How long answers that have begun may take to finish once the server is to stop.
pub(crate) const GRACE: Duration = Duration::from_millis(800);

/// How many connections are served at once; more wait to be accepted. An idle one holds about 3 KiB, so this
/// many hold about 30 MiB; one that has said nothing yet holds 2 KiB.
const MAX_CONNECTIONS: u32 = 10_000;

/// How many scrapes may run on the blocking pool of the server's own runtime at once; more wait. It is what
/// other exporters call `--web.max-requests`.
const MAX_BLOCKING_SCRAPES: usize = 40;

/// How long accepting pauses when the process has no file descriptors or memory left for a connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// How long nothing more is said of such pauses once it was.
const SILENCE: Duration = Duration::from_secs(60);

/// Serves a registry's metrics at `/metrics` on a thread of its own.
///
/// The address is bound when this returns. The server stops when the [`Server`] is dropped.
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
/// When the address is not written as one or can't be had, or no thread can be started.
pub fn serve(
    address: impl TryInto<ListenAddress, Error: Into<ServeError>>,
    registry: &Registry,
) -> Result<Server, ServeError> {
    Server::builder(registry).listen(address).start()
}

/// A server that runs on a thread of its own. Dropping it shuts it down.
#[must_use = "the server stops when this is dropped; keep it in a variable"]
pub struct Server {
    addresses: Vec<SocketAddr>,
    sockets: Vec<PathBuf>,
    urls: Vec<String>,
    reloader: Reloader,
    running: Option<Running>,
}

struct Running {
    stop: oneshot::Sender<()>,
    thread: JoinHandle<()>,
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
    /// Describes a server with more than [`serve`] can say.
    pub fn builder(registry: &Registry) -> ServerBuilder {
        ServerBuilder::new(registry)
    }

    /// The TCP addresses that the server listens on.
    pub fn local_addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// The files of the Unix sockets that the server listens on.
    pub fn socket_paths(&self) -> &[PathBuf] {
        &self.sockets
    }

    /// Where the metrics are, for a browser: `http://localhost:8000/metrics`.
    pub fn urls(&self) -> &[String] {
        &self.urls
    }

    /// What reloads the program's configuration; see [`ServerBuilder::on_reload`].
    pub fn reloader(&self) -> Reloader {
        self.reloader.clone()
    }

    /// Stops the server, and waits until it has. Idle connections are closed at once, requests that are being
    /// answered have 800 ms to finish, and the ports are free at return. Dropping the server does the same.
    pub fn shutdown(mut self) {
        self.stop();
    }

    fn stop(&mut self) {
        if let Some(Running { stop, thread }) = self.running.take() {
            // Both fail only if the thread has ended already.
            let _ = stop.send(());
            let _ = thread.join();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Serves on a new thread.
pub(crate) fn start(bound: BoundServer) -> Result<Server, ServeError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .enable_time()
        .max_blocking_threads(MAX_BLOCKING_SCRAPES)
        .thread_name("exporter-scrape")
        .build()
        .map_err(ServeError::Start)?;
    let acceptors = {
        // Listeners are registered here, so that the caller learns if that fails.
        let _entered = runtime.enter();
        register(bound.listeners)?
    };
    let attended = Attended::new(bound.supervisor, &bound.urls);
    let site = bound.site;
    let (stop, stopped) = oneshot::channel::<()>();
    let thread = std::thread::Builder::new()
        .name("exporter-http".to_owned())
        .spawn(move || {
            runtime.block_on(accept_all(acceptors, site, &attended, async {
                let _ = stopped.await;
            }));
            // A collector that still blocks must not keep the program from ending.
            runtime.shutdown_background();
        })
        .map_err(ServeError::Start)?;
    Ok(Server {
        addresses: bound.addresses,
        sockets: bound.sockets,
        urls: bound.urls,
        reloader: bound.reloader,
        running: Some(Running { stop, thread }),
    })
}

/// Serves in the caller's runtime.
pub(crate) async fn run(
    bound: BoundServer,
    shutdown: impl Future<Output = ()>,
) -> Result<(), ServeError> {
    let attended = Attended::new(bound.supervisor, &bound.urls);
    let acceptors = register(bound.listeners)?;
    accept_all(acceptors, bound.site, &attended, shutdown).await;
    Ok(())
}

fn register(listeners: Vec<Listener>) -> Result<Vec<Acceptor>, ServeError> {
    listeners
        .into_iter()
        .map(|listener| listener.register().map_err(ServeError::Listener))
        .collect()
}

/// Accepts until `shutdown` resolves, then waits for connections to end. Dropping this future ends the server
/// as well, without the wait.
async fn accept_all(
    acceptors: Vec<Acceptor>,
    site: Site,
    attended: &Attended,
    shutdown: impl Future<Output = ()>,
) {
    let (stop, stopped) = watch::channel(());
    let site = Arc::new(site);
    let room = Arc::new(Semaphore::new(MAX_CONNECTIONS as usize));
    let accepting: Vec<_> = acceptors
        .into_iter()
        .map(|acceptor| {
            tokio::spawn(accept(
                acceptor,
                Arc::clone(&site),
                Arc::clone(&room),
                stopped.clone(),
            ))
        })
        .collect();
    drop(stopped);
    first(shutdown, attended.attend(&site.lifecycle, &accepting)).await;
    site.lifecycle.stop();
    attended.tell(News::Stopping);
    drop(stop);
    for task in accepting {
        // The listener is closed once its task has ended, however it did.
        let _ = task.await;
    }
    // Every connection ends by itself within the grace.
    let _ = room.acquire_many(MAX_CONNECTIONS).await;
}

async fn accept(
    acceptor: Acceptor,
    site: Arc<Site>,
    room: Arc<Semaphore>,
    stopped: watch::Receiver<()>,
) {
    let mut told = stopped.clone();
    let accepting = async {
        let mut silent_until = None;
        // The semaphore is never closed.
        while let Ok(permit) = Arc::clone(&room).acquire_owned().await {
            match acceptor.accept().await {
                Ok(stream) => {
                    let site = Arc::clone(&site);
                    let stopped = stopped.clone();
                    tokio::spawn(async move {
                        connection::serve(stream, site, stopped).await;
                        drop(permit);
                    });
                }
                // The client has gone before it was accepted.
                Err(error) if is_of_the_client(&error) => {}
                Err(error) => {
                    let now = Instant::now();
                    if silent_until.is_none_or(|until| until <= now) {
                        silent_until = Some(now + SILENCE);
                        log::warn!(
                            "no connection can be accepted, which is tried again: {error}; if that stays so, raise the limit on open files"
                        );
                    }
                    if let Some(metrics) = &site.self_metrics {
                        metrics.count_error(Cause::Accept);
                    }
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    };
    first(accepting, until(&mut told)).await;
}

fn is_of_the_client(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionRefused
    )
}

/// Resolves once the server is to stop.
pub(crate) async fn until(stopped: &mut watch::Receiver<()>) {
    // Nothing is ever sent: the sender is dropped.
    while stopped.changed().await.is_ok() {}
}

/// Runs both until one is done, and says whether that is the first.
pub(crate) async fn first(left: impl Future<Output = ()>, right: impl Future<Output = ()>) -> bool {
    let mut left = pin!(left);
    let mut right = pin!(right);
    poll_fn(|cx| {
        if left.as_mut().poll(cx).is_ready() {
            Poll::Ready(true)
        } else if right.as_mut().poll(cx).is_ready() {
            Poll::Ready(false)
        } else {
            Poll::Pending
        }
    })
    .await
}
