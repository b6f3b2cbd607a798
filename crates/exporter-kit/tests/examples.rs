//! The programs in `examples/`: pages show them whole, and they do what the pages say.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// Programs, and the pages that show them, from the library's folder.
const SHOWN: [(&str, &str); 6] = [
    ("sessions", "README.md"),
    ("sessions", "../../README.md"),
    ("sessions", "docs/front.md"),
    ("sessions", "docs/guide.md"),
    ("shutdown", "docs/cookbook.md"),
    ("axum", "docs/cookbook.md"),
];

#[test]
fn pages_show_the_examples_whole() {
    let library = Path::new(env!("CARGO_MANIFEST_DIR"));
    for (example, page) in SHOWN {
        let source = fs::read_to_string(library.join(format!("examples/{example}.rs"))).unwrap();
        let program = &source[source.find("\nuse ").unwrap() + 1..];
        // The repository's own README is not in the library's package.
        let Ok(page_text) = fs::read_to_string(library.join(page)) else {
            continue;
        };
        let shown = page_text.split("```").any(|block| {
            block
                .split_once('\n')
                .is_some_and(|(_, code)| code == program)
        });
        assert!(shown, "{page} does not show examples/{example}.rs as it is");
    }
}

/// An example that runs, and the host and path of the address that it has printed.
struct Running {
    child: Child,
    host: String,
    path: String,
}

/// The command that runs an example.
fn command(example: &str) -> Command {
    let test = std::env::current_exe().unwrap();
    let folder = test.parent().unwrap().with_file_name("examples");
    Command::new(folder.join(example))
}

impl Running {
    fn start(example: &str) -> Self {
        let mut child = command(example)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("examples are built by `cargo test`: {error}"));
        let mut line = String::new();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        stdout.read_line(&mut line).unwrap();
        let url = line.trim().strip_prefix("http://").unwrap();
        let (host, path) = url.split_once('/').unwrap();
        Self {
            child,
            host: host.to_owned(),
            path: format!("/{path}"),
        }
    }

    fn get(&self, path: &str) -> String {
        let mut client = TcpStream::connect(&self.host).unwrap();
        write!(client, "GET {path} HTTP/1.0\r\n\r\n").unwrap();
        let mut answer = String::new();
        client.read_to_string(&mut answer).unwrap();
        answer
    }

    /// Sends SIGTERM and returns whether the program ended well.
    #[cfg(unix)]
    fn terminate(mut self) -> bool {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").arg(id).status().unwrap().success());
        self.child.wait().unwrap().success()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn the_first_program_keeps_serving() {
    let program = Running::start("sessions");
    for _ in 0..2 {
        let answer = program.get(&program.path);
        assert!(answer.contains("\napp_active_sessions 45.0\n"), "{answer}");
    }
}

#[cfg(unix)]
#[test]
fn a_program_ends_at_sigterm() {
    let program = Running::start("shutdown");
    let answer = program.get(&program.path);
    assert!(answer.contains("\njobs_total 1.0\n"), "{answer}");
    assert!(program.terminate());
}

#[cfg(all(unix, feature = "tower"))]
#[test]
fn the_axum_service_measures_its_requests_and_ends_at_sigterm() {
    let program = Running::start("axum");
    program.get("/users/1");
    program.get("/users/2");
    let answer = program.get(&program.path);
    let labels = r#"{method="GET",route="/users/{id}",code="200"}"#;
    for line in [
        format!("http_requests_total{labels} 2.0"),
        format!("http_request_duration_seconds_count{labels} 2"),
        format!("http_response_size_bytes_sum{labels} 16.0"),
        "http_requests_in_flight 0.0".to_owned(),
    ] {
        assert!(answer.contains(&line), "{line} is not in:\n{answer}");
    }
    assert!(program.terminate());
}

#[test]
fn a_main_that_fails_shows_the_message_and_the_remedy() {
    let output = |way: &str| {
        let output = command("failing").arg(way).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{way}");
        String::from_utf8(output.stderr).unwrap()
    };
    assert_eq!(
        output("name"),
        "Error: name `requests`: a counter's name ends in `_total`; append it\n"
    );
    assert_eq!(
        output("twice"),
        "Error: family `app_active_sessions` is already registered, as a gauge; keep its handle and use it again, or choose another name\n"
    );
    // With the cause, which the message itself names in other words.
    let port = output("port");
    let rest = port.strip_prefix("Error: cannot listen on `127.0.0.1:");
    let (_, rest) = rest.and_then(|rest| rest.split_once("`: ")).unwrap();
    assert!(rest.starts_with("the port is in use; stop the program that listens on it"));
    assert!(port.contains("or choose another port: "), "{port}");
    if cfg!(target_os = "linux") {
        assert!(
            port.ends_with(": Address already in use (os error 98)\n"),
            "{port}"
        );
        assert_eq!(
            output("file"),
            "Error: cannot write `/no/such/folder/app.prom`: No such file or directory (os error 2); create its directory first\n"
        );
    }
}
