//! An hour's worth of requests, as fast as they go.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};

use super::{NO_LEAK, growth_of_a_round};
use crate::program::{Running, connect};

/// Two Prometheus servers and a person with a browser: the target, and header lines.
const REQUESTS: [(&str, &str); 8] = [
    ("GET /metrics", "Accept-Encoding: gzip\r\n"),
    (
        "GET /metrics",
        "Accept: application/openmetrics-text;version=1.0.0\r\nAccept-Encoding: gzip\r\n",
    ),
    (
        "GET /metrics",
        "Accept: application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited\r\n",
    ),
    ("GET /metrics?name[]=app_active_sessions", ""),
    ("HEAD /metrics", ""),
    ("GET /", ""),
    ("GET /favicon.ico", ""),
    ("POST /metrics", ""),
];

/// Every 15 seconds.
const SCRAPES_AN_HOUR: usize = 240;

/// Asks once, and takes the answer; every third time the connection is a new one.
fn ask(
    address: SocketAddr,
    client: &mut Option<BufReader<TcpStream>>,
    (request, headers): (&str, &str),
) {
    let mut stream = client
        .take()
        .unwrap_or_else(|| BufReader::new(connect(address)));
    // In one write: small ones wait for each other.
    let request_text = format!("{request} HTTP/1.1\r\nHost: {address}\r\n{headers}\r\n");
    stream
        .get_mut()
        .write_all(request_text.as_bytes())
        .expect("a request");
    let mut length = 0;
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).expect("a head");
        if let Some(value) = line.strip_prefix("content-length: ") {
            length = value.trim().parse().expect("a number");
        }
        assert!(line.ends_with("\r\n"), "cut off");
        if line == "\r\n" {
            break;
        }
    }
    if !request.starts_with("HEAD") {
        let mut body = vec![0; length];
        stream.read_exact(&mut body).expect("a body");
    }
    *client = Some(stream);
}

fn an_hour(address: SocketAddr) {
    let mut clients: [Option<BufReader<TcpStream>>; 3] = [const { None }; 3];
    for turn in 0..SCRAPES_AN_HOUR {
        for (number, client) in clients.iter_mut().enumerate() {
            if turn % 3 == number {
                *client = None;
            }
            for request in REQUESTS {
                ask(address, client, request);
            }
        }
        // And one that is no client.
        let mut garbage = connect(address);
        let _ = garbage.write_all(b"\x16\x03\x01 no request\r\n\r\n");
        let mut rest = Vec::new();
        let _ = garbage.read_to_end(&mut rest);
    }
}

/// The first hours touch what every later one uses again: threads' stacks, the allocator's pools. From then on memory stays as
/// it is, but for pages that a busy machine moves around.
#[test]
fn memory_after_an_hour_is_what_it_was_before() {
    let (_running, address) = Running::listening(&[]);
    let grown = growth_of_a_round(address, 1, 5, || an_hour(address));
    assert!(grown <= NO_LEAK, "{grown} bytes an hour");
}
