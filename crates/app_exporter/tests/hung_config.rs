//! A configuration file that hangs: scrapes and the end of the program go on.

use std::io::Write as _;
use std::path::Path;
use std::process::Command;

use rustix::process::Signal;

use crate::program::{Running, connect, get};
use crate::support::Scratch;

const CONFIG: &str = "sources:\n  a:\n    interval: 1h\n    simulate: {uniform: {minimum: 45, maximum: 45}}\n    \
                      metrics: [{name: app_x, help: X.}]\n";

/// Puts a named pipe in place of a file. A reader waits until somebody writes.
fn hang(file: &Path) {
    let pipe = file.with_extension("pipe");
    let made = Command::new("mkfifo").arg(&pipe).status();
    assert!(made.expect("mkfifo").success());
    std::fs::rename(pipe, file).expect("the pipe takes the place of the file");
}

#[test]
fn a_configuration_that_hangs_stops_neither_scrapes_nor_the_end() {
    let scratch = Scratch::new("hung-config");
    let file = scratch.write("config.yml", CONFIG);
    let (mut running, address) = Running::listening(&[
        "--config.file",
        &file.to_string_lossy(),
        "--config.watch-interval=0s",
        "--web.enable-lifecycle",
    ]);
    hang(&file);
    running.signal(Signal::HUP);
    let mut asking: Vec<_> = (0..60).map(|_| connect(address)).collect();
    for stream in &mut asking {
        write!(stream, "POST /-/reload HTTP/1.0\r\nHost: a\r\n\r\n").expect("a request");
    }
    for path in ["/metrics", "/config", "/", "/-/ready"] {
        assert_eq!(get(address, path).0, 200, "{path}");
    }
    running.signal(Signal::TERM);
    running.wait_for(|line| line.contains("signal=SIGTERM").then_some(()));
    let (status, log) = running.end();
    assert_eq!(status.code(), Some(0), "{log:#?}");
}

#[test]
fn a_configuration_that_hangs_at_the_start_is_ended_by_the_first_signal() {
    use std::os::unix::process::ExitStatusExt as _;
    let scratch = Scratch::new("hung-start");
    let file = scratch.path().join("config.yml");
    hang(&file);
    let mut running = Running::start(&["--config.file", &file.to_string_lossy()], &[]);
    running.wait_for(|line| line.contains("Starting app_exporter").then_some(()));
    running.signal(Signal::TERM);
    let (status, log) = running.end();
    assert_eq!(status.signal(), Some(Signal::TERM.as_raw()), "{log:#?}");
}
