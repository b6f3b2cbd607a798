//! Accepting connections, until the server stops.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;

use crate::server::connection::Connections;
use crate::server::encryption::Encryption;
use crate::server::lifecycle::Lifecycle;
use crate::server::listener::Acceptor;
use crate::server::self_metrics::Cause;
use crate::server::service::Service;
use crate::server::service_manager::{Event, Notifications};
use crate::server::shutdown::{self, Stopped};
use crate::sync::first;

/// The number of connections served at the same time; more wait to be accepted. An idle connection holds about 3 KiB,
/// so this many hold about 30 MiB; a connection without a first request holds 2 KiB.
const MAX_CONNECTIONS: u32 = 10_000;

/// The pause after the process had no file descriptor or memory left for a connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// The time between two log lines about such pauses.
const LOG_INTERVAL: Duration = Duration::from_secs(60);

/// Accepts until `shutdown` resolves, then waits until the connections have ended. Dropping this future ends the server
/// as well, without the wait.
pub(crate) async fn run(
    acceptors: Vec<Acceptor>,
    service: Arc<Service>,
    encryption: Option<Arc<dyn Encryption>>,
    lifecycle: &Lifecycle,
    notifications: &Notifications,
    shutdown: impl Future<Output = ()>,
) {
    let (stop, stopped) = shutdown::channel();
    let connections = Connections {
        service,
        encryption,
        stopped,
    };
    let room = Arc::new(Semaphore::new(MAX_CONNECTIONS as usize));
    let accepting: Vec<_> = acceptors
        .into_iter()
        .map(|acceptor| tokio::spawn(accept(acceptor, connections.clone(), Arc::clone(&room))))
        .collect();
    drop(connections);
    first(shutdown, notifications.keep_sending(lifecycle, &accepting)).await;
    lifecycle.stop();
    notifications.send(Event::Stopping);
    stop.send();
    for task in accepting {
        // The listener is closed once its task has ended, for whatever reason.
        let _ = task.await;
    }
    // Every connection ends by itself within the grace.
    let _ = room.acquire_many(MAX_CONNECTIONS).await;
}

async fn accept(acceptor: Acceptor, connections: Connections, room: Arc<Semaphore>) {
    let mut stopped: Stopped = connections.stopped.clone();
    let accepting = async {
        let mut silent_until = None;
        // The semaphore is never closed.
        while let Ok(permit) = Arc::clone(&room).acquire_owned().await {
            match acceptor.accept().await {
                Ok(stream) => {
                    let connections = connections.clone();
                    tokio::spawn(async move {
                        connections.serve(stream).await;
                        drop(permit);
                    });
                }
                // The client has gone before it was accepted.
                Err(error) if is_of_the_client(&error) => {}
                Err(error) => {
                    let now = Instant::now();
                    if silent_until.is_none_or(|until| until <= now) {
                        silent_until = Some(now + LOG_INTERVAL);
                        log::warn!(
                            "cannot accept a connection: {error}; the server retries, raise the limit on open files if this persists"
                        );
                    }
                    if let Some(metrics) = connections.service.self_metrics() {
                        metrics.count_error(Cause::Accept);
                    }
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    };
    first(accepting, stopped.wait()).await;
}

fn is_of_the_client(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionRefused
    )
}
