//! The source `fastcgi`, against servers of the test. `recipes/php_fpm` has the real one.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use crate::program::{PATIENCE, end};
use crate::support::{Scratch, assert_lines, said};

const END: u8 = 3;
const STDOUT: u8 = 6;
const STDERR: u8 = 7;

fn record(kind: u8, content: &[u8]) -> Vec<u8> {
    let [high, low] = u16::try_from(content.len())
        .expect("a record")
        .to_be_bytes();
    [&[1, kind, 0, 1, high, low, 0, 0], content].concat()
}

fn end_with(status: u8) -> Vec<u8> {
    record(END, &[0, 0, 0, 0, status, 0, 0, 0])
}

/// A whole response.
pub(crate) fn respond(text: &str) -> Vec<u8> {
    [record(STDOUT, text.as_bytes()), end_with(0)].concat()
}

/// Reads a request up to the end of its standard input. Returns the bytes of its parameters.
fn request(stream: &mut TcpStream) -> Option<String> {
    let mut parameters = Vec::new();
    loop {
        let mut header = [0; 8];
        stream.read_exact(&mut header).ok()?;
        let mut content = vec![0; u16::from_be_bytes([header[4], header[5]]).into()];
        stream.read_exact(&mut content).ok()?;
        match header[1] {
            4 => parameters.extend(content),
            5 => return Some(String::from_utf8_lossy(&parameters).into_owned()),
            _ => (),
        }
    }
}

/// Answers every request on a thread of its own, by its parameters.
pub(crate) fn serve(answer: impl Fn(&str, &mut TcpStream) + Clone + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("its address");
    thread::spawn(move || {
        while let Ok((mut stream, _)) = listener.accept() {
            let answer = answer.clone();
            thread::spawn(move || {
                if let Some(parameters) = request(&mut stream) {
                    answer(&parameters, &mut stream);
                }
            });
        }
    });
    address
}

/// Writes this until the client has gone.
fn flood(stream: &mut TcpStream, bytes: &[u8]) {
    while stream.write_all(bytes).is_ok() {}
}

fn source(name: &str, keys: &str) -> String {
    format!(
        "  {name}:\n    timeout: 2s\n    max_bytes: 100kB\n    fastcgi: {{{keys}, format: number}}\n    \
         metrics: [{{name: app_{name}, help: A number.}}]\n"
    )
}

/// Everything that one collection prints.
fn once(scratch: &Scratch, sources: &[String]) -> String {
    let file = scratch.write("config.yml", &format!("sources:\n{}", sources.concat()));
    let variables = [("KEY", "s3cret")];
    said(&end(
        &["once", "--config.file", &file.to_string_lossy()],
        &variables,
    ))
}

fn failed(name: &str, reason: &str) -> String {
    format!("app_exporter_source_errors_total{{source=\"{name}\",reason=\"{reason}\"}} 1.0")
}

#[test]
fn a_script_gets_its_parameters_and_its_response_has_a_status() {
    let server = serve(|parameters, stream| {
        let has = |pair: &str| parameters.contains(pair);
        let whole = has("SCRIPT_NAME/a.php")
            && has("SCRIPT_FILENAME/srv/a.php")
            && has("QUERY_STRINGx=1&y")
            && has("REQUEST_URI/a.php?x=1&y")
            && has("REQUEST_METHODGET")
            && has("HTTP_X_KEYs3cret");
        let text = match parameters {
            _ if whole => "Content-type: text/plain\r\n\r\n4",
            _ if has("SCRIPT_NAME/gone") => "Status: 404 Not Found\r\n\r\nFile not found.\n",
            _ if has("SCRIPT_NAME/denied") => "Status: 403 Forbidden\r\n\r\nAccess denied.\n",
            _ => "Status: 500\r\n\r\n",
        };
        let bytes = [record(STDERR, b"PHP Warning: s3cret"), respond(text)].concat();
        let _ = stream.write_all(&bytes);
    });
    let scratch = Scratch::new("fastcgi");
    let address = format!("address: '{server}'");
    let text = once(
        &scratch,
        &[
            source(
                "script",
                &format!(
                    "{address}, path: /a.php, script: /srv/a.php, query: x=1&y, parameters: {{HTTP_X_KEY: '${{KEY}}'}}"
                ),
            ),
            source("gone", &format!("{address}, path: /gone")),
            source("denied", &format!("{address}, path: /denied")),
            source("teapot", &format!("{address}, path: /teapot")),
            source("closed", "address: '127.0.0.1:1', path: /"),
            source("absent", "address: 'unix:absent.sock', path: /"),
        ],
    );
    assert!(!text.contains("s3cret"), "{text}");
    assert_lines(
        &text,
        &[
            "app_script 4.0",
            &failed("gone", "query"),
            &failed("denied", "login"),
            &failed("teapot", "query"),
            &failed("closed", "connect"),
            &failed("absent", "connect"),
        ],
    );
    for said in [
        &format!("`{server} /gone`: cannot fetch: status 404 Not Found; check the path"),
        "`127.0.0.1:1 /`: cannot connect: Connection refused",
        "`unix:absent.sock /`: cannot connect: No such file or directory",
    ] {
        assert!(text.contains(said), "{said} in {text}");
    }
}

#[test]
fn a_hostile_server_costs_its_source_and_no_more_than_its_limits() {
    let server = serve(|parameters, stream| {
        let begin = record(STDOUT, b"\n1");
        let is = |path: &str| parameters.contains(&format!("SCRIPT_NAME/{path}"));
        if is("empty") {
            flood(stream, &record(STDOUT, b""));
        } else if is("errors") {
            flood(stream, &record(STDERR, &[b'e'; 60_000]));
        } else if is("large") {
            flood(stream, &record(STDOUT, &[b'1'; 60_000]));
        } else if is("other") {
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
        } else if is("cut") {
            let _ = stream.write_all(&begin);
        } else if is("short") {
            let _ = stream.write_all(&[&*begin, &record(END, &[0; 3])].concat());
        } else if is("busy") {
            let _ = stream.write_all(&end_with(2));
        } else if is("headless") {
            let _ = stream.write_all(&respond("1"));
        } else {
            // It announces 65 535 bytes, and sends one every now and then.
            let _ = stream.write_all(&[1, STDOUT, 0, 1, 255, 255, 0, 0]);
            let pause = Some(Duration::from_millis(50));
            stream.set_read_timeout(pause).expect("a timeout");
            // The client sends nothing more: the read ends with the pause, or when it hangs up.
            while stream.write_all(b"\n").is_ok() && stream.read(&mut [0]).is_err() {}
        }
    });
    let scratch = Scratch::new("fastcgi-hostile");
    let started = Instant::now();
    let kinds = [
        ("empty", "limit", "more than 100000 bytes"),
        ("errors", "limit", "more than 100000 bytes"),
        ("large", "limit", "more than 100000 bytes"),
        (
            "other",
            "connect",
            "a record begins with the byte 72; check that a FastCGI server such as PHP-FPM listens there",
        ),
        (
            "cut",
            "connect",
            "the connection ended before the end of the response",
        ),
        (
            "short",
            "connect",
            "the last record has 3 bytes instead of 8",
        ),
        ("busy", "query", "the server says that it is overloaded"),
        ("headless", "connect", "it has no head"),
        ("slow", "timeout", ""),
    ];
    let sources =
        kinds.map(|(name, ..)| source(name, &format!("address: '{server}', path: /{name}")));
    let text = once(&scratch, &sources);
    for (name, reason, said) in kinds {
        assert_lines(&text, &[&failed(name, reason)]);
        assert!(text.contains(said), "{said} in {text}");
    }
    assert!(started.elapsed() < PATIENCE);
}
