//! Requests by the thousand at once, and bytes that are none.

use std::time::Duration;

use exporter_kit::Registry;
use rand::rngs::SmallRng;
use rand::{RngExt as _, SeedableRng as _};

use crate::http::client::{Client, get, serve_one_gauge};
use crate::http::standstill::Standstill;

#[test]
fn a_thousand_requests_in_one_write_are_answered_in_order() {
    let (_registry, _server, address) = serve_one_gauge();
    let mut client = Client::connect(address);
    let requests: String = (0..1000)
        .map(|number| {
            let path = if number % 10 == 0 {
                "/metrics"
            } else {
                "/none"
            };
            format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n")
        })
        .collect();
    client.send(requests);
    for number in 0..1000 {
        let expected = if number % 10 == 0 { 200 } else { 404 };
        assert_eq!(client.receive(false).status, expected, "{number}");
    }
}

/// Half of a pipelined request stays half, and is completed after the connection has rested.
#[test]
fn a_request_that_comes_in_two_halves_is_answered() {
    /// Long enough for a connection to rest, and no head has taken too long yet.
    const REST: Duration = Duration::from_millis(150);
    let server = Standstill::serve(&Registry::new());
    let mut client = Client::connect(server.address);
    let request = "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n";
    for cut in [1, 3, 20, request.len() - 1] {
        client.send(format!("{request}{}", &request[..cut]));
        assert_eq!(client.receive(false).status, 200);
        server.advance(REST);
        client.send(&request[cut..]);
        assert_eq!(client.receive(false).status, 200);
        server.advance(REST);
    }
}

/// Anything at all is answered with an error of the client's, or the connection is closed.
#[test]
fn random_bytes() {
    let (_registry, _server, address) = serve_one_gauge();
    let mut random = SmallRng::seed_from_u64(7);
    for _ in 0..300 {
        let mut bytes = vec![0; random.random_range(1..3000)];
        random.fill(&mut bytes[..]);
        if random.random() {
            bytes.splice(0..0, *b"GET /metrics HTTP/1.1\r\nX");
        }
        bytes.extend(b"\r\n\r\n");
        let mut client = Client::connect(address);
        client.send(bytes);
        // What is complete is refused; the rest ends with the sender.
        let _ = client.stream().shutdown(std::net::Shutdown::Write);
        let answer = String::from_utf8_lossy(&client.receive_all()).into_owned();
        assert!(
            answer.is_empty() || answer.starts_with("HTTP/1.1 4"),
            "{answer}"
        );
    }
    assert_eq!(get(address, "/metrics", &[]).status, 200);
}
