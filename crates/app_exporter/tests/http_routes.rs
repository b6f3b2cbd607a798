//! The source `http` on its ways to a server: Unix sockets and proxies.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use crate::http_source::{Request, answer, read, serve, serve_https};
use crate::program::end;
use crate::support::{Port, Scratch, assert_lines, said};

/// Everything that one collection prints.
fn once(scratch: &Scratch, sources: &[String], variables: &[(&str, &str)]) -> String {
    let config = format!("sources:\n{}", sources.concat());
    let file = scratch.write("config.yml", &config);
    let output = end(
        &["once", "--config.file", &file.to_string_lossy()],
        variables,
    );
    said(&output)
}

/// A source whose number is the body of the response.
fn source(name: &str, keys: &str) -> String {
    format!(
        "  {name}:\n    http: {{format: number, {keys}}}\n    metrics: [{{name: app_{name}, help: A number.}}]\n"
    )
}

fn failed(name: &str, reason: &str) -> String {
    format!("app_exporter_source_errors_total{{source=\"{name}\",reason=\"{reason}\"}} 1.0")
}

/// Answers every request at a Unix socket.
#[cfg(unix)]
fn serve_at(path: &std::path::Path, answer: impl Fn(&Request) -> String + Send + 'static) {
    let listener = std::os::unix::net::UnixListener::bind(path).expect("a socket");
    thread::spawn(move || {
        while let Ok((mut stream, _)) = listener.accept() {
            if let Some(request) = read(&mut stream) {
                let _ = stream.write_all(answer(&request).as_bytes());
            }
        }
    });
}

#[cfg(unix)]
#[test]
fn a_server_is_asked_at_its_unix_socket() {
    let scratch = Scratch::new("http-socket");
    serve_at(&scratch.path().join("docker.sock"), |request| {
        match (request.path.as_str(), &*request.headers["host"]) {
            ("/containers/json?all=1", "localhost") => answer("200 OK", "", "3"),
            ("/v1/moved", _) => answer("302 Found", "Location: /containers/json?all=1\r\n", ""),
            ("/v1/away", _) => answer("302 Found", "Location: http://shop.example/\r\n", ""),
            _ => answer("404 Not Found", "", ""),
        }
    });
    let path = scratch.path().join("docker.sock").display().to_string();
    let url = |path: &str| format!("url: 'http://localhost{path}'");
    let text = once(
        &scratch,
        &[
            source(
                "whole",
                &format!("{}, socket: '{path}'", url("/containers/json?all=1")),
            ),
            source(
                "relative",
                &format!("{}, socket: docker.sock", url("/v1/moved")),
            ),
            source(
                "away",
                &format!("{}, socket: '${{FOLDER}}/docker.sock'", url("/v1/away")),
            ),
            source("gone", &format!("{}, socket: gone.sock", url("/"))),
        ],
        &[("FOLDER", &scratch.path().display().to_string())],
    );
    assert_lines(
        &text,
        &[
            "app_whole 3.0",
            "app_relative 3.0",
            &failed("away", "query"),
            &failed("gone", "connect"),
        ],
    );
    for said in [
        "it redirects to another server, `http://shop.example`, which is not at the socket",
        "gone.sock`: No such file or directory (os error 2); check that the server runs, and the path of its socket",
    ] {
        assert!(text.contains(said), "{said} in {text}");
    }
}

#[cfg(unix)]
#[test]
fn a_target_may_be_a_part_of_the_path_of_a_socket() {
    let scratch = Scratch::new("http-socket-probe");
    serve_at(&scratch.path().join("a.sock"), |_| {
        answer("200 OK", "", "4")
    });
    let file = scratch.write(
        "config.yml",
        "sources:\n  app:\n    probe: {targets: ['*']}\n    http: {url: 'http://localhost/', socket: '${target}.sock', format: number}\n    \
         metrics: [{name: app_number, help: A number.}]\n",
    );
    let file = file.to_string_lossy();
    let probe = |target| {
        said(&end(
            &["once", "--config.file", &file, "--target", target],
            &[],
        ))
    };
    assert_lines(&probe("a"), &["app_number 4.0"]);
    let refused = probe("../a");
    assert!(refused.contains("is not one of the `targets`"), "{refused}");
}

/// A proxy that answers by itself, and the requests that it got, with their logins.
fn proxy() -> (SocketAddr, Arc<Mutex<Vec<String>>>) {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let list = Arc::clone(&asked);
    let address = serve(
        |stream| stream,
        move |request| {
            let login = request.headers.get("proxy-authorization").cloned();
            let login = login.unwrap_or_default();
            let line = format!("{} {} {login}", request.method, request.path);
            list.lock().expect("no panic").push(line);
            // exporter:hunter2
            match (&*request.path, &*login) {
                ("http://shop.invalid/login", "Basic ZXhwb3J0ZXI6aHVudGVyMg==") => {
                    answer("200 OK", "", "2")
                }
                ("http://shop.invalid/open", "") => answer("200 OK", "", "1"),
                _ => answer("407 Proxy Authentication Required", "", ""),
            }
        },
    );
    (address, asked)
}

#[test]
fn a_proxy_is_used_with_its_login_and_not_where_it_is_excepted() {
    let scratch = Scratch::new("http-proxy");
    scratch.write("password", "hunter2\n");
    let (proxy, asked) = proxy();
    let direct = serve(|stream| stream, |_| answer("200 OK", "", "5"));
    let closed = Port::reserve();
    let login = "proxy_basic: {user: exporter, password: '${PASSWORD}'}";
    let text = once(
        &scratch,
        &[
            source(
                "open",
                &format!("url: 'http://shop.invalid/open', proxy_url: 'http://{proxy}'"),
            ),
            source(
                "login",
                &format!("url: 'http://shop.invalid/login', proxy_url: 'http://{proxy}', {login}"),
            ),
            source(
                "file",
                &format!(
                    "url: 'http://shop.invalid/login', proxy_url: 'http://{proxy}', proxy_basic: {{user: exporter, password_file: password}}"
                ),
            ),
            source(
                "wrong",
                &format!("url: 'http://shop.invalid/login', proxy_url: 'http://{proxy}'"),
            ),
            source(
                "tunnel",
                &format!("url: 'https://shop.invalid/', proxy_url: 'http://{proxy}', {login}"),
            ),
            source(
                "direct",
                &format!(
                    "url: 'http://{direct}/', proxy_url: 'http://{proxy}', no_proxy: 'example.org,127.0.0.0/8'"
                ),
            ),
            source(
                "down",
                &format!(
                    "url: 'http://shop.invalid/', proxy_url: 'http://{}'",
                    closed.address
                ),
            ),
        ],
        &[("PASSWORD", "hunter2")],
    );
    assert!(!text.contains("hunter2"), "{text}");
    assert_lines(
        &text,
        &[
            "app_open 1.0",
            "app_login 2.0",
            "app_file 2.0",
            "app_direct 5.0",
            &failed("wrong", "login"),
            &failed("tunnel", "login"),
            &failed("down", "connect"),
        ],
    );
    for said in [
        "`http://shop.invalid/login`: cannot log in: status 407 Proxy Authentication Required; the proxy requires a login: check `proxy_basic`",
        "`https://shop.invalid/`: cannot log in: the proxy requires a login; check `proxy_basic`",
        &format!(
            "`http://shop.invalid/`: cannot connect: through the proxy `http://{}`: Connection refused",
            closed.address
        ),
    ] {
        assert!(text.contains(said), "{said} in {text}");
    }
    let asked = asked.lock().expect("no panic");
    assert!(
        !asked.iter().any(|line| line.contains("127.0.0.1")),
        "{asked:?}"
    );
}

#[test]
fn the_proxies_of_the_environment_are_used_only_where_the_configuration_says_so() {
    let scratch = Scratch::new("http-proxy-environment");
    let (proxy, _) = proxy();
    let direct = serve(|stream| stream, |_| answer("200 OK", "", "5"));
    let address = format!("http://{proxy}");
    let text = once(
        &scratch,
        &[
            source(
                "open",
                "url: 'http://shop.invalid/open', proxy_from_environment: true",
            ),
            source(
                "direct",
                &format!("url: 'http://{direct}/', proxy_from_environment: true"),
            ),
            source("without", "url: 'http://shop.invalid/open'"),
        ],
        &[
            ("HTTP_PROXY", &address),
            ("http_proxy", &address),
            ("NO_PROXY", "127.0.0.1"),
            ("no_proxy", "127.0.0.1"),
        ],
    );
    assert_lines(
        &text,
        &[
            "app_open 1.0",
            "app_direct 5.0",
            &failed("without", "connect"),
        ],
    );
}

/// Copies bytes from one side to the other until it ends.
fn copy(mut from: TcpStream, mut to: TcpStream) {
    thread::spawn(move || {
        let _ = std::io::copy(&mut from, &mut to);
        let _ = to.shutdown(std::net::Shutdown::Both);
    });
}

/// Both directions between two sides.
fn join(a: &TcpStream, b: &TcpStream) {
    let other = |stream: &TcpStream| stream.try_clone().expect("the same stream");
    copy(other(a), other(b));
    copy(other(b), other(a));
}

#[test]
fn https_goes_through_a_tunnel_and_is_verified_at_its_end() {
    let scratch = Scratch::new("http-proxy-tunnel");
    let names = vec!["shop.invalid".to_owned()];
    let own = rcgen::generate_simple_self_signed(names).expect("a certificate");
    scratch.write("ca.pem", &own.cert.pem());
    scratch.write("key.pem", &own.signing_key.serialize_pem());
    let server = serve_https(&own);
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let proxy = listener.local_addr().expect("its address");
    thread::spawn(move || {
        while let Ok((mut client, _)) = listener.accept() {
            let request = read(&mut client).expect("a request");
            assert_eq!(
                (&*request.method, &*request.path),
                ("CONNECT", "shop.invalid:443")
            );
            let upstream = TcpStream::connect(server).expect("the server");
            client
                .write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")
                .expect("it is read");
            join(&client, &upstream);
        }
    });
    let route = format!("url: 'https://shop.invalid/', proxy_url: 'http://{proxy}'");
    let text = once(
        &scratch,
        &[
            source(
                "trusted",
                &format!("{route}, tls: {{ca_file: ca.pem, cert_file: ca.pem, key_file: key.pem}}"),
            ),
            source(
                "untrusted",
                &format!("{route}, tls: {{cert_file: ca.pem, key_file: key.pem}}"),
            ),
        ],
        &[],
    );
    assert_lines(&text, &["app_trusted 7.0", &failed("untrusted", "connect")]);
}

/// Reads that many bytes.
fn take(stream: &mut TcpStream, length: impl Into<usize>) -> Vec<u8> {
    let mut bytes = vec![0; length.into()];
    stream.read_exact(&mut bytes).expect("bytes");
    bytes
}

/// A SOCKS 5 proxy with a login that connects to `server`, whatever the name is.
fn socks(server: SocketAddr) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("its address");
    thread::spawn(move || {
        while let Ok((mut client, _)) = listener.accept() {
            let methods = take(&mut client, 2_usize)[1];
            assert!(take(&mut client, methods).contains(&2));
            client.write_all(&[5, 2]).expect("it is read");
            let length = take(&mut client, 2_usize)[1];
            assert_eq!(take(&mut client, length), b"exporter");
            let length = take(&mut client, 1_usize)[0];
            assert_eq!(take(&mut client, length), b"hunter2");
            client.write_all(&[1, 0]).expect("it is read");
            assert_eq!(take(&mut client, 4_usize), [5, 1, 0, 3]);
            let length = take(&mut client, 1_usize)[0];
            assert_eq!(take(&mut client, length), b"shop.invalid");
            assert_eq!(take(&mut client, 2_usize), [0, 80]);
            client
                .write_all(&[5, 0, 0, 1, 127, 0, 0, 1, 0, 80])
                .expect("it is read");
            join(&client, &TcpStream::connect(server).expect("the server"));
        }
    });
    address
}

#[test]
fn a_socks_proxy_resolves_the_name() {
    let scratch = Scratch::new("http-socks");
    let server = serve(|stream| stream, |_| answer("200 OK", "", "6"));
    let proxy = socks(server);
    let login = "proxy_basic: {user: exporter, password: hunter2}";
    let keys = format!("url: 'http://shop.invalid/', proxy_url: 'socks5h://{proxy}', {login}");
    let text = once(&scratch, &[source("socks", &keys)], &[]);
    assert_lines(&text, &["app_socks 6.0"]);
}
