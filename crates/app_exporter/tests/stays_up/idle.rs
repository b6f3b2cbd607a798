//! Connections that are kept and not used, by the thousand.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::program::{Running, connect, get};

/// As many as the server keeps, less one, for whoever comes next.
const CONNECTIONS: u64 = 9_999;

/// What an idle connection may cost, in bytes.
const EACH: f64 = 6.0 * 1024.0;

/// Lets this process, and those it starts, open as many files as the system permits; says how many.
fn raise_limit() -> u64 {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: maximum,
        maximum,
    };
    setrlimit(Resource::Nofile, raised).expect("up to the maximum it is allowed");
    maximum.unwrap_or(u64::MAX)
}

fn resident(address: SocketAddr) -> f64 {
    let (status, body) = get(address, "/metrics");
    assert_eq!(status, 200, "{body}");
    let line = body
        .lines()
        .find_map(|line| line.strip_prefix("process_resident_memory_bytes "));
    line.expect("the metric").parse().expect("a number")
}

/// A connection on which a request was answered.
fn kept(address: SocketAddr) -> TcpStream {
    let mut stream = connect(address);
    write!(stream, "GET /metrics HTTP/1.1\r\nHost: {address}\r\nAccept-Encoding: gzip\r\n\r\n").expect("a request");
    read_answer(&mut stream);
    stream
}

fn read_answer(stream: &mut TcpStream) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).expect("a head");
        head.extend(byte);
    }
    let head = String::from_utf8(head).expect("text");
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "))
        .expect("a length");
    let mut body = vec![0; length.parse().expect("a number")];
    stream.read_exact(&mut body).expect("a body");
}

#[test]
fn ten_thousand_idle_connections_cost_little_and_are_still_served() {
    let possible = raise_limit().saturating_sub(100);
    let count = CONNECTIONS.min(possible);
    let (_running, address) = Running::listening(&[]);
    for _ in 0..10 {
        drop(kept(address));
    }
    let before = resident(address);
    let mut idle: Vec<_> = (0..count).map(|_| kept(address)).collect();
    let each = (resident(address) - before) / count as f64;
    println!("{each} bytes for each of {count}");
    assert!(each < EACH, "{each} bytes for each of {count}");
    for stream in idle.iter_mut().step_by(97) {
        write!(stream, "GET /metrics HTTP/1.1\r\nHost: {address}\r\n\r\n").expect("a request");
        read_answer(stream);
    }
    assert_eq!(get(address, "/").0, 200);
}
