//! Heads of requests that cost more to read than to send, or that two readers could understand differently.

use std::io::Write as _;

use crate::http::client::{Client, get, serve_one_gauge};

/// The largest head that is read has 16 KiB.
const LIST_BYTES: usize = 15_000;

/// As many clauses as fit, the formats refused one by one at first. What comes after the clauses that are read changes
/// nothing.
#[test]
fn a_list_header_of_thousands_of_clauses() {
    let (_registry, _server, address) = serve_one_gauge();
    let refused = "text/plain;q=0,application/openmetrics-text;q=0,text/plain;version=1.0.0;q=0,\
         application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0";
    let mut wildcards = refused.to_owned();
    while wildcards.len() < LIST_BYTES - 100 {
        wildcards.push_str(",*/*");
    }
    for last in ["", ",application/openmetrics-text"] {
        let accept = format!("Accept: {wildcards}{last}");
        let answer = get(address, "/metrics", &[&accept]);
        let content_type = answer.header("content-type");
        assert_eq!(
            content_type,
            Some("text/plain; version=0.0.4; charset=utf-8")
        );
    }
    let codings = "br,".repeat(LIST_BYTES / 3) + "gzip";
    for path in ["/metrics", "/"] {
        let answer = get(address, path, &[&format!("Accept-Encoding: {codings}")]);
        assert_eq!(answer.header("content-encoding"), None);
    }
}

/// Names, cookies and timeouts by the thousand are read once.
#[test]
fn parameters_and_headers_by_the_thousand() {
    let (_registry, _server, address) = serve_one_gauge();
    let names = "name[]=a&".repeat(LIST_BYTES / 9) + "name[]=app_active_sessions";
    let answer = get(address, &format!("/metrics?{names}"), &[]);
    assert!(answer.text().ends_with("\napp_active_sessions 45.0\n"));
    let path = "/.".repeat(LIST_BYTES / 2);
    assert_eq!(get(address, &path, &[]).status, 404);
    for header in [
        format!("Cookie: {}", "a=b; ".repeat(LIST_BYTES / 5)),
        format!("If-None-Match: {}", "\"a\", ".repeat(LIST_BYTES / 5)),
        format!(
            "X-Prometheus-Scrape-Timeout-Seconds: {}",
            "9".repeat(LIST_BYTES)
        ),
        format!(
            "X-Prometheus-Scrape-Timeout-Seconds: 0.{}",
            "9".repeat(LIST_BYTES)
        ),
    ] {
        for path in ["/metrics", "/", "/nowhere"] {
            let status = get(address, path, &[&header]).status;
            assert_eq!(status, if path == "/nowhere" { 404 } else { 200 });
        }
    }
}

/// The status of the answer to a head, and whether the connection then closes.
fn answer_to(head: &str) -> (u16, bool) {
    let (_registry, _server, address) = serve_one_gauge();
    let mut client = Client::connect(address);
    // Whatever else is answered belongs to this request, or the connection has ended.
    let second = "GET /-/healthy HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    client
        .stream()
        .write_all(format!("{head}\r\n{second}").as_bytes())
        .unwrap();
    let answer = String::from_utf8(client.receive_all()).unwrap();
    let statuses: Vec<&str> = answer.matches("HTTP/1.").collect();
    (answer[9..12].parse().unwrap(), statuses.len() == 1)
}

#[test]
fn a_host_that_is_missing_ambiguous_or_invalid() {
    for (head, status) in [
        ("GET /metrics HTTP/1.1\r\nHost: a\r\n", 200),
        ("GET /metrics HTTP/1.1\r\nHost:\r\n", 200),
        ("GET /metrics HTTP/1.0\r\nConnection: keep-alive\r\n", 200),
        ("GET http://a/metrics HTTP/1.1\r\nHost: a\r\n", 200),
        ("GET /metrics HTTP/1.1\r\n", 400),
        ("GET http://a/metrics HTTP/1.1\r\n", 400),
        ("GET /metrics HTTP/1.1\r\nHost: a\r\nHost: a\r\n", 400),
        ("GET /metrics HTTP/1.1\r\nHost: a\r\nhost: b\r\n", 400),
        ("GET /metrics HTTP/1.0\r\nHost: a\r\nHost: b\r\n", 400),
        ("GET /metrics HTTP/1.1\r\nHost: a b\r\n", 400),
        ("GET /metrics HTTP/1.1\r\nHost: a, b\r\n", 400),
        ("GET /metrics HTTP/1.1\r\nHost: a/b\r\n", 400),
        ("GET /metrics HTTP/1.1\r\nHost: user@a\r\n", 400),
        ("GET /metrics HTTP/1.1\r\nHost: a:http\r\n", 400),
        ("GET /metrics HTTP/1.1\r\nHost: a:65536\r\n", 400),
        ("GET /metrics HTTP/1.0\r\nHost: <a>\r\n", 400),
        ("GET /nowhere HTTP/1.1\r\n", 400),
    ] {
        assert_eq!(answer_to(head), (status, status == 400), "{head:?}");
    }
}

/// No answer is followed by another: what follows the head may be a body, or not, depending on the reader.
#[test]
fn a_length_that_is_ambiguous_or_invalid() {
    for (length, status) in [
        ("Content-Length: 18446744073709551616", 400),
        ("Content-Length: 99999999999999999999999999", 400),
        ("Content-Length: +5", 400),
        ("Content-Length: 5, 5", 400),
        ("Content-Length: 5, 6", 400),
        ("Content-Length: 5\r\nContent-Length: 6", 400),
        ("Content-Length:", 400),
        ("Content-Length: 0x5", 400),
        ("Transfer-Encoding: gzip", 400),
        ("Transfer-Encoding: chunked, gzip", 400),
        ("Transfer-Encoding: chunked\r\nTransfer-Encoding: gzip", 400),
        // Hyper can represent this length, but counts no body that long.
        ("Content-Length: 18446744073709551615", 431),
        // Both together: the coding counts, and the connection closes.
        ("Content-Length: 5\r\nTransfer-Encoding: chunked", 200),
        ("Transfer-Encoding: chunked\r\nContent-Length: 5", 200),
    ] {
        let head = format!("GET /metrics HTTP/1.1\r\nHost: a\r\n{length}\r\n");
        assert_eq!(answer_to(&head), (status, true), "{length}");
    }
}
