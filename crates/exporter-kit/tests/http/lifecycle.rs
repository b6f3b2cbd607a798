//! Health, readiness and reloads, also behind a prefix or a proxy.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::channel;

use exporter_kit::server::{Readiness, ServerBuilder};
use exporter_kit::{Registry, ServeError, Server};

use super::client::{Answer, Client, get};
use super::standstill::Standstill;

fn builder(registry: &Registry) -> ServerBuilder {
    Server::builder(registry).listen("127.0.0.1:0")
}

fn start(builder: ServerBuilder) -> (Server, SocketAddr) {
    let server = builder.start().unwrap();
    let address = server.local_addresses()[0];
    (server, address)
}

fn request(address: SocketAddr, method: &str, target: &str) -> Answer {
    Client::connect(address).request(method, target, &[])
}

#[test]
fn health_and_readiness_are_read_and_not_written() {
    let (_server, address) = start(builder(&Registry::new()));
    for (target, text) in [("/-/healthy", "healthy\n"), ("/-/ready", "ready\n")] {
        let answer = get(address, target, &[]);
        assert_eq!((answer.status, answer.text()), (200, text));
        let head = request(address, "HEAD", target);
        assert_eq!((head.status, head.text()), (200, ""));
        let length = text.len().to_string();
        assert_eq!(head.header("content-length"), Some(&*length));
        for method in ["POST", "PUT", "DELETE", "OPTIONS"] {
            let answer = request(address, method, target);
            assert_eq!(answer.status, 405, "{method} {target}");
            assert_eq!(answer.header("allow"), Some("GET, HEAD"));
        }
    }
}

#[test]
fn a_program_says_itself_when_it_is_ready() {
    let readiness = Readiness::waiting();
    let (_server, address) = start(builder(&Registry::new()).readiness(&readiness));
    let mut client = Client::connect(address);
    let answer = client.get("/-/ready", &[]);
    assert_eq!((answer.status, answer.text()), (503, "not ready yet\n"));
    assert_eq!(client.get("/-/healthy", &[]).status, 200);
    assert_eq!(client.get("/metrics", &[]).status, 200);
    readiness.set_ready(true);
    assert_eq!(client.get("/-/ready", &[]).status, 200);
    readiness.set_ready(false);
    assert_eq!(client.get("/-/ready", &[]).status, 503);
}

#[test]
fn a_server_that_stops_is_healthy_and_not_ready() {
    for (target, status, text) in [
        ("/-/ready", 503, "shutting down\n"),
        ("/-/healthy", 200, "healthy\n"),
    ] {
        // The time that it has to finish does not pass meanwhile.
        let server = Standstill::start(builder(&Registry::new()));
        let mut begun = Client::connect(server.address);
        begun.send(format!("GET {target} HTTP/1.1\r\nHost: a\r\n"));
        let mut idle = Client::connect(server.address);
        assert_eq!(idle.get("/-/ready", &[]).status, 200);
        let stopping = std::thread::spawn(move || server.shutdown());
        // Its end is how it is seen that the server stops.
        assert!(idle.receive_all().is_empty());
        begun.send("\r\n");
        let answer = begun.receive(false);
        assert_eq!((answer.status, answer.text()), (status, text));
        stopping.join().unwrap();
    }
}

#[test]
fn reloading_by_request_is_off_unless_it_is_switched_on() {
    let times = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&times);
    let reload = move || {
        counted.fetch_add(1, Ordering::Relaxed);
        Ok::<(), String>(())
    };
    let builder = builder(&Registry::new()).on_reload("shop", reload);
    let (server, address) = start(builder.lifecycle_hint("start it with --reload"));
    for method in ["POST", "PUT"] {
        let answer = request(address, method, "/-/reload");
        assert_eq!(answer.status, 403);
        assert_eq!(
            answer.text(),
            "reloading by request is disabled; start it with --reload\n"
        );
    }
    assert_eq!(times.load(Ordering::Relaxed), 0);
    // The program itself may.
    server.reloader().reload().unwrap();
    assert_eq!(times.load(Ordering::Relaxed), 1);
}

#[test]
fn post_and_put_reload_and_say_what_became_of_it() {
    let registry = Registry::new();
    let (outcome, outcomes) = channel::<Result<(), &str>>();
    let outcomes = std::sync::Mutex::new(outcomes);
    let reload = move || outcomes.lock().unwrap().recv().unwrap();
    let lifecycle = builder(&registry)
        .enable_lifecycle(true)
        .on_reload("shop", reload);
    let (_server, address) = start(lifecycle);
    for method in ["POST", "PUT"] {
        outcome.send(Ok(())).unwrap();
        let answer = request(address, method, "/-/reload");
        assert_eq!((answer.status, answer.text()), (200, "reloaded\n"));
    }
    // Others are answered while a reload blocks.
    let mut waiting = Client::connect(address);
    waiting.send("POST /-/reload HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(get(address, "/-/healthy", &[]).status, 200);
    outcome.send(Err("line 3: unknown key `querry`")).unwrap();
    let answer = waiting.receive(false);
    assert_eq!(answer.status, 500);
    assert!(answer.text().ends_with(": line 3: unknown key `querry`\n"));
    let text = registry.to_text();
    assert!(text.contains("\nshop_config_last_reload_successful 0.0\n"));
    for method in ["GET", "HEAD", "DELETE"] {
        let answer = request(address, method, "/-/reload");
        assert_eq!(answer.status, 405, "{method}");
        assert_eq!(answer.header("allow"), Some("POST, PUT"));
    }
}

#[test]
fn two_programs_of_one_name_cannot_share_a_registry() {
    let registry = Registry::new();
    let reload = || Ok::<(), String>(());
    let twice = builder(&registry)
        .on_reload("shop", reload)
        .on_reload("shop", reload);
    let error = twice.start().unwrap_err();
    assert!(matches!(error, ServeError::Register(_)), "{error}");
    let text = error.to_string();
    assert!(
        text.contains("shop_config_last_reload_successful"),
        "{text}"
    );
}

#[test]
fn everything_is_below_the_prefix() {
    let (server, address) = start(
        builder(&Registry::new())
            .route_prefix("/a/b/")
            .enable_lifecycle(true),
    );
    assert_eq!(server.urls(), [format!("http://{address}/a/b/metrics")]);
    for target in ["/a/b/metrics", "/a/b/", "/a/b/-/healthy", "/a/b/-/ready"] {
        assert_eq!(get(address, target, &[]).status, 200, "{target}");
    }
    assert_eq!(request(address, "POST", "/a/b/-/reload").status, 200);
    for target in ["/metrics", "/-/healthy", "/-/ready", "/a", "/a/b/c"] {
        let answer = get(address, target, &[]);
        assert_eq!(answer.status, 404, "{target}");
        assert_eq!(
            answer.text(),
            "not found; the metrics are at /a/b/metrics\n"
        );
    }
    assert_eq!(request(address, "POST", "/-/reload").status, 404);
    for target in ["/", "/a/b"] {
        let answer = get(address, target, &[]);
        assert_eq!(answer.status, 302, "{target}");
        assert_eq!(answer.header("location"), Some("/a/b/"));
        assert_eq!(request(address, "POST", target).status, 405);
    }
    assert!(
        get(address, "/a/b/", &[])
            .text()
            .contains("\"/a/b/metrics\"")
    );
}

#[test]
fn behind_a_proxy_links_are_what_browsers_see() {
    let url = "https://example.org/shop/";
    let registry = Registry::new();
    // The proxy passes paths on as they are.
    let (_server, address) = start(builder(&registry).external_url(url));
    assert_eq!(get(address, "/shop/metrics", &[]).status, 200);
    assert_eq!(get(address, "/metrics", &[]).status, 404);
    let page = get(address, "/shop/", &[]);
    assert!(page.text().contains("\"/shop/metrics\""));
    // The proxy takes the path away.
    let stripped = builder(&registry).external_url(url).route_prefix("/");
    let (_server, address) = start(stripped);
    assert_eq!(get(address, "/metrics", &[]).status, 200);
    assert_eq!(get(address, "/shop/metrics", &[]).status, 404);
    assert!(get(address, "/", &[]).text().contains("\"/shop/metrics\""));
}

#[test]
fn what_is_no_prefix_or_url_is_said_when_the_server_is_bound() {
    let registry = Registry::new();
    let error = builder(&registry).route_prefix("shop").bind().unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("`shop` is not a path prefix: ")
    );
    let error = builder(&registry).external_url("shop").bind().unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("`shop` is not an external URL; ")
    );
}
