//! A Unix socket, and the clients that people use.

use std::os::unix::net::UnixListener;
use std::process::Command;

use rustix::process::Signal;

use crate::program::{Running, end};
use crate::support::{Scratch, require, run, said};

#[test]
fn curl_scrapes_a_unix_socket_and_nothing_is_left_of_it() {
    let Some(curl) = require("curl") else {
        return;
    };
    let scratch = Scratch::new("curl");
    let path = scratch.path().join("s");
    // Left behind by a program that was killed.
    drop(UnixListener::bind(&path).expect("a socket"));
    let address = format!("unix:{}?mode=0600", path.display());
    let mut running = Running::start(&[&format!("--web.listen-address={address}")], &[]);
    let shown = format!("msg=\"Listening on\" address=unix:{}", path.display());
    running.wait_for(|line| line.contains(&shown).then_some(()));
    let mut scrape = Command::new(curl);
    scrape.args(["--silent", "--fail", "--max-time", "60", "--unix-socket"]);
    let output = run(scrape.arg(&path).arg("http://localhost/metrics"), "");
    assert!(output.status.success(), "{}", said(&output));
    assert!(said(&output).contains("\napp_active_sessions "));

    let taken = end(
        &[
            &format!("--web.listen-address={address}"),
            "--log.level=error",
        ],
        &[],
    );
    let error = said(&taken);
    assert_eq!(taken.status.code(), Some(1), "{error}");
    assert_eq!(error.lines().count(), 1, "{error}");
    assert!(
        error.contains("another program listens there; stop it"),
        "{error}"
    );
    assert!(error.contains("--web.listen-address"), "{error}");

    running.signal(Signal::TERM);
    let (status, log) = running.end();
    assert_eq!(status.code(), Some(0), "{log:#?}");
    assert!(!path.exists());
}
