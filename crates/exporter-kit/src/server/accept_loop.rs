//! Accepting connections, until the server stops.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;

use crate::server::connection::Connections;
use crate::server::encryption::Encryption;
use crate::server::lifecycle::Lifecycle;
use crate::server::listener::Acceptor;
use crate::server::open_connections::{Alive, OpenConnections};
use crate::server::self_metrics::Cause;
use crate::server::service::Service;
use crate::server::service_manager::{Event, Notifications};
use crate::server::shutdown::{self, Stopped};
use crate::server::tracked_stream::TrackedStream;
use crate::sync::first;

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
    let open = OpenConnections::new();
    let (alive, mut ended) = mpsc::channel(1);
    let accepting: Vec<_> = acceptors
        .into_iter()
        .map(|acceptor| {
            let (open, alive) = (Arc::clone(&open), alive.clone());
            tokio::spawn(accept(acceptor, connections.clone(), open, alive))
        })
        .collect();
    drop((connections, alive));
    first(shutdown, notifications.keep_sending(lifecycle, &accepting)).await;
    lifecycle.stop();
    notifications.send(Event::Stopping);
    stop.send();
    for task in accepting {
        // The listener is closed once its task has ended, for whatever reason.
        let _ = task.await;
    }
    // Every connection ends by itself within the grace.
    let _ = ended.recv().await;
}

async fn accept(
    acceptor: Acceptor,
    connections: Connections,
    open: Arc<OpenConnections>,
    alive: Alive,
) {
    let mut stopped: Stopped = connections.stopped.clone();
    let accepting = async {
        let mut warnings = Warnings::default();
        loop {
            match acceptor.accept().await {
                Ok(stream) => {
                    let (peer, activity) = (stream.peer(), open.activity());
                    let stream = TrackedStream {
                        stream,
                        activity: activity.clone(),
                    };
                    let serving = connections.clone().serve(stream, peer);
                    let closed = open.spawn(peer, activity, alive.clone(), serving);
                    if closed > 0 {
                        warnings.warn(format_args!(
                            "closed {closed} connections of the client with the most: too many are open; raise the limit on open files if this persists"
                        ));
                    }
                }
                // The client has gone before it was accepted.
                Err(error) if is_of_the_client(&error) => {}
                Err(error) => {
                    warnings.warn(format_args!(
                        "cannot accept a connection: {error}; the server retries, raise the limit on open files if this persists"
                    ));
                    if let Some(metrics) = connections.service.self_metrics() {
                        metrics.count_error(Cause::Accept);
                    }
                    open.close_some();
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    };
    first(accepting, stopped.wait()).await;
}

/// Log lines about a lack of room, of which clients can cause any number.
#[derive(Default)]
struct Warnings {
    silent_until: Option<Instant>,
}

impl Warnings {
    fn warn(&mut self, message: fmt::Arguments<'_>) {
        let now = Instant::now();
        if self.silent_until.is_none_or(|until| until <= now) {
            self.silent_until = Some(now + LOG_INTERVAL);
            log::warn!("{message}");
        }
    }
}

fn is_of_the_client(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionRefused
    )
}
