//! A log that can't be written, because the disk is full.

use std::fs::File;
use std::io::Write as _;
use std::os::unix::net::UnixStream;
use std::process::Stdio;

use crate::program::{command, rest};
use crate::support::{Scratch, until};

#[test]
fn a_full_disk_costs_the_log_and_nothing_else() {
    let scratch = Scratch::new("full-disk");
    let socket = scratch.path().join("s");
    let config = scratch.write(
        "config.yml",
        "sources:\n  gone:\n    file: {path: none, format: number}\n    metrics: [{name: app_gone, help: None.}]\n  \
         well:\n    simulate: {uniform: {minimum: 45, maximum: 45}}\n    metrics: [{name: app_well, help: A number.}]\n",
    );
    let listen = format!("--web.listen-address=unix:{}", socket.display());
    let full = File::options()
        .write(true)
        .open("/dev/full")
        .expect("the device that has no room");
    let mut child = command(&[&listen, "--config.file", &config.to_string_lossy()], &[])
        .stdout(Stdio::null())
        .stderr(full)
        .spawn()
        .expect("it starts");
    // Its log can't say when it listens.
    for _ in 0..10 {
        let mut stream = until(|| UnixStream::connect(&socket));
        stream
            .write_all(b"GET /metrics HTTP/1.0\r\n\r\n")
            .expect("a request");
        let answer = rest(stream);
        assert!(answer.contains("\napp_well 45.0\n"), "{answer}");
        assert!(
            answer.contains("source_up{source=\"gone\"} 0.0\n"),
            "{answer}"
        );
    }
    child.kill().expect("it still runs");
    child.wait().expect("it ends");
}
