//! No file descriptors left: those who are connected are answered, and the others once there is room again.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::Command;

use crate::program::{Running, command, connect, get};

/// As a service manager would set it, far below what connections need here.
const LIMIT: usize = 64;

/// A program that may have so many open files: `-n` is the limit, `-S -n` the one that it can raise.
fn limited(option: &str, limit: usize) -> Running {
    let program = command(&[], &[]);
    let mut limited = Command::new("sh");
    limited
        .args(["-c", &format!("ulimit {option} {limit}; exec \"$@\""), "sh"])
        .arg(program.get_program())
        .arg("--web.listen-address=127.0.0.1:0");
    Running::spawn(limited)
}

#[test]
fn with_no_file_descriptor_left_it_recovers_by_itself() {
    let mut running = limited("-n", LIMIT);
    let address = running.address();
    let mut first = connect(address);
    is_answered(&mut first);
    let mut clients: Vec<TcpStream> = Vec::new();
    // More than it can have; the rest waits in the queue that the system keeps.
    clients.resize_with(LIMIT + 16, || connect(address));
    running.wait_for(|line| line.contains("raise the limit on open files").then_some(()));
    is_answered(&mut first);
    drop(clients);
    drop(first);
    for _ in 0..LIMIT {
        let (status, body) = get(address, "/metrics");
        assert_eq!(status, 200);
        assert!(body.contains("\napp_active_sessions "), "{body}");
    }
}

#[test]
fn a_limit_that_can_be_raised_is() {
    let mut running = limited("-S -n", LIMIT);
    let address = running.address();
    let mut clients: Vec<TcpStream> = Vec::new();
    clients.resize_with(2 * LIMIT, || connect(address));
    for client in &mut clients {
        is_answered(client);
    }
    is_answered(&mut clients[0]);
}

/// Idle clients of one address, more than there can be connections, each of which was answered once.
#[cfg(target_os = "linux")]
#[test]
fn idle_clients_of_one_address_lock_out_no_other() {
    const FEW: usize = 4 * LIMIT;
    let mut running = limited("-n", FEW);
    let address = running.address();
    let mut other = connect_from([127, 0, 0, 2], address);
    is_answered(&mut other);
    let idle: Vec<TcpStream> = (0..2 * FEW)
        .map(|_| {
            let mut client = connect(address);
            is_answered(&mut client);
            client
        })
        .collect();
    is_answered(&mut other);
    is_answered(&mut connect_from([127, 0, 0, 3], address));
    is_answered(&mut connect(address));
    drop(idle);
}

/// A connection from another address of this machine.
#[cfg(target_os = "linux")]
fn connect_from(own: [u8; 4], address: std::net::SocketAddr) -> TcpStream {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().build().expect("a runtime");
    let stream = runtime.block_on(async {
        let socket = tokio::net::TcpSocket::new_v4()?;
        socket.bind((own, 0).into())?;
        socket.connect(address).await?.into_std()
    });
    let stream = stream.expect("a connection");
    stream.set_nonblocking(false).expect("a socket that waits");
    stream
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
