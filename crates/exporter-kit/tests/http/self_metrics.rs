//! The metrics of the server about itself.

use exporter_kit::{Registry, Server, Snapshot};

use super::client::{Client, get, until};

fn own(text: &str) -> Snapshot {
    exporter_kit::parse::text(text).unwrap()
}

fn start(registry: &Registry) -> (Server, std::net::SocketAddr) {
    let server = exporter_kit::serve("127.0.0.1:0", registry).unwrap();
    let address = server.local_addresses()[0];
    (server, address)
}

#[test]
fn all_is_there_from_the_start_and_lints() {
    let (_server, address) = start(&Registry::new());
    let answer = get(address, "/metrics", &[]);
    let snapshot = own(answer.text());
    for code in ["200", "401", "404", "405", "429", "500", "503"] {
        let value = snapshot.value("exporter_kit_http_requests_total", &[("code", code)]);
        assert_eq!(value, Some(0.0), "{code}");
    }
    for cause in [
        "client_gone",
        "timeout",
        "bad_request",
        "incomplete",
        "accept",
    ] {
        let value = snapshot.value("exporter_kit_http_errors_total", &[("cause", cause)]);
        assert_eq!(value, Some(0.0), "{cause}");
    }
    let value = |name| snapshot.value(name, &[]);
    assert_eq!(value("exporter_kit_http_requests_in_flight"), Some(1.0));
    assert_eq!(value("exporter_kit_http_connections"), Some(1.0));
    assert_eq!(
        value("exporter_kit_http_request_duration_seconds_count"),
        Some(0.0)
    );
    assert_eq!(
        value("exporter_kit_http_response_size_bytes_count"),
        Some(0.0)
    );
    assert_eq!(exporter_kit::lint::snapshot(&snapshot), Vec::new());
}

#[test]
fn requests_are_counted_by_code_with_their_size() {
    let registry = Registry::new();
    registry.gauge("up", "Help.").unwrap().set(1);
    let (_server, address) = start(&registry);
    let mut client = Client::connect(address);
    let mut bytes = 0;
    for (method, target) in [
        ("GET", "/metrics"),
        ("GET", "/a"),
        ("GET", "/b"),
        ("POST", "/metrics"),
        ("HEAD", "/metrics"),
    ] {
        bytes += client.request(method, target, &[]).body.len();
    }
    let answer = client.get("/metrics", &[]);
    let snapshot = own(answer.text());
    for (code, count) in [("200", 2.0), ("404", 2.0), ("405", 1.0), ("500", 0.0)] {
        let value = snapshot.value("exporter_kit_http_requests_total", &[("code", code)]);
        assert_eq!(value, Some(count), "{code}");
    }
    let size = |sample| snapshot.value(sample, &[]);
    assert_eq!(
        size("exporter_kit_http_response_size_bytes_sum"),
        Some(bytes as f64)
    );
    assert_eq!(
        size("exporter_kit_http_response_size_bytes_count"),
        Some(5.0)
    );
    assert_eq!(
        size("exporter_kit_http_request_duration_seconds_count"),
        Some(5.0)
    );
    // They come last, and are no part of the registry.
    assert!(
        answer
            .text()
            .starts_with("# HELP up Help.\n# TYPE up gauge\nup 1.0\n")
    );
    assert!(!registry.to_text().contains("exporter_kit_http"));
}

#[test]
fn errors_are_counted_by_cause() {
    let (_server, address) = start(&Registry::new());
    let mut client = Client::connect(address);
    client.send("garbage\r\n\r\n");
    client.receive_all();
    // The connection has ended for the client; its end is counted right after.
    until("it is counted", || {
        let snapshot = own(get(address, "/metrics", &[]).text());
        let value = snapshot.value(
            "exporter_kit_http_errors_total",
            &[("cause", "bad_request")],
        );
        value == Some(1.0)
    });
}

#[test]
fn families_of_others_go_first_and_none_stands_twice() {
    let (_other, address) = start(&Registry::new());
    let other = own(get(address, "/metrics", &[]).text());
    let registry = Registry::new();
    registry.register(other).unwrap();
    let (_server, address) = start(&registry);
    let text = get(address, "/metrics", &[]);
    let family = "# TYPE exporter_kit_http_connections gauge\n";
    assert_eq!(text.text().matches(family).count(), 1);
}

#[test]
fn a_family_that_comes_and_goes_later_goes_first_too() {
    let registry = Registry::new();
    let (_server, address) = start(&registry);
    let name = "exporter_kit_http_connections";
    let mut client = Client::connect(address);
    let mut shown = || {
        let answer = client.get("/metrics", &[]);
        assert_eq!(
            answer
                .text()
                .matches(&format!("# TYPE {name} gauge\n"))
                .count(),
            1
        );
        own(answer.text()).value(name, &[])
    };
    for _ in 0..2 {
        assert_eq!(shown(), Some(1.0));
        registry.gauge(name, "Another one's.").unwrap().set(77);
        assert_eq!(shown(), Some(77.0));
        assert!(registry.unregister(name));
    }
    assert_eq!(shown(), Some(1.0));
}

#[test]
fn they_can_be_left_out_or_filtered() {
    let registry = Registry::new();
    registry.gauge("up", "Help.").unwrap();
    let builder = Server::builder(&registry).self_metrics(false);
    let server = builder.listen("127.0.0.1:0").start().unwrap();
    let answer = get(server.local_addresses()[0], "/metrics", &[]);
    assert_eq!(answer.text(), registry.to_text());
    let (_server, address) = start(&registry);
    let answer = get(
        address,
        "/metrics?name[]=exporter_kit_http_connections",
        &[],
    );
    assert!(
        answer
            .text()
            .ends_with("\nexporter_kit_http_connections 1.0\n")
    );
    assert_eq!(answer.text().lines().count(), 3);
}
