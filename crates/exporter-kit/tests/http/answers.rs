//! The answer of the server to each kind of request.

use std::io::Read;

use exporter_kit::Server;

use super::client::{Client, get, serve_one_gauge};

const TEXT: &str = "# HELP app_active_sessions Number of active user sessions\n\
                    # TYPE app_active_sessions gauge\napp_active_sessions 45.0\n";

fn gunzip(body: &[u8]) -> String {
    let mut text = String::new();
    let mut decoder = flate2::read::GzDecoder::new(body);
    decoder.read_to_string(&mut text).unwrap();
    text
}

#[test]
fn get_is_the_text_format() {
    let (_registry, _server, address) = serve_one_gauge();
    let answer = get(address, "/metrics", &[]);
    assert_eq!(answer.status, 200);
    assert_eq!(answer.text(), TEXT);
    assert_eq!(
        answer.header("content-type"),
        Some("text/plain; version=0.0.4; charset=utf-8")
    );
    assert_eq!(answer.header("vary"), Some("Accept, Accept-Encoding"));
    assert_eq!(answer.header("content-encoding"), None);
    assert_eq!(
        answer.header("content-length"),
        Some(&*TEXT.len().to_string())
    );
}

#[test]
fn one_connection_serves_many_requests() {
    let (registry, _server, address) = serve_one_gauge();
    let turns = registry.counter("turns_total", "Turns.").unwrap();
    let mut client = Client::connect(address);
    for turn in 0..100 {
        turns.inc();
        let answer = client.get("/metrics", &[]);
        let line = format!("turns_total {}.0\n", turn + 1);
        assert!(answer.text().ends_with(&line), "{}", answer.text());
    }
    // Two requests at once are answered in order.
    client.send("GET /metrics HTTP/1.1\r\nHost: a\r\n\r\nGET /a HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(client.receive(false).status, 200);
    assert_eq!(client.receive(false).status, 404);
}

#[test]
fn http_1_0_is_answered_and_closed() {
    let (_registry, _server, address) = serve_one_gauge();
    let mut client = Client::connect(address);
    client.send("GET /metrics HTTP/1.0\r\n\r\n");
    let all = String::from_utf8(client.receive_all()).unwrap();
    assert!(all.starts_with("HTTP/1.0 200 OK\r\n"), "{all}");
    assert!(all.ends_with(&format!("\r\n\r\n{TEXT}")), "{all}");
}

#[test]
fn head_has_the_headers_of_get_and_no_body() {
    let (_registry, _server, address) = serve_one_gauge();
    let mut client = Client::connect(address);
    for (target, headers) in [
        ("/metrics", &[][..]),
        ("/metrics", &["Accept-Encoding: gzip"]),
        ("/metrics", &["Accept: application/openmetrics-text"]),
        ("/", &[]),
        ("/elsewhere", &[]),
    ] {
        let answers = ["GET", "HEAD"].map(|method| client.request(method, target, headers));
        let [get, head] = answers.map(|mut answer| {
            answer.headers.retain(|(name, _)| name != "date");
            answer
        });
        assert_eq!(get.headers, head.headers, "{target} {headers:?}");
        assert_eq!(get.status, head.status);
        assert!(!get.body.is_empty());
        assert!(head.body.is_empty());
    }
}

#[test]
fn other_methods_are_told_which_there_are() {
    let (_registry, _server, address) = serve_one_gauge();
    for path in ["/metrics", "/"] {
        for method in [
            "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "NONSENSE",
        ] {
            let mut client = Client::connect(address);
            let answer = client.request(method, path, &[]);
            assert_eq!(answer.status, 405, "{method}");
            assert_eq!(answer.header("allow"), Some("GET, HEAD"), "{method}");
            assert_eq!(answer.text(), "method not allowed; use GET or HEAD\n");
        }
    }
}

#[test]
fn a_request_with_a_body_leaves_the_connection_usable_or_closed() {
    let (_registry, _server, address) = serve_one_gauge();
    let mut client = Client::connect(address);
    let body = "x".repeat(1000);
    client.send(format!(
        "POST /metrics HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n{body}GET /metrics HTTP/1.0\r\n\r\n"
    ));
    assert_eq!(client.receive(false).status, 405);
    let rest = client.receive_all();
    assert!(
        rest.is_empty() || rest.starts_with(b"HTTP/1.0 200"),
        "{rest:?}"
    );
}

#[test]
fn other_paths_are_told_where_the_metrics_are() {
    let (_registry, _server, address) = serve_one_gauge();
    for target in ["/elsewhere", "/metrics/", "/metricsx", "/favicon.ico", "//"] {
        let answer = get(address, target, &[]);
        assert_eq!(answer.status, 404, "{target}");
        assert_eq!(
            answer.text(),
            "not found; the metrics are at /metrics\n",
            "{target}"
        );
        assert_eq!(
            answer.header("content-type"),
            Some("text/plain; charset=utf-8")
        );
    }
}

#[test]
fn the_page_links_to_the_metrics() {
    let (registry, _server, _) = serve_one_gauge();
    let server = Server::builder(&registry)
        .listen("127.0.0.1:0")
        .metrics_path("/deep/metrics")
        .self_metrics(false)
        .title("App <exporter>")
        .description("Sessions & more")
        .version("1.2.3")
        .start()
        .unwrap();
    let address = server.local_addresses()[0];
    let page = get(address, "/", &[]);
    assert_eq!(page.status, 200);
    assert_eq!(
        page.header("content-type"),
        Some("text/html; charset=utf-8")
    );
    for part in [
        "<h1>App &lt;exporter&gt;</h1>",
        "Sessions &amp; more",
        "1.2.3",
        "<a href=\"/deep/metrics\">",
    ] {
        assert!(page.text().contains(part), "{part} in {}", page.text());
    }
    assert_eq!(get(address, "/deep/metrics", &[]).text(), TEXT);
    assert_eq!(get(address, "/metrics", &[]).status, 404);
    assert_eq!(server.urls(), [format!("http://{address}/deep/metrics")]);
}

#[test]
fn metrics_may_be_at_the_root() {
    let (registry, _server, _) = serve_one_gauge();
    let server = Server::builder(&registry)
        .listen("127.0.0.1:0")
        .metrics_path("/")
        .self_metrics(false)
        .start()
        .unwrap();
    let answer = get(server.local_addresses()[0], "/", &[]);
    assert_eq!(answer.text(), TEXT);
}

#[test]
fn content_types_are_exact() {
    let (_registry, _server, address) = serve_one_gauge();
    let protobuf = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited";
    for (accept, expected) in [
        ("*/*", "text/plain; version=0.0.4; charset=utf-8"),
        (
            "application/json",
            "text/plain; version=0.0.4; charset=utf-8",
        ),
        (
            "text/plain;version=0.0.4;escaping=dots",
            "text/plain; version=0.0.4; charset=utf-8; escaping=dots",
        ),
        (
            "text/plain;version=1.0.0;escaping=allow-utf-8",
            "text/plain; version=1.0.0; charset=utf-8; escaping=allow-utf-8",
        ),
        (
            "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,*/*;q=0.2",
            "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=allow-utf-8",
        ),
        (
            "application/openmetrics-text",
            "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=underscores",
        ),
        (
            protobuf,
            "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited; escaping=underscores",
        ),
    ] {
        let answer = get(address, "/metrics", &[&format!("Accept: {accept}")]);
        assert_eq!(answer.header("content-type"), Some(expected), "{accept}");
        let ends_as_openmetrics = answer.body.ends_with(b"# EOF\n");
        assert_eq!(ends_as_openmetrics, expected.contains("openmetrics"));
    }
}

#[test]
fn gzip_decodes_to_the_same_text() {
    let (_registry, _server, address) = serve_one_gauge();
    let mut client = Client::connect(address);
    for accept in [
        "gzip",
        "x-gzip",
        "*",
        "identity;q=0, gzip",
        "br, gzip;q=0.1",
    ] {
        for _ in 0..3 {
            let answer = client.get("/metrics", &[&format!("Accept-Encoding: {accept}")]);
            assert_eq!(answer.header("content-encoding"), Some("gzip"), "{accept}");
            assert_eq!(answer.header("vary"), Some("Accept, Accept-Encoding"));
            assert_eq!(gunzip(&answer.body), TEXT);
        }
    }
    for accept in ["gzip;q=0", "identity", "br", "", "*;q=0"] {
        let answer = client.get("/metrics", &[&format!("Accept-Encoding: {accept}")]);
        assert_eq!(answer.header("content-encoding"), None, "{accept}");
        assert_eq!(answer.text(), TEXT);
    }
}

#[test]
fn names_filter_families() {
    let (registry, _server, address) = serve_one_gauge();
    for name in ["a_total", "b_total", "x_y_total"] {
        registry.counter(name, "Help.").unwrap();
    }
    let mut client = Client::connect(address);
    let mut families = |target: &str| -> Vec<String> {
        let answer = client.get(target, &[]);
        answer
            .text()
            .lines()
            .filter(|line| !line.starts_with('#'))
            .map(|line| line.split(' ').next().unwrap().to_owned())
            .collect()
    };
    let everything = ["a_total", "app_active_sessions", "b_total", "x_y_total"];
    assert_eq!(families("/metrics"), everything);
    assert_eq!(families("/metrics?"), everything);
    assert_eq!(families("/metrics?other=a_total"), everything);
    assert_eq!(families("/metrics?name[]=a_total"), ["a_total"]);
    assert_eq!(families("/metrics?name%5B%5D=a_total"), ["a_total"]);
    assert_eq!(families("/metrics?name%5b%5d=x%5Fy_total"), ["x_y_total"]);
    assert_eq!(
        families("/metrics?name[]=b_total&x=y&name[]=a_total"),
        ["a_total", "b_total"]
    );
    assert!(families("/metrics?name[]=none").is_empty());
    assert!(families("/metrics?name[]=%ff%00%").is_empty());
    assert_eq!(families("/metrics"), everything);
}
