//! Clients that are broken or hostile: others are answered, and memory stays flat.

use std::net::{SocketAddr, TcpStream};

use exporter_kit::Registry;

use super::client::{Client, get, serve_one_gauge};
use super::standstill::Standstill;

/// A new client is answered.
fn still_serves(address: SocketAddr) {
    assert_eq!(get(address, "/metrics", &[]).status, 200);
}

/// Sends as much of this as the server takes, and says how it answered before it closed the connection.
fn answer_to(address: SocketAddr, bytes: &[u8]) -> Vec<u8> {
    use std::io::Write;
    let mut client = Client::connect(address);
    // The server may close the connection before it has read everything.
    let _ = client.stream().write_all(bytes);
    let answer = client.receive_all();
    still_serves(address);
    answer
}

#[track_caller]
fn assert_status_or_closed(answer: &[u8], statuses: &[&str]) {
    let line = String::from_utf8_lossy(answer);
    assert!(
        answer.is_empty()
            || statuses
                .iter()
                .any(|status| line.starts_with(&format!("HTTP/1.1 {status} "))),
        "{line}"
    );
}

#[test]
fn garbage() {
    let (_registry, _server, address) = serve_one_gauge();
    for garbage in [
        &b"\x00\x01\x02\x03\r\n\r\n"[..],
        b"nonsense\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET /metrics\r\n\r\n",
        b"GET /metrics HTTP/9.9\r\n\r\n",
        b"GET /metrics HTTP/1.1\r\nno colon\r\n\r\n",
        b"GET /metrics HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"GET /metrics HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        &[0xff; 5000],
    ] {
        let answer = answer_to(address, garbage);
        assert_status_or_closed(&answer, &["400", "505"]);
    }
}

#[test]
fn a_tls_hello() {
    let (_registry, _server, address) = serve_one_gauge();
    // A record of type handshake, TLS 1.0, 512 bytes, with the beginning of a ClientHello.
    let mut hello = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".to_vec();
    hello.extend((0..=255).cycle().take(506));
    assert_status_or_closed(&answer_to(address, &hello), &["400"]);
}

#[test]
fn a_head_that_is_too_large() {
    let (_registry, _server, address) = serve_one_gauge();
    let large = "x".repeat(70_000);
    let header = format!("GET /metrics HTTP/1.1\r\nHost: a\r\nX-Large: {large}\r\n\r\n");
    assert_status_or_closed(&answer_to(address, header.as_bytes()), &["431"]);
    let uri = format!("GET /metrics?{large} HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_status_or_closed(&answer_to(address, uri.as_bytes()), &["414", "431"]);
    let many = "X-Many: y\r\n".repeat(1000);
    let headers = format!("GET /metrics HTTP/1.1\r\n{many}\r\n");
    assert_status_or_closed(&answer_to(address, headers.as_bytes()), &["431"]);
}

#[test]
fn one_byte_at_a_time() {
    // The time that a head may take does not pass meanwhile.
    let server = Standstill::serve(&Registry::new());
    let mut slow = Client::connect(server.address);
    slow.stream().set_nodelay(true).unwrap();
    for byte in b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n" {
        slow.send([*byte]);
        still_serves(server.address);
    }
    assert_eq!(slow.receive(false).status, 200);
}

/// The memory of the process, on systems that report it.
fn resident_bytes() -> Option<usize> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    let kib: usize = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kib * 1024)
}

/// The number of connections that this process can open to itself.
fn possible_connections() -> usize {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let open_files = limits
        .lines()
        .find(|line| line.starts_with("Max open files"))
        .and_then(|line| line.split_whitespace().nth(3)?.parse().ok());
    // Both ends are here, and a few files more.
    2_000.min(open_files.unwrap_or(256_usize).saturating_sub(100) / 2)
}

/// Memory is this process' alone only where no other test runs, so this one is run again in a process of its own.
#[test]
fn thousands_that_say_nothing() {
    const ALONE: &str = "EXPORTER_KIT_TEST_ALONE";
    if std::env::var_os(ALONE).is_none() {
        let alone = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "http::abuse::thousands_that_say_nothing"])
            .env(ALONE, "1")
            .output()
            .unwrap();
        assert!(alone.status.success(), "{alone:?}");
        return;
    }
    let (_registry, _server, address) = serve_one_gauge();
    for _ in 0..100 {
        still_serves(address);
    }
    let before = resident_bytes();
    let silent: Vec<TcpStream> = (0..possible_connections())
        .map(|_| TcpStream::connect(address).unwrap())
        .collect();
    for _ in 0..100 {
        still_serves(address);
    }
    if let (Some(before), Some(after)) = (before, resident_bytes()) {
        // Measured at 2 KiB for each.
        let each = after.saturating_sub(before) / silent.len();
        assert!(each < 6 * 1024, "{each} bytes for each of {}", silent.len());
    }
    drop(silent);
    still_serves(address);
}
