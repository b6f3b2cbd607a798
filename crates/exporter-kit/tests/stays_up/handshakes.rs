//! TLS handshakes that stop half-way, by the hundred.

use std::time::Duration;

use exporter_kit::{Registry, Server};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::paused::run;
use crate::web_config::authority::Folder;
use crate::web_config::client::{Speaks, assert_metrics, get};

const CLIENTS: usize = 300;

/// The first message of a client that means it.
fn hello(folder: &Folder) -> Vec<u8> {
    let config = Speaks::default().config(folder);
    let name = rustls::pki_types::ServerName::try_from("localhost").unwrap();
    let mut client = rustls::ClientConnection::new(config.into(), name).unwrap();
    let mut hello = Vec::new();
    client.write_tls(&mut hello).unwrap();
    hello
}

/// Some stop within the hello, some after it. All are closed within the time that a head has.
#[test]
fn handshakes_that_stop_half_way_by_the_hundred() {
    let folder = Folder::new("half-way");
    folder.take("no_auth.good.yml");
    let bound = Server::builder(&Registry::new())
        .listen("127.0.0.1:0")
        .web_config_file(folder.path("web.yml"))
        .bind()
        .unwrap();
    let hello = hello(&folder);
    run(bound, |address| async move {
        let before = Instant::now();
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
        while let Some(client) = clients.join_next().await {
            client.unwrap();
        }
        let took = before.elapsed();
        assert!(took < Duration::from_secs(12), "{took:?}");
    });
}

/// Whoever means it is served while hundreds don't.
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
