//! No file descriptors left: those who are connected are answered, and the others once there is room again.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::Command;

use crate::program::{Running, command, connect, get};

/// As a service manager would set it, far below what connections need here.
const LIMIT: usize = 64;

#[test]
fn with_no_file_descriptor_left_it_recovers_by_itself() {
    let program = command(&[], &[]);
    let mut limited = Command::new("sh");
    limited
        .args(["-c", &format!("ulimit -n {LIMIT}; exec \"$@\""), "sh"])
        .arg(program.get_program())
        .arg("--web.listen-address=127.0.0.1:0");
    let mut running = Running::spawn(limited);
    let address = running.address();
    let mut first = connect(address);
    is_answered(&mut first);
    let mut clients: Vec<TcpStream> = Vec::new();
    // More than it can have; the rest waits in the queue that the system keeps.
    clients.resize_with(LIMIT + 16, || connect(address));
    running.wait_for(|line| {
        let complains = line.contains("cannot accept a connection: ");
        complains.then(|| assert!(line.contains("raise the limit on open files"), "{line}"))
    });
    is_answered(&mut first);
    drop(clients);
    drop(first);
    for _ in 0..LIMIT {
        let (status, body) = get(address, "/metrics");
        assert_eq!(status, 200);
        assert!(body.contains("\napp_active_sessions "), "{body}");
    }
}

/// Asks, on a connection that is kept, and takes the whole answer.
fn is_answered(client: &mut TcpStream) {
    write!(client, "GET /-/healthy HTTP/1.1\r\nHost: a\r\n\r\n").expect("a request");
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\nhealthy\n") {
        let mut byte = [0];
        client.read_exact(&mut byte).expect("an answer");
        answer.extend(byte);
    }
    assert!(answer.starts_with(b"HTTP/1.1 200 OK\r\n"));
}
