//! Clients that take their time to say what they want, by the hundred.

use std::io::ErrorKind;
use std::time::Duration;

use exporter_kit::Registry;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use super::still::{REQUEST, ask, connections, with_server};

const SENDERS: usize = 300;

/// Longest time for a request head.
const HEAD_SECONDS: usize = 10;

/// Returns whether a connection has ended; it must not have had a response.
fn is_closed(client: &TcpStream) -> bool {
    match client.try_read(&mut [0]) {
        Ok(0) => true,
        Ok(_) => panic!("half a head is answered"),
        Err(error) => error.kind() != ErrorKind::WouldBlock,
    }
}

/// Every head is sent a byte a second. All are closed, unanswered, before the 35 seconds that they need, and
/// whoever asks meanwhile is answered.
#[test]
fn slow_heads_by_the_hundred() {
    with_server(&Registry::new(), |address| async move {
        let mut senders = Vec::new();
        for _ in 0..SENDERS {
            let mut client = TcpStream::connect(address).await.unwrap();
            client.write_all(&REQUEST[..1]).await.unwrap();
            senders.push(client);
        }
        connections(address, SENDERS + 1).await;
        for (second, byte) in REQUEST.iter().enumerate().skip(1) {
            tokio::time::advance(Duration::from_secs(1)).await;
            ask(address, "/").await;
            let mut kept = Vec::new();
            for mut client in senders {
                if is_closed(&client) {
                    assert!(second >= HEAD_SECONDS, "closed after {second} s");
                } else {
                    // It may be closed by now, which the next second shows.
                    let _ = client.write_all(&[*byte]).await;
                    kept.push(client);
                }
            }
            senders = kept;
        }
        assert!(senders.is_empty(), "{} are kept", senders.len());
        ask(address, "/").await;
    });
}

/// Nothing here reads bodies: the answer does not wait for one, and the connection ends with it.
#[test]
fn slow_bodies_by_the_hundred() {
    with_server(&Registry::new(), |address| async move {
        let mut senders = JoinSet::new();
        for number in 0..SENDERS {
            senders.spawn(async move {
                let (method, length) = [
                    ("GET", "Content-Length: 1000000"),
                    ("POST", "Transfer-Encoding: chunked"),
                ][number % 2];
                let mut client = TcpStream::connect(address).await.unwrap();
                let head = format!("{method} /metrics HTTP/1.1\r\nHost: a\r\n{length}\r\n\r\n");
                client.write_all(head.as_bytes()).await.unwrap();
                let mut answer = Vec::new();
                let mut part = [0; 4096];
                loop {
                    match client.read(&mut part).await {
                        Ok(0) | Err(_) => break,
                        Ok(read) => answer.extend_from_slice(&part[..read]),
                    }
                    // The server may have closed its end already.
                    let _ = client.write_all(b"1").await;
                }
                let status = if number % 2 == 0 { "200" } else { "405" };
                let expected = format!("HTTP/1.1 {status} ");
                assert!(
                    answer.starts_with(expected.as_bytes()),
                    "{}",
                    String::from_utf8_lossy(&answer)
                );
            });
        }
        ask(address, "/").await;
        while let Some(sender) = senders.join_next().await {
            sender.unwrap();
        }
        ask(address, "/").await;
    });
}
