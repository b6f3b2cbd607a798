//! A server in a runtime whose clock is the test's: it stands still unless the test moves it on, so that none of the server's
//! timeouts passes by chance, however long the machine takes.

use std::net::SocketAddr;
use std::sync::mpsc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use exporter_kit::server::{BoundServer, ServerBuilder};
use exporter_kit::{Registry, Server};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{mpsc as asynchronous, oneshot};

use super::client::PATIENCE;

/// A runtime of one thread whose clock moves only where somebody calls [`tokio::time::advance`].
pub(crate) struct Still {
    runtime: Runtime,
    _held: mpsc::Sender<()>,
}

impl Still {
    pub(crate) fn new() -> Self {
        let mut builder = Builder::new_current_thread();
        let runtime = builder.enable_all().start_paused(true).build().unwrap();
        let (held, until_dropped) = mpsc::channel::<()>();
        // While a thread is busy for it, a runtime does not move its clock to the next timer by itself.
        runtime.spawn_blocking(move || until_dropped.recv());
        Self {
            runtime,
            _held: held,
        }
    }

    /// Runs a future to its end. What else still runs then is left behind.
    pub(crate) fn run<T>(self, future: impl Future<Output = T>) -> T {
        let result = self.runtime.block_on(future);
        self.runtime.shutdown_background();
        result
    }
}

/// A server that runs on a thread of its own, in time that stands still.
pub(crate) struct Standstill {
    pub(crate) address: SocketAddr,
    stop: oneshot::Sender<()>,
    steps: asynchronous::UnboundedSender<(Duration, mpsc::Sender<()>)>,
    thread: JoinHandle<()>,
}

impl Standstill {
    pub(crate) fn serve(registry: &Registry) -> Self {
        Self::start(Server::builder(registry).listen("127.0.0.1:0"))
    }

    pub(crate) fn start(builder: ServerBuilder) -> Self {
        let bound = builder.bind().unwrap();
        let address = bound.local_addresses()[0];
        let (stop, stopped) = oneshot::channel();
        let (steps, next) = asynchronous::unbounded_channel();
        let thread = thread::spawn(move || Still::new().run(serve(bound, stopped, next)));
        Self {
            address,
            stop,
            steps,
            thread,
        }
    }

    /// Moves its clock on.
    pub(crate) fn advance(&self, time: Duration) {
        let (done, is_done) = mpsc::channel();
        self.steps.send((time, done)).unwrap();
        is_done.recv_timeout(PATIENCE).unwrap();
    }

    /// Tells it to stop, and waits until it has.
    pub(crate) fn shutdown(self) {
        self.stop.send(()).unwrap();
        self.thread.join().unwrap();
    }
}

async fn serve(
    bound: BoundServer,
    stopped: oneshot::Receiver<()>,
    mut steps: asynchronous::UnboundedReceiver<(Duration, mpsc::Sender<()>)>,
) {
    let clock = async {
        while let Some((time, done)) = steps.recv().await {
            tokio::time::advance(time).await;
            // The test has given up if nobody waits for this.
            let _ = done.send(());
        }
        std::future::pending().await
    };
    let stopped = async { drop(stopped.await) };
    tokio::select! {
        served = bound.run(stopped) => served.unwrap(),
        () = clock => {}
    }
}
