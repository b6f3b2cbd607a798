//! The page's paths, as any client sees them; what a browser makes of them is tested with the program.

use std::io::Read as _;

use exporter_kit::{Gauge, Registry, Server};

use super::client::{Answer, Client, serve, serve_one_gauge};

/// An address in the page that begins like this.
fn link<'p>(page: &'p Answer, begins: &str) -> &'p str {
    let text = page.text();
    let at = text
        .find(begins)
        .unwrap_or_else(|| panic!("{begins} in {text}"));
    text[at..].split('"').next().unwrap()
}

fn assert_hardened(answer: &Answer) {
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(answer.header("referrer-policy"), Some("no-referrer"));
    assert_eq!(answer.header("x-frame-options"), Some("DENY"));
}

#[test]
fn the_page_allows_nothing_but_its_own_files() {
    let (_registry, _server, address) = serve_one_gauge();
    let page = Client::connect(address).get("/", &[]);
    assert_eq!(page.status, 200);
    assert_hardened(&page);
    assert_eq!(page.header("cache-control"), Some("no-store"));
    let policy = page.header("content-security-policy").unwrap();
    for part in [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "connect-src 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
        "form-action 'none'",
    ] {
        assert!(policy.contains(part), "{part} in {policy}");
    }
    assert!(!policy.contains("unsafe"), "{policy}");
    for inline in ["<style", "style=", "onclick", "javascript:"] {
        assert!(!page.text().contains(inline), "{inline} in {}", page.text());
    }
    let table = Client::connect(address).get("/table.html", &[]);
    assert_eq!(table.header("content-security-policy"), Some(policy));
    assert_hardened(&table);
    assert!(
        table.text().contains("<td class=\"value\">45</td>"),
        "{}",
        table.text()
    );
    assert!(!table.text().contains("<script"), "{}", table.text());
}

#[test]
fn files_are_kept_by_their_version_and_compressed() {
    let (_registry, _server, address) = serve_one_gauge();
    let mut client = Client::connect(address);
    let page = client.get("/", &[]);
    for (begins, content_type) in [
        ("/page.css?v=", "text/css; charset=utf-8"),
        ("/page.js?v=", "text/javascript; charset=utf-8"),
        ("/page.svg?v=", "image/svg+xml"),
    ] {
        let path = link(&page, begins);
        let plain = client.get(path, &[]);
        assert_eq!(plain.status, 200, "{path}");
        assert_eq!(plain.header("content-type"), Some(content_type));
        assert_eq!(plain.header("content-encoding"), None);
        assert!(plain.header("cache-control").unwrap().contains("immutable"));
        assert_hardened(&plain);
        let packed = client.get(path, &["Accept-Encoding: br, gzip;q=0.5"]);
        assert_eq!(packed.header("content-encoding"), Some("gzip"));
        assert_eq!(packed.header("vary"), Some("Accept-Encoding"));
        let mut text = Vec::new();
        flate2::read::GzDecoder::new(&*packed.body)
            .read_to_end(&mut text)
            .unwrap();
        assert_eq!(text, plain.body);
        let refused = client.get(path, &["Accept-Encoding: gzip;q=0, zstd"]);
        assert_eq!(refused.header("content-encoding"), None);
        assert_eq!(refused.body, plain.body);
    }
}

#[test]
fn openmetrics_is_shown_as_text() {
    let (_registry, _server, address) = serve_one_gauge();
    let mut client = Client::connect(address);
    let answer = client.get("/openmetrics.txt", &["Accept: text/html"]);
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.header("content-type"),
        Some("text/plain; charset=utf-8")
    );
    assert_hardened(&answer);
    assert!(
        answer.text().ends_with("app_active_sessions 45.0\n# EOF\n"),
        "{}",
        answer.text()
    );
}

#[test]
fn only_reading_is_allowed() {
    let (_registry, _server, address) = serve_one_gauge();
    for path in [
        "/",
        "/page.css",
        "/page.js",
        "/page.svg",
        "/table.html",
        "/openmetrics.txt",
    ] {
        let mut client = Client::connect(address);
        let answer = client.request("POST", path, &["Content-Length: 0"]);
        assert_eq!(answer.status, 405, "{path}");
        assert_eq!(answer.header("allow"), Some("GET, HEAD"));
    }
    assert_eq!(Client::connect(address).get("/page.html", &[]).status, 404);
}

#[test]
fn a_large_registry_makes_no_large_page() {
    let registry = Registry::new();
    let family = registry
        .add(Gauge::define("jobs", "Jobs.").labels(["queue"]))
        .unwrap();
    for i in 0..20_000 {
        family.with([&format!("{i}-{}", "x".repeat(100))]).set(i);
    }
    let (_server, address) = serve(&registry);
    let page = Client::connect(address).get("/table.html", &[]);
    assert!(page.body.len() < 600 * 1024, "{} bytes", page.body.len());
    assert_eq!(page.text().matches("<td class=\"value\">").count(), 1000);
    assert!(
        page.text()
            .contains("Everything is in the <a href=\"/metrics\">raw text</a>")
    );
}

#[test]
fn metrics_have_precedence_over_the_files() {
    let registry = Registry::new();
    let server = Server::builder(&registry)
        .listen("127.0.0.1:0")
        .metrics_path("/page.js")
        .start()
        .unwrap();
    let answer = Client::connect(server.local_addresses()[0]).get("/page.js", &[]);
    assert!(
        answer
            .header("content-type")
            .unwrap()
            .starts_with("text/plain")
    );
}
