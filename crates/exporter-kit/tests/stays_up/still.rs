//! A server and its clients in one runtime, whose clock moves only where the test says so.

use std::net::SocketAddr;
use std::time::Instant;

use exporter_kit::scrape::MetricsHandler;
use exporter_kit::server::BoundServer;
use exporter_kit::{Registry, Server};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::http::client::PATIENCE;
use crate::http::standstill::Still;

pub(crate) const REQUEST: &[u8] = b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n";

/// Serves this registry while the test runs.
pub(crate) fn with_server<F: Future<Output = ()>>(
    registry: &Registry,
    test: impl FnOnce(SocketAddr) -> F,
) {
    // How many scrapes there may be at once has a test of its own.
    let builder = Server::builder(MetricsHandler::new(registry).max_requests(0));
    run(builder.listen("127.0.0.1:0").bind().unwrap(), test);
}

/// Serves what is bound while the test runs.
pub(crate) fn run<F: Future<Output = ()>>(bound: BoundServer, test: impl FnOnce(SocketAddr) -> F) {
    let address = bound.local_addresses()[0];
    Still::new().run(async {
        tokio::select! {
            served = bound.run(std::future::pending()) => served.unwrap(),
            () = test(address) => {}
        }
    });
}

/// Waits until that many connections are open, the one that asks included.
pub(crate) async fn connections(address: SocketAddr, count: usize) {
    let shown = format!("\nexporter_kit_http_connections {count}.0\n");
    let deadline = Instant::now() + PATIENCE;
    while !ask(address, "/metrics").await.contains(&shown) {
        assert!(Instant::now() < deadline, "never {count} connections");
    }
}

/// One request on a connection of its own; the whole answer.
pub(crate) async fn ask(address: SocketAddr, path: &str) -> String {
    let mut client = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    client.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    client.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    answer
}
