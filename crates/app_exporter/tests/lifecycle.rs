//! Reloading by request and by signal.

use std::io::Write as _;
use std::net::SocketAddr;

use rustix::process::Signal;

use crate::program::{Running, connect, get, rest};

/// The status and the text of the answer to a request without a body.
fn order(address: SocketAddr, method: &str) -> (String, String) {
    let mut stream = connect(address);
    write!(stream, "{method} /-/reload HTTP/1.0\r\nHost: a\r\n\r\n").expect("a request");
    let answer = rest(stream);
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
    let status = head.split(' ').nth(1).expect("a status");
    (status.to_owned(), body.to_owned())
}

#[test]
fn requests_reload_if_they_may() {
    let (_running, address) = Running::listening(&[]);
    let (status, text) = order(address, "POST");
    assert_eq!(status, "403");
    assert!(text.contains("--web.enable-lifecycle"), "{text}");
    let (_running, address) = Running::listening(&["--web.enable-lifecycle"]);
    for method in ["POST", "PUT"] {
        assert_eq!(order(address, method).0, "200");
    }
    assert_eq!(order(address, "GET").0, "405");
}

#[test]
fn sighup_reloads_each_time_and_never_ends_it() {
    let (mut running, address) = Running::listening(&[]);
    for _ in 0..3 {
        running.signal(Signal::HUP);
        running.wait_for(|line| line.contains("msg=Reloaded").then_some(()));
        assert_eq!(get(address, "/-/ready").0, 200);
    }
    running.signal(Signal::TERM);
    let (status, log) = running.end();
    assert_eq!(status.code(), Some(0), "{log:#?}");
}
