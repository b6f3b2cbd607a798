//! Probes and further pages behind a real server.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Mutex;
use std::sync::mpsc::channel;

use exporter_kit::scrape::MetricsHandler;
use exporter_kit::server::{ProbeQuery, ProbeRefusal};
use exporter_kit::{Gauge, Registry, Server};

use super::client::{Client, get};

/// Answers with the length of the target; some targets are refused.
fn choose(query: &ProbeQuery) -> Result<MetricsHandler, ProbeRefusal> {
    let target = query.one("target")?;
    match target {
        "secret" => return Err(ProbeRefusal::forbidden("`secret` must not be reached")),
        "down" => return Err(ProbeRefusal::unavailable("`down` is down")),
        "bug" => panic!("a bug of the program"),
        _ => {}
    }
    let registry = Registry::new();
    let lengths = Gauge::define("length", "Help.").labels(["target"]);
    let lengths = registry.add(lengths).unwrap();
    lengths.with([target]).set(target.len() as u32);
    registry.gauge("other", "Help.").unwrap();
    Ok(MetricsHandler::new(&registry))
}

fn start() -> (Server, SocketAddr) {
    let registry = Registry::new();
    registry.gauge("own", "Help.").unwrap();
    let server = Server::builder(&registry)
        .listen("127.0.0.1:0")
        .route_prefix("/shop")
        .probe("/probe", choose)
        .page("/config", "The <configuration>", || "a: 1\n".to_owned())
        .start()
        .unwrap();
    let address = server.local_addresses()[0];
    (server, address)
}

#[test]
fn a_probe_is_answered_as_a_scrape_is() {
    let (_server, address) = start();
    let mut client = Client::connect(address);
    let plain = client.get("/shop/probe?target=a%20b", &[]);
    assert_eq!(plain.status, 200);
    assert!(
        plain.text().contains("\nlength{target=\"a b\"} 3.0\n"),
        "{}",
        plain.text()
    );
    assert!(!plain.text().contains("own"), "{}", plain.text());
    let open = client.get(
        "/shop/probe?target=ab&name[]=length",
        &["Accept: application/openmetrics-text"],
    );
    assert!(open.text().ends_with("{target=\"ab\"} 2.0\n# EOF\n"));
    assert!(!open.text().contains("other"), "{}", open.text());
    let packed = client.get("/shop/probe?target=a%20b", &["Accept-Encoding: gzip"]);
    assert_eq!(packed.header("content-encoding"), Some("gzip"));
    let mut text = String::new();
    flate2::read::GzDecoder::new(&*packed.body)
        .read_to_string(&mut text)
        .unwrap();
    assert_eq!(text, plain.text());
    let head = client.request("HEAD", "/shop/probe?target=a%20b", &[]);
    assert_eq!(
        head.header("content-length"),
        Some(&*plain.body.len().to_string())
    );
    assert_eq!(
        client.request("POST", "/shop/probe?target=a", &[]).status,
        405
    );
    assert_eq!(client.get("/probe?target=a", &[]).status, 404);
}

#[test]
fn what_is_refused_is_said_in_plain_text() {
    let (_server, address) = start();
    let mut client = Client::connect(address);
    for (query, status, text) in [
        (
            "",
            400,
            "the parameter `target` is missing; add it: `?target=…`\n",
        ),
        (
            "target=a&target=b",
            400,
            "the parameter `target` occurs more than once; remove all but one\n",
        ),
        ("target=secret", 403, "`secret` must not be reached\n"),
        ("target=down", 503, "`down` is down\n"),
        (
            "target=bug",
            500,
            "the scrape ended before it had an answer; see the program's standard error\n",
        ),
    ] {
        let answer = client.get(&format!("/shop/probe?{query}"), &[]);
        assert_eq!((answer.status, answer.text()), (status, text));
        let kind = answer.header("content-type");
        assert_eq!(kind, Some("text/plain; charset=utf-8"));
        let head = client.request("HEAD", &format!("/shop/probe?{query}"), &[]);
        assert_eq!(head.status, status);
    }
    assert_eq!(client.get("/shop/metrics", &[]).status, 200);
}

#[test]
fn probes_and_scrapes_have_one_limit() {
    let (begun, begins) = channel();
    let (release, released) = channel::<()>();
    let released = Mutex::new(released);
    let metrics = MetricsHandler::new(&Registry::new()).max_requests(1);
    let server = Server::builder(metrics)
        .listen("127.0.0.1:0")
        .probe("/probe", move |_| {
            begun.send(()).unwrap();
            // Ends when the test says so.
            let _ = released.lock().unwrap().recv();
            Ok(MetricsHandler::new(&Registry::new()))
        })
        .start()
        .unwrap();
    let address = server.local_addresses()[0];
    let mut probing = TcpStream::connect(address).unwrap();
    probing.write_all(b"GET /probe HTTP/1.0\r\n\r\n").unwrap();
    begins.recv().unwrap();
    assert_eq!(get(address, "/metrics", &[]).status, 503);
    assert_eq!(get(address, "/probe", &[]).status, 503);
    release.send(()).unwrap();
    let mut answer = String::new();
    probing.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.0 200 OK\r\n"), "{answer}");
    drop(release);
    assert_eq!(get(address, "/metrics", &[]).status, 200);
}

#[test]
fn a_page_is_plain_text_and_linked() {
    let (_server, address) = start();
    let mut client = Client::connect(address);
    let page = client.get("/shop/config", &[]);
    assert_eq!((page.status, page.text()), (200, "a: 1\n"));
    assert_eq!(
        page.header("content-type"),
        Some("text/plain; charset=utf-8")
    );
    assert_eq!(page.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(page.header("cache-control"), Some("no-store"));
    let head = client.request("HEAD", "/shop/config", &[]);
    assert_eq!(head.header("content-length"), Some("5"));
    assert_eq!(client.request("POST", "/shop/config", &[]).status, 405);
    let home = client.get("/shop/", &[]);
    let link = "<a href=\"/shop/config\">The &lt;configuration&gt;</a>";
    assert!(home.text().contains(link), "{}", home.text());
}

#[test]
fn a_path_leads_to_one_place() {
    for path in [
        "probe",
        "/a b",
        "/",
        "/metrics",
        "/table.html",
        "/-/reload",
        "/config",
    ] {
        let builder = Server::builder(&Registry::new()).listen("127.0.0.1:0");
        let builder = builder.page("/config", "Configuration", String::new);
        let error = builder.probe(path, choose).start().unwrap_err().to_string();
        let begin = format!("cannot serve a probe or page at `{path}`: ");
        assert!(error.starts_with(&begin), "{error}");
    }
}
