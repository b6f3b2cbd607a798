//! The source `http`, against a web server of the test.

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;
use std::thread;

use rcgen::{CertifiedKey, KeyPair};

use crate::program::end;
#[cfg(unix)]
use crate::program::{Running, command, get};
#[cfg(unix)]
use crate::support::until;
use crate::support::{Port, Scratch, assert_lines, said};

/// A request as it came.
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) headers: HashMap<String, String>,
    pub(crate) body: String,
}

/// Answers every request, on a thread that ends with the test.
pub(crate) fn serve<S: Read + Write, A: AsRef<[u8]>>(
    accept: impl Fn(std::net::TcpStream) -> S + Send + 'static,
    answer: impl Fn(&Request) -> A + Send + 'static,
) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("its address");
    thread::spawn(move || {
        while let Ok((stream, _)) = listener.accept() {
            let mut stream = accept(stream);
            if let Some(request) = read(&mut stream) {
                // A client that has had enough goes away.
                let _ = stream.write_all(answer(&request).as_ref());
                let _ = stream.flush();
            }
        }
    });
    address
}

/// A server that shows this certificate, and answers 7 to every client that shows it as well.
pub(crate) fn serve_https(own: &CertifiedKey<KeyPair>) -> SocketAddr {
    let key =
        rustls::pki_types::PrivateKeyDer::try_from(own.signing_key.serialize_der()).expect("a key");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut roots = rustls::RootCertStore::empty();
    roots.add(own.cert.der().clone()).expect("a root");
    let clients = rustls::server::WebPkiClientVerifier::builder_with_provider(
        Arc::new(roots),
        Arc::clone(&provider),
    );
    let tls = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_client_cert_verifier(clients.build().expect("a verifier"))
        .with_single_cert(vec![own.cert.der().clone()], key)
        .expect("usable");
    let tls = Arc::new(tls);
    serve(
        move |stream| {
            let connection = rustls::ServerConnection::new(Arc::clone(&tls)).expect("a connection");
            rustls::StreamOwned::new(connection, stream)
        },
        |_| answer("200 OK", "", "7"),
    )
}

pub(crate) fn read(stream: &mut impl Read) -> Option<Request> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut words = line.split(' ');
    let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut headers = HashMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim().split_once(": ") else {
            break;
        };
        headers.insert(name.to_lowercase(), value.to_owned());
    }
    let length = headers
        .get("content-length")
        .map_or(0, |it| it.parse().expect("a length"));
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Request {
        method,
        path,
        headers,
        body: String::from_utf8(body).expect("UTF-8"),
    })
}

/// An answer that ends its connection.
pub(crate) fn answer(status: &str, headers: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}\r\n{body}"
    )
}

fn answer_all(request: &Request, other: SocketAddr) -> String {
    let ok = |body: &str| answer("200 OK", "", body);
    let header = |name: &str| request.headers.get(name).map_or("", String::as_str);
    match request.path.as_str() {
        "/json" => ok(r#"{"apps": [{"name": "a", "sessions": 3}, {"name": "b", "sessions": 4}]}"#),
        // exporter:hunter2
        "/basic" if header("authorization") == "Basic ZXhwb3J0ZXI6aHVudGVyMg==" => ok("1"),
        "/bearer" if header("authorization") == "Bearer t0ken" => ok("2"),
        "/header" if header("x-key") == "hunter2" => ok("3"),
        "/post" if request.method == "POST" && request.body == "{\"q\": 1}" => ok("4"),
        "/moved" => answer("302 Found", "Location: /bearer\r\n", ""),
        "/loop" => answer("302 Found", "Location: /loop\r\n", ""),
        "/elsewhere" => answer(
            "302 Found",
            &format!("Location: http://{other}/json\r\n"),
            "",
        ),
        "/long" => ok(&"9".repeat(5000)),
        "/teapot" => answer("418 I'm a teapot", "", "5"),
        "/metrics" => ok("# TYPE jobs_total counter\njobs_total{queue=\"mail\"} 7\n"),
        _ => answer("401 Unauthorized", "", ""),
    }
}

#[test]
fn every_way_to_ask_and_every_way_to_fail() {
    let other = serve(|stream| stream, |_| answer("200 OK", "", "{}"));
    let server = serve(|stream| stream, move |request| answer_all(request, other));
    // Nobody listens there.
    let port = Port::reserve();
    let closed = port.address;
    let scratch = Scratch::new("http-source");
    scratch.write("token", "t0ken\n");
    let source = |name: &str, path: &str, more: &str| {
        format!(
            "  {name}:\n    http: {{url: 'http://{server}/{path}', format: number{more}}}\n    \
             metrics: [{{name: app_{name}, help: A number.}}]\n"
        )
    };
    let config = [
        "sources:\n".to_owned(),
        format!(
            "  json:\n    http: {{url: 'http://{server}/json', format: {{json: {{rows: '$.apps[*]'}}}}}}\n    \
             metrics:\n      - {{name: app_sessions, help: Sessions., value: sessions, labels: [name]}}\n      \
             - {{name: app_status, help: Status., from: response, value: status}}\n"
        ),
        format!("  metrics:\n    http: {{url: 'http://{server}/metrics', format: {{prometheus: {{labels: {{via: app}}}}}}}}\n"),
        source("basic", "basic", ", basic: {user: '${USER_NAME}', password: '${PASSWORD}'}"),
        source("bearer", "bearer", ", bearer_file: token"),
        source("header", "header", ", headers: {X-Key: '${PASSWORD}'}"),
        source("post", "post", ", method: POST, body: '{\"q\": 1}'"),
        source("moved", "moved", ", bearer: t0ken"),
        source("teapot", "teapot", ", success: [418]"),
        source("refused", "basic", ", basic: {user: '${PASSWORD}', password: wrong}"),
        source("around", "loop", ""),
        source("elsewhere", "elsewhere", ", bearer: t0ken"),
        source("long", "long", ""),
        source("no_number", "json", ""),
        source("no_token", "bearer", ", bearer_file: none"),
        format!("  closed:\n    http: {{url: 'http://{closed}/?token=${{PASSWORD}}', format: number}}\n    metrics: [{{name: app_closed, help: Nothing.}}]\n"),
    ]
    .concat()
    .replace("  long:\n", "  long:\n    max_bytes: 4999\n");
    let file = scratch.write("config.yml", &config);
    let variables = [("PASSWORD", "hunter2"), ("USER_NAME", "exporter")];
    let output = end(
        &["once", "--config.file", &file.to_string_lossy()],
        &variables,
    );
    let text = said(&output);
    assert!(!text.contains("hunter2"), "a secret is shown: {text}");
    assert_lines(
        &text,
        &[
            "app_sessions{name=\"b\"} 4.0",
            "app_status 200.0",
            "jobs_total{queue=\"mail\",via=\"app\"} 7.0",
            "app_basic 1.0",
            "app_bearer 2.0",
            "app_header 3.0",
            "app_post 4.0",
            "app_moved 2.0",
            "app_teapot 5.0",
            "app_exporter_source_errors_total{source=\"refused\",reason=\"login\"} 1.0",
            "app_exporter_source_errors_total{source=\"around\",reason=\"query\"} 1.0",
            "app_exporter_source_errors_total{source=\"elsewhere\",reason=\"query\"} 1.0",
            "app_exporter_source_errors_total{source=\"long\",reason=\"limit\"} 1.0",
            "app_exporter_source_errors_total{source=\"no_number\",reason=\"decode\"} 1.0",
            "app_exporter_source_errors_total{source=\"no_token\",reason=\"login\"} 1.0",
            "app_exporter_source_errors_total{source=\"closed\",reason=\"connect\"} 1.0",
        ],
    );
    assert!(
        text.contains("which must not receive the login, body, headers or target"),
        "{text}"
    );
}

#[test]
fn https_trusts_whom_it_is_told_to_and_shows_its_own_certificate() {
    let scratch = Scratch::new("http-source-tls");
    let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
    let own = rcgen::generate_simple_self_signed(names).expect("a certificate");
    scratch.write("ca.pem", &own.cert.pem());
    scratch.write("key.pem", &own.signing_key.serialize_pem());
    let server = serve_https(&own);
    let source = |name: &str, tls: &str| {
        format!(
            "  {name}:\n    http: {{url: 'https://{server}/', format: number, tls: {{{tls}}}}}\n    \
             metrics: [{{name: app_{name}, help: A number.}}]\n"
        )
    };
    let config = [
        "sources:\n".to_owned(),
        source(
            "trusted",
            "ca_file: ca.pem, cert_file: ca.pem, key_file: key.pem",
        ),
        source("nameless", "ca_file: ca.pem"),
        source("untrusted", "cert_file: ca.pem, key_file: key.pem"),
    ]
    .concat();
    let file = scratch.write("config.yml", &config);
    let text = said(&end(
        &["once", "--config.file", &file.to_string_lossy()],
        &[],
    ));
    assert_lines(
        &text,
        &[
            "app_trusted 7.0",
            "app_exporter_source_up{source=\"nameless\"} 0.0",
            "app_exporter_source_errors_total{source=\"untrusted\",reason=\"connect\"} 1.0",
        ],
    );
}

#[cfg(unix)]
#[test]
fn a_connection_that_ends_as_it_is_used_again_is_replaced() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let server = listener.local_addr().expect("its address");
    let answering = thread::spawn(move || {
        let answer = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n7";
        let (mut kept, _) = listener.accept().expect("a connection");
        read(&mut kept).expect("a request");
        kept.write_all(answer.as_bytes()).expect("it is read");
        // The next request gets there, and the connection ends.
        read(&mut kept).expect("another request");
        drop(kept);
        let (mut next, _) = listener.accept().expect("another connection");
        read(&mut next).expect("the same request");
        next.write_all(answer.as_bytes()).expect("it is read");
    });
    let scratch = Scratch::new("http-source-again");
    let file = scratch.write(
        "config.yml",
        &format!(
            "sources:\n  a:\n    http: {{url: 'http://{server}/', format: number}}\n    \
             metrics: [{{name: app_x, help: X.}}]\n"
        ),
    );
    let (_running, address) = Running::listening(&["--config.file", &file.to_string_lossy()]);
    for _ in 0..2 {
        let (_, body) = get(address, "/metrics");
        assert!(body.contains("\napp_x 7.0\n"), "{body}");
    }
    answering.join().expect("it was asked three times");
}

#[cfg(unix)]
#[test]
fn the_example_is_served_with_every_source_up() {
    let scratch = Scratch::new("example-redis");
    let redis = crate::redis::Server::listening(&scratch, |port, _| {
        [
            "--bind",
            "127.0.0.1",
            "--requirepass",
            "hunter2",
            "--port",
            &port.to_string(),
        ]
        .map(str::to_owned)
        .to_vec()
    });
    let Some(redis) = redis else { return };
    let mut connection = redis.connection();
    for line in [
        "AUTH hunter2",
        "SET sess:a {}",
        "SET sess:b {}",
        "SADD carts:open 7 8 9",
        "ZADD online 99999999999 ada",
    ] {
        let _: redis::Value = crate::redis::say(&mut connection, line);
    }
    let api = serve(
        |stream| stream,
        |_| {
            answer(
                "200 OK",
                "",
                r#"{"apps": [{"name": "api", "sessions": 5}]}"#,
            )
        },
    );
    let fpm = crate::fastcgi::serve(|_, stream| {
        let json = "Content-Type: application/json\n\n{\"pool\": \"www\", \"active processes\": 2}";
        let _ = stream.write_all(&crate::fastcgi::respond(json));
    });
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("config.example.yml");
    let mut program = command(
        &[
            "--web.listen-address=127.0.0.1:0",
            "--config.file",
            &example.to_string_lossy(),
        ],
        &[
            ("API_PORT", &api.port().to_string()),
            ("API_PASSWORD", "hunter2"),
            ("FPM_PORT", &fpm.port().to_string()),
            ("REDIS_PORT", &redis.port().to_string()),
            ("REDIS_PASSWORD", "hunter2"),
        ],
    );
    program.stdout(std::process::Stdio::null());
    let mut running = Running::spawn(program);
    let address = running.address();
    // One or the other may need a second scrape, where the machine stands still for longer than the source may take.
    let body = until(|| {
        let (status, body) = get(address, "/metrics");
        assert_eq!(status, 200, "{body}");
        let up = |line: &&str| line.starts_with("app_exporter_source_up{");
        let ups: Vec<_> = body.lines().filter(up).collect();
        assert_eq!(ups.len(), 11, "{body}");
        let all = ups.iter().all(|line| line.ends_with(" 1.0"));
        if all { Ok(body) } else { Err(body) }
    });
    for start in [
        "app_active_sessions{app=\"demo\"} ",
        "app_active_sessions{app=\"books\"} 12.0",
        "app_active_sessions{app=\"api\"} 5.0",
        "app_active_sessions{app=\"express\"} 2.0",
        "app_online_users 1.0",
        "app_open_carts 3.0",
        "php_fpm_active_processes{pool=\"www\"} 2.0",
        "redis_clients ",
        "shop_queue_wait_seconds{name=\"books\"} 1.5",
        "proxy_requests_total 31070465.0",
        "jobs_total{queue=\"news\",from=\"textfile\"} 3.0",
        "php_sessions 2.0",
        "jobs_pending 3.0",
        "app_active_sessions{app=\"music\",kept=\"database\"} 1.0",
        "app_logged_in_users 2.0",
        "node_logged_in_users{user=\"ada\"} 2.0",
    ] {
        assert!(
            body.lines().any(|line| line.starts_with(start)),
            "{start} is not in\n{body}"
        );
    }
    assert!(!body.contains("hunter2"));
}

#[test]
fn the_example_of_the_readme_gives_what_the_server_says() {
    let server = serve(
        |stream| stream,
        |_| answer("200 OK", "", r#"{"sessions": {"active": 45}}"#),
    );
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../README.md");
    let readme = std::fs::read_to_string(readme).expect("the README");
    let (_, rest) = readme.split_once("```yaml\n").expect("an example");
    let (example, _) = rest.split_once("```").expect("its end");
    assert!(example.contains("http://localhost:8080/"));
    let scratch = Scratch::new("readme-example");
    let file = scratch.path().join("config.yml");
    let example = example.replace("localhost:8080", &server.to_string());
    std::fs::write(&file, example).expect("a file");
    let printed = end(&["once", "--config.file", &file.to_string_lossy()], &[]);
    let printed = String::from_utf8_lossy(&printed.stdout).into_owned();
    assert!(
        printed.contains("\napp_active_sessions 45.0\n"),
        "{printed}"
    );
}
