//! Progress of commands that wait: on a terminal, and nowhere else.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};

use crate::program::command;
use crate::support::{Scratch, require};

/// Runs a command with a terminal as its standard error, and copies both outputs.
const ON_A_TERMINAL: &str = r#"
import os, pty, subprocess, sys
mine, theirs = pty.openpty()
child = subprocess.Popen(sys.argv[1:], stdout=theirs, stderr=theirs)
os.close(theirs)
while True:
    try:
        read = os.read(mine, 4096)
    except OSError:
        break
    if not read:
        break
    os.write(1, read)
sys.exit(child.wait())
"#;

const CLEAR: &str = "\r\u{1b}[2K";

/// Answers a request that a test keeps waiting.
fn answer(mut stream: TcpStream) {
    let mut lines = BufReader::new(stream.try_clone().expect("a clone")).lines();
    while lines
        .next()
        .is_some_and(|line| !line.expect("a request").is_empty())
    {}
    let body = "a 1\n";
    let length = body.len();
    write!(
        stream,
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    )
    .expect("a client");
}

/// The command on a terminal, and what it shows until `shown`.
fn on_a_terminal(python: &str, program: &Command, shown: &str) -> (Child, String) {
    let mut child = Command::new(python)
        .args(["-c", ON_A_TERMINAL])
        .arg(program.get_program())
        .args(program.get_args())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python");
    let out = child.stdout.as_mut().expect("its output");
    let mut seen = Vec::new();
    while !String::from_utf8_lossy(&seen).contains(shown) {
        let mut byte = [0];
        assert_eq!(out.read(&mut byte).expect("output"), 1, "{seen:?}");
        seen.push(byte[0]);
    }
    (child, String::from_utf8(seen).expect("UTF-8"))
}

#[test]
fn a_slow_command_shows_progress_on_a_terminal_and_clears_it() {
    let Some(python) = require("python") else {
        return;
    };
    let scratch = Scratch::new("progress");
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/metrics", listener.local_addr().expect("bound"));
    let text = format!("sources:\n  slow: {{http: {{url: '{url}', format: prometheus}}}}\n");
    let file = scratch.write("config.yml", &text);
    let file = file.to_string_lossy();
    let checking = format!("reading `{url}` for ");
    for (arguments, progress, result) in [
        (
            &["once", "--config.file", &file][..],
            "fetching for 0 s, 1 of 1 sources left: slow",
            "a 1.0",
        ),
        (
            &["check-config", "--connect", &file],
            "fetching for 0 s, 1 of 1 sources left: slow",
            "slow: OK, rows: 1",
        ),
        (&["check-metrics", &url], &checking, ""),
    ] {
        let program = command(arguments, &[]);
        // Begun first, so that it waits for longer than the one on the terminal.
        let piped = command(arguments, &[])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program");
        let (of_piped, _) = listener.accept().expect("a request");
        let (mut child, seen) = on_a_terminal(&python.to_string_lossy(), &program, progress);
        let (of_terminal, _) = listener.accept().expect("a request");
        answer(of_piped);
        answer(of_terminal);

        let mut rest = String::new();
        let out = child.stdout.as_mut().expect("its output");
        out.read_to_string(&mut rest).expect("UTF-8");
        child.wait().expect("it ends");
        assert!(seen.contains(&format!("{CLEAR}{progress}")), "{seen:?}");
        let (_, after) = rest.rsplit_once(CLEAR).expect("the line is cleared");
        assert!(after.contains(result), "{rest:?}");
        assert!(!after.contains("fetching"), "{rest:?}");

        let output = piped.wait_with_output().expect("it ends");
        let errors = String::from_utf8(output.stderr).expect("UTF-8");
        assert!(!errors.contains(['\r', '\u{1b}']), "{errors:?}");
        assert!(!errors.contains("fetching"), "{errors:?}");
    }
}
