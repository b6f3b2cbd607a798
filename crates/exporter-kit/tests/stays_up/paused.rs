//! A server in a runtime whose clock is the test's: it jumps to the next timer when there is nothing else to do.

use std::net::SocketAddr;

use exporter_kit::http::BoundServer;
use exporter_kit::{Registry, Server};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

pub(crate) const REQUEST: &[u8] = b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n";

/// Serves this registry while the test runs.
pub(crate) fn with_server<F: Future<Output = ()>>(
    registry: &Registry,
    test: impl FnOnce(SocketAddr) -> F,
) {
    let bound = Server::builder(registry)
        .listen("127.0.0.1:0")
        .bind()
        .unwrap();
    run(bound, test);
}

/// Serves what is bound while the test runs.
pub(crate) fn run<F: Future<Output = ()>>(bound: BoundServer, test: impl FnOnce(SocketAddr) -> F) {
    let address = bound.local_addresses()[0];
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(async {
        tokio::select! {
            served = bound.run(std::future::pending()) => served.unwrap(),
            () = test(address) => {}
        }
    });
    // A collector that is still at it must not keep the test.
    runtime.shutdown_background();
}

/// One request on a connection of its own; the whole answer.
pub(crate) async fn ask(address: SocketAddr) -> Vec<u8> {
    let mut client = TcpStream::connect(address).await.unwrap();
    client
        .write_all(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        .await
        .unwrap();
    let mut answer = Vec::new();
    client.read_to_end(&mut answer).await.unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 200 OK\r\n"));
    answer
}
