//! Ctrl-C and SIGTERM: what is being asked is answered, and the port is free at once.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::process::ExitStatusExt as _;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::program::{PATIENCE, Running, connect, get, rest};
use crate::support::{Port, Scratch};

/// How long answers that have begun may take to finish.
const GRACE: Duration = Duration::from_millis(800);

/// Tries until it goes as it should. Only an attempt that took longer than the program waits, because the machine stood still,
/// may go otherwise.
fn within_the_grace(attempt: impl Fn() -> Result<(), String>) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let began = Instant::now();
        match attempt() {
            Ok(()) => return,
            Err(found) => assert!(
                began.elapsed() >= GRACE && Instant::now() < deadline,
                "{found}"
            ),
        }
    }
}

#[test]
fn either_signal_ends_it_in_order_and_frees_the_port() {
    for (signal, name) in [(Signal::INT, "SIGINT"), (Signal::TERM, "SIGTERM")] {
        let port = Port::reserve();
        let listen = format!("--web.listen-address={}", port.address);
        let mut running = Running::start(&[&listen], &[]);
        let address = running.address();
        let mut idle = connect(address);
        write!(idle, "GET /metrics HTTP/1.1\r\nHost: {address}\r\n\r\n").expect("a request");
        let mut first = [0];
        idle.read_exact(&mut first).expect("an answer");
        running.signal(signal);
        let (status, log) = running.end();
        assert_eq!(status.code(), Some(0), "{log:#?}");
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
fn a_scrape_that_has_begun_is_answered_and_who_is_idle_is_not_waited_for() {
    within_the_grace(|| {
        let (mut running, address) = Running::listening(&[]);
        let mut begun = begin(address);
        let mut idle = connect(address);
        write!(idle, "GET / HTTP/1.1\r\nHost: {address}\r\n\r\n").expect("a request");
        let mut first = [0];
        idle.read_exact(&mut first).expect("an answer");
        running.signal(Signal::TERM);
        running.wait_for(|line| line.contains("signal=SIGTERM").then_some(()));
        // This one is closed while the other answer is still to come.
        rest(idle);
        // It is closed by now if the machine stood still.
        let _ = write!(begun, "\r\n");
        let mut answer = String::new();
        let read = begun.read_to_string(&mut answer);
        let (status, log) = running.end();
        assert_eq!(status.code(), Some(0), "{log:#?}");
        let is_whole =
            answer.starts_with("HTTP/1.1 200 ") && answer.contains("\napp_active_sessions ");
        is_whole.then_some(()).ok_or(format!("{read:?} {answer}"))
    });
}

#[test]
fn a_request_that_never_ends_does_not_keep_it() {
    let (running, address) = Running::listening(&[]);
    let begun = begin(address);
    running.signal(Signal::TERM);
    let (status, log) = running.end();
    assert_eq!(status.code(), Some(0), "{log:#?}");
    drop(begun);
}

#[test]
fn a_later_signal_ends_it_at_once() {
    for second in [Signal::INT, Signal::TERM] {
        within_the_grace(|| {
            let (mut running, address) = Running::listening(&[]);
            // This keeps the first signal waiting.
            let begun = begin(address);
            running.signal(Signal::INT);
            running.wait_for(|line| line.contains("signal=SIGINT").then_some(()));
            // The first of these count as the same signal.
            let stopped = Instant::now();
            while stopped.elapsed() < GRACE {
                running.signal(second);
                thread::sleep(Duration::from_millis(5));
            }
            let (status, log) = running.end();
            drop(begun);
            let is_killed = status.signal() == Some(second.as_raw());
            is_killed.then_some(()).ok_or(format!("{log:#?}"))
        });
    }
}

/// `timeout` sends one signal to the process and one to its group.
#[test]
fn two_signals_at_once_are_one() {
    let folder = Scratch::new("two-signals");
    let socket = folder.path().join("metrics.sock");
    let listen = format!("--web.listen-address=unix:{}", socket.display());
    for (first, second) in [
        (Signal::TERM, Signal::TERM),
        (Signal::INT, Signal::INT),
        (Signal::INT, Signal::TERM),
    ] {
        let all = ["--web.listen-address=127.0.0.1:0", &listen];
        let mut running = Running::start(&all, &[]);
        running.wait_for(|line| line.contains("address=unix:").then_some(()));
        assert!(socket.exists());
        running.signal(first);
        running.signal(second);
        let (status, log) = running.end();
        assert_eq!(status.code(), Some(0), "{log:#?}");
        assert!(!socket.exists());
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
