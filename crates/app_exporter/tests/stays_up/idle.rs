//! Connections that are kept and not used, by the thousand.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::resident;
use crate::program::{Running, connect, get};

/// As many as the server keeps, less one for the next client.
const CONNECTIONS: u64 = 9_999;

/// What an idle connection may cost, in bytes. Measured at 3 KiB.
const EACH: f64 = 4.5 * 1024.0;

/// Raises the limit of open files of this process and its children as far as the system permits; returns it.
fn raise_limit() -> u64 {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: maximum,
        maximum,
    };
    setrlimit(Resource::Nofile, raised).expect("up to the maximum it is allowed");
    maximum.unwrap_or(u64::MAX)
}

/// A connection on which a request was answered.
fn kept(address: SocketAddr) -> TcpStream {
    let mut stream = connect(address);
    ask(&mut stream);
    stream
}

/// Asks for the metrics, and takes the answer.
fn ask(stream: &mut TcpStream) {
    stream
        .write_all(b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n")
        .expect("a request");
    let mut answer = [0; 8192];
    let mut length = 0;
    loop {
        let read = stream.read(&mut answer[length..]).expect("an answer");
        assert!(read > 0, "closed");
        length += read;
        let text = String::from_utf8_lossy(&answer[..length]);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
            let announced = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length: "));
            let announced: usize = announced.expect("a length").parse().expect("a number");
            if body.len() == announced {
                return;
            }
        }
    }
}

#[test]
fn ten_thousand_idle_connections_cost_little_and_are_still_served() {
    let possible = raise_limit().saturating_sub(100);
    let count = CONNECTIONS.min(possible);
    let (_running, address) = Running::listening(&[]);
    // What the first answers leave behind is not a connection's.
    for _ in 0..10 {
        kept(address);
    }
    let before = resident(address);
    let mut idle: Vec<_> = (0..count).map(|_| kept(address)).collect();
    let each = (resident(address) - before) / count as f64;
    assert!(each < EACH, "{each} bytes for each of {count}");
    for stream in idle.iter_mut().step_by(97) {
        ask(stream);
    }
    assert_eq!(get(address, "/").0, 200);
}
