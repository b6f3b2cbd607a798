//! TLS handshakes that stop half-way, by the hundred.

use std::sync::Arc;
use std::time::{Duration, Instant};

use exporter_kit::{Registry, Server};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::{JoinSet, spawn_blocking};

use super::still::run;
use crate::http::client::PATIENCE;
use crate::web_config::authority::Folder;
use crate::web_config::client::{Speaks, assert_metrics, get};

const CLIENTS: usize = 300;

/// The timeout of a head.
const HEAD_SECONDS: u32 = 10;

/// The first message of a client that means it.
fn hello(folder: &Folder) -> Vec<u8> {
    let config = Speaks::default().config(folder);
    let name = rustls::pki_types::ServerName::try_from("localhost").unwrap();
    let mut client = rustls::ClientConnection::new(config.into(), name).unwrap();
    let mut hello = Vec::new();
    client.write_tls(&mut hello).unwrap();
    hello
}

/// Some stop within the hello, some after it. All are closed when a head would be, and who means it is served meanwhile.
#[test]
fn handshakes_that_stop_half_way_by_the_hundred() {
    let folder = Arc::new(Folder::new("half-way"));
    folder.take("no_auth.good.yml");
    let bound = Server::builder(&Registry::new())
        .listen("127.0.0.1:0")
        .with(exporter_kit::toolkit::WebConfigFile::new(
            folder.path("web.yml"),
        ))
        .bind()
        .unwrap();
    let hello = hello(&folder);
    run(bound, |address| async move {
        let ask = async || {
            let folder = Arc::clone(&folder);
            let answer = spawn_blocking(move || get(&folder, address)).await.unwrap();
            assert_eq!(answer.status(), 200);
            answer.text
        };
        let mut clients = JoinSet::new();
        for number in 0..CLIENTS {
            let sent = hello[..1 + number * (hello.len() - 1) / (CLIENTS - 1)].to_vec();
            clients.spawn(async move {
                let mut client = TcpStream::connect(address).await.unwrap();
                client.write_all(&sent).await.unwrap();
                let mut rest = Vec::new();
                // It may end with an error.
                let _ = client.read_to_end(&mut rest).await;
            });
        }
        // They, and who asks.
        let all = format!("\nexporter_kit_http_connections {}.0\n", CLIENTS + 1);
        let deadline = Instant::now() + PATIENCE;
        while !ask().await.contains(&all) {
            assert!(Instant::now() < deadline, "not all are accepted");
        }
        let mut seconds = 0;
        while !clients.is_empty() {
            // Some were perhaps read a moment after the clock had moved on.
            assert!(seconds < 2 * HEAD_SECONDS, "{} are kept", clients.len());
            tokio::time::advance(Duration::from_secs(1)).await;
            seconds += 1;
            ask().await;
            while let Some(client) = clients.try_join_next() {
                client.unwrap();
                assert!(seconds >= HEAD_SECONDS, "closed after {seconds} s");
            }
        }
    });
}

/// A complete handshake succeeds while hundreds of others stall.
#[test]
fn others_shake_hands_meanwhile() {
    let folder = Folder::new("meanwhile");
    let server = folder.serve("no_auth.good.yml");
    let address = server.local_addresses()[0];
    let hello = hello(&folder);
    let stopped: Vec<_> = (0..CLIENTS)
        .map(|number| {
            let mut client = std::net::TcpStream::connect(address).unwrap();
            let sent = 1 + number * (hello.len() - 1) / (CLIENTS - 1);
            std::io::Write::write_all(&mut client, &hello[..sent]).unwrap();
            client
        })
        .collect();
    for _ in 0..10 {
        assert_metrics(&get(&folder, address));
    }
    drop(stopped);
}
