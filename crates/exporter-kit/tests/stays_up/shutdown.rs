//! A server that is stopped while everybody asks.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use exporter_kit::Registry;

use crate::http::client::{PATIENCE, until};
use crate::http::standstill::Standstill;

const CLIENTS: usize = 16;

/// Asks until the server has gone; each answer that begins must end. Says how many there were.
fn ask_until_the_end(address: SocketAddr, answered: &AtomicUsize) -> usize {
    let mut mine = 0;
    while let Ok(mut client) = TcpStream::connect(address) {
        client.set_read_timeout(Some(PATIENCE)).unwrap();
        loop {
            let sent = client.write_all(b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n");
            if sent.is_err() {
                break;
            }
            let mut answer = Vec::new();
            while !is_whole(&answer) {
                let mut part = [0; 4096];
                match client.read(&mut part) {
                    Ok(0) | Err(_) => break,
                    Ok(read) => answer.extend_from_slice(&part[..read]),
                }
            }
            if answer.is_empty() {
                break;
            }
            assert!(is_whole(&answer), "{}", String::from_utf8_lossy(&answer));
            mine += 1;
            answered.fetch_add(1, Ordering::Relaxed);
        }
    }
    mine
}

fn is_whole(answer: &[u8]) -> bool {
    let text = String::from_utf8_lossy(answer);
    let Some((head, body)) = text.split_once("\r\n\r\n") else {
        return false;
    };
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "));
    length.unwrap().parse() == Ok(body.len())
}

/// The time that answers have to finish stands still: none is cut because the machine is slow.
#[test]
fn shutdown_under_load_cuts_no_answer() {
    for _ in 0..5 {
        let registry = Registry::new();
        registry.gauge("one", "One.").unwrap().set(1);
        let server = Standstill::serve(&registry);
        let address = server.address;
        let answered = Arc::new(AtomicUsize::new(0));
        let clients: Vec<_> = (0..CLIENTS)
            .map(|_| {
                let answered = Arc::clone(&answered);
                thread::spawn(move || ask_until_the_end(address, &answered))
            })
            .collect();
        until("500 are answered", || {
            answered.load(Ordering::Relaxed) >= 500
        });
        server.shutdown();
        let total: usize = clients
            .into_iter()
            .map(|client| client.join().unwrap())
            .sum();
        assert!(total >= 500, "{total}");
    }
}
