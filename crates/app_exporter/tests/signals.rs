//! Ctrl-C and SIGTERM: what is being asked is answered, and the port is free at once.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::process::ExitStatusExt as _;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::program::{Running, connect, get, rest};

#[test]
fn either_signal_ends_it_in_order_and_frees_the_port() {
    for (signal, name) in [(Signal::INT, "SIGINT"), (Signal::TERM, "SIGTERM")] {
        let (running, address) = Running::listening(&[]);
        let mut idle = connect(address);
        write!(idle, "GET /metrics HTTP/1.1\r\nHost: {address}\r\n\r\n").expect("a request");
        let mut first = [0];
        idle.read_exact(&mut first).expect("an answer");
        let began = Instant::now();
        running.signal(signal);
        let (status, log) = running.end();
        let took = began.elapsed();
        assert_eq!(status.code(), Some(0), "{log:#?}");
        assert!(took < Duration::from_secs(1), "{took:?}");
        // Closed by the server, after an answer that is complete.
        let answer = rest(idle);
        assert!(answer.contains("\napp_active_sessions "), "{answer}");
        TcpListener::bind(address).expect("the port is free");
        assert!(
            log.iter()
                .any(|line| line.contains(&format!("signal={name}"))),
            "{log:#?}"
        );
    }
}

#[test]
fn a_scrape_that_has_begun_is_answered() {
    let (mut running, address) = Running::listening(&[]);
    let mut begun = begin(address);
    running.signal(Signal::TERM);
    running.wait_for(|line| line.contains("signal=SIGTERM").then_some(()));
    write!(begun, "\r\n").expect("the other half");
    let answer = rest(begun);
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    assert!(answer.contains("\napp_active_sessions "), "{answer}");
    let (status, log) = running.end();
    assert_eq!(status.code(), Some(0), "{log:#?}");
}

#[test]
fn a_request_that_never_ends_does_not_keep_it() {
    let (running, address) = Running::listening(&[]);
    let begun = begin(address);
    let began = Instant::now();
    running.signal(Signal::TERM);
    let (status, log) = running.end();
    let took = began.elapsed();
    assert_eq!(status.code(), Some(0), "{log:#?}");
    // It takes less than a second; the other one is for machines that have more to do than this.
    assert!(took < Duration::from_secs(2), "{took:?}");
    drop(begun);
}

#[test]
fn a_second_signal_ends_it_at_once() {
    for second in [Signal::INT, Signal::TERM] {
        let (mut running, address) = Running::listening(&[]);
        // This keeps the first signal waiting.
        let begun = begin(address);
        running.signal(Signal::INT);
        running.wait_for(|line| line.contains("signal=SIGINT").then_some(()));
        running.signal(second);
        let (status, log) = running.end();
        assert_eq!(status.signal(), Some(second.as_raw()), "{log:#?}");
        drop(begun);
    }
}

/// A connection with a request that lacks its last line, which the server is reading.
fn begin(address: SocketAddr) -> TcpStream {
    let mut begun = connect(address);
    write!(begun, "GET /metrics HTTP/1.1\r\nHost: {address}\r\n").expect("half a request");
    // Connections are accepted in order, so an answer on a later one says that this one has been.
    assert_eq!(get(address, "/metrics").0, 200);
    begun
}
