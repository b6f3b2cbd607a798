//! Programs that run to their end.

use std::io::Write as _;
use std::process::{Command, Output, Stdio};
use std::thread;

/// Runs `command` to its end with `input` on its standard input.
pub(crate) fn run(command: &mut Command, input: &str) -> Output {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|err| panic!("{command:?} does not start: {err}"));
    let mut stdin = child.stdin.take().expect("its standard input is a pipe");
    let input = input.to_owned();
    // A program that prints before it has read everything would otherwise wait for us for ever.
    let writer = thread::spawn(move || stdin.write_all(input.as_bytes()));
    let output = child.wait_with_output().expect("its output");
    // One that ends without reading its input says why by itself.
    let _ = writer.join();
    output
}

/// Everything that a program printed, to whichever output.
pub(crate) fn said(output: &Output) -> String {
    let bytes = [output.stdout.as_slice(), &output.stderr].concat();
    String::from_utf8_lossy(&bytes).into_owned()
}
