//! Clients that take their time to say what they want, by the hundred.

use std::time::Duration;

use exporter_kit::Registry;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use super::paused::{REQUEST, ask, with_server};

const SENDERS: usize = 300;

/// Every head is sent a byte a second. All are closed, unanswered, before the 35 seconds that they need, and
/// whoever asks meanwhile is answered.
#[test]
fn slow_heads_by_the_hundred() {
    with_server(&Registry::new(), |address| async move {
        let mut senders = JoinSet::new();
        for _ in 0..SENDERS {
            senders.spawn(async move {
                let mut client = TcpStream::connect(address).await.unwrap();
                for (second, byte) in REQUEST.iter().enumerate() {
                    if client.write_all(&[*byte]).await.is_err() {
                        return second;
                    }
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
                REQUEST.len()
            });
        }
        for _ in 0..5 {
            ask(address).await;
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        while let Some(seconds) = senders.join_next().await {
            let seconds = seconds.unwrap();
            assert!((9..14).contains(&seconds), "closed after {seconds} s");
        }
        ask(address).await;
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
        ask(address).await;
        while let Some(sender) = senders.join_next().await {
            sender.unwrap();
        }
        ask(address).await;
    });
}
