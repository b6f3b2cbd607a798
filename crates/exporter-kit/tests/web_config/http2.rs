//! HTTP/2, which is spoken inside TLS only.

use std::net::SocketAddr;
use std::sync::Arc;

use http_body_util::{BodyExt as _, Empty};
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;

use super::authority::Folder;
use super::client::Speaks;

async fn connect(
    folder: &Folder,
    address: SocketAddr,
    protocols: &[&'static str],
) -> tokio_rustls::client::TlsStream<TcpStream> {
    let speaks = Speaks {
        protocols: protocols.to_vec(),
        ..Speaks::default()
    };
    let connector = tokio_rustls::TlsConnector::from(Arc::new(speaks.config(folder)));
    let stream = TcpStream::connect(address).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    connector.connect(name, stream).await.unwrap()
}

fn request(path: &str) -> http::Request<Empty<bytes::Bytes>> {
    let uri = format!("https://localhost{path}");
    http::Request::get(uri).body(Empty::new()).unwrap()
}

#[tokio::test]
async fn requests_share_a_connection() {
    let folder = Folder::new("http2");
    let text = super::authority::fixture("no_auth.good.yml")
        + &super::authority::fixture("headers.good.yml");
    let server = folder.serve_text(&text);
    let stream = connect(&folder, server.local_addresses()[0], &["h2", "http/1.1"]).await;
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let (requests, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
        .await
        .unwrap();
    let connection = tokio::spawn(connection);
    let mut answers = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let mut requests = requests.clone();
        answers.spawn(async move { requests.send_request(request("/metrics")).await.unwrap() });
    }
    while let Some(answer) = answers.join_next().await {
        let answer = answer.unwrap();
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.headers()["x-frame-options"], "deny");
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        let text = std::str::from_utf8(&body).unwrap();
        assert!(text.contains("\napp_active_sessions 45.0\n"), "{text}");
    }
    // A server that stops says so, and the connection ends.
    tokio::task::spawn_blocking(move || server.shutdown())
        .await
        .unwrap();
    drop(requests);
    let _ = connection.await.unwrap();
}

#[tokio::test]
async fn a_body_of_many_pieces_comes_whole() {
    let folder = Folder::new("http2_large");
    folder.take("no_auth.good.yml");
    let registry = exporter_kit::Registry::new();
    let labelled = exporter_kit::Gauge::define("large", "Large.").labels(["label"]);
    let family = registry.add(labelled).unwrap();
    for at in 0..10_000 {
        family.with([&*format!("{at:0>60}")]).set(at);
    }
    let server = exporter_kit::Server::builder(&registry)
        .listen("127.0.0.1:0")
        .with(exporter_kit::toolkit::WebConfigFile::new(
            folder.path("web.yml"),
        ))
        .start()
        .unwrap();
    let stream = connect(&folder, server.local_addresses()[0], &["h2"]).await;
    let (mut requests, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
        .await
        .unwrap();
    let _connection = tokio::spawn(connection);
    for _ in 0..2 {
        let answer = requests.send_request(request("/metrics")).await.unwrap();
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        let text = std::str::from_utf8(&body).unwrap();
        let series = text.lines().filter(|line| line.starts_with("large{"));
        assert_eq!(series.count(), 10_000);
        let answer = requests.send_request(request("/nowhere")).await.unwrap();
        assert_eq!(answer.status(), 404);
    }
}

/// Twice the number of slots: all are answered, none of their bodies is read, and others are answered meanwhile.
#[tokio::test]
async fn bodies_that_a_closed_window_holds_back_keep_no_slot() {
    let folder = Folder::new("http2_window");
    let server = folder.serve("no_auth.good.yml");
    let address = server.local_addresses()[0];
    let mut held = Vec::new();
    for _ in 0..3 {
        let stream = connect(&folder, address, &["h2"]).await;
        let (mut requests, connection) = http2::Builder::new(TokioExecutor::new())
            .initial_stream_window_size(0)
            .handshake(TokioIo::new(stream))
            .await
            .unwrap();
        held.push((Vec::new(), tokio::spawn(connection)));
        for _ in 0..30 {
            let answer = requests.send_request(request("/metrics")).await.unwrap();
            assert_eq!(answer.status(), 200);
            held.last_mut().unwrap().0.push(answer.into_body());
        }
    }
    let stream = connect(&folder, address, &["h2"]).await;
    let (mut requests, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
        .await
        .unwrap();
    let _connection = tokio::spawn(connection);
    let answer = requests.send_request(request("/metrics")).await.unwrap();
    assert_eq!(answer.status(), 200);
    assert!(
        !answer
            .into_body()
            .collect()
            .await
            .unwrap()
            .to_bytes()
            .is_empty()
    );
}

#[tokio::test]
async fn it_can_be_switched_off() {
    let folder = Folder::new("no_http2_alpn");
    let server = folder.serve("no_http2.good.yml");
    let stream = connect(&folder, server.local_addresses()[0], &["h2", "http/1.1"]).await;
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
}
