//! Bodies compressed with zstd, decoded by the reference implementation.

use exporter_kit::{Gauge, Registry};

use super::client::{Client, serve};

fn decode(body: &[u8]) -> String {
    String::from_utf8(zstd::decode_all(body).unwrap()).unwrap()
}

#[test]
fn small_and_large_bodies_decode_to_the_same_text() {
    for series in [1, 100, 30_000] {
        let registry = Registry::new();
        let definition = Gauge::define("queue_depth", "Jobs that wait.").labels(["queue"]);
        let family = registry.add(definition).unwrap();
        for i in 0..series {
            family
                .with([&format!("queue number {i}")])
                .set(i * 7919 % 1009);
        }
        let (_server, address) = serve(&registry);
        let mut client = Client::connect(address);
        for _ in 0..3 {
            let answer = client.get("/metrics", &["Accept-Encoding: zstd"]);
            assert_eq!(answer.header("content-encoding"), Some("zstd"));
            assert_eq!(decode(&answer.body), registry.to_text());
        }
        // A filtered one has a compressor that was used before.
        let answer = client.get("/metrics?name[]=none", &["Accept-Encoding: zstd"]);
        assert_eq!(decode(&answer.body), "");
        let head = client.request("HEAD", "/metrics", &["Accept-Encoding: zstd"]);
        assert_eq!(
            (head.status, head.header("content-encoding")),
            (200, Some("zstd"))
        );
    }
}

#[test]
fn gzip_is_taken_where_both_are_alike() {
    let registry = Registry::new();
    registry.gauge("up", "Help.").unwrap();
    let (_server, address) = serve(&registry);
    let mut client = Client::connect(address);
    for (accept, expected) in [
        ("zstd, gzip", "gzip"),
        ("gzip, zstd", "gzip"),
        ("zstd, gzip;q=0.9", "zstd"),
        ("gzip;q=0, zstd", "zstd"),
    ] {
        let accept = format!("Accept-Encoding: {accept}");
        let answer = client.get("/metrics", &[&accept]);
        assert_eq!(
            answer.header("content-encoding"),
            Some(expected),
            "{accept}"
        );
    }
}
