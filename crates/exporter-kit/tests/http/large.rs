//! Expositions that are not held whole: streamed, in bounded memory, ended when their reader goes away.

use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Sender, channel};

use exporter_kit::scrape::MetricsHandler;
use exporter_kit::{Collect, CollectError, Descriptor, FamilyWriter, MetricType, Registry, Sink};
use http::Request;
use http_body_util::BodyExt;

use super::client::{Client, PATIENCE, get, serve};
use super::standstill::Standstill;

/// Gives one family after the other, and says how far it is and when it has ended.
struct Endless {
    families: u64,
    given: Arc<AtomicU64>,
    ended: Sender<()>,
}

impl Collect for Endless {
    fn collect(&self, sink: &mut dyn Sink) -> Result<(), CollectError> {
        let family = Descriptor::new(MetricType::Gauge, "line", "Help.")?;
        let mut writer = FamilyWriter::begin(sink, &family, ["number"])?;
        for number in 0..self.families {
            self.given.store(number, Ordering::Relaxed);
            writer.gauge([&format!("{number:0100}")], number)?;
        }
        self.ended.send(()).map_err(CollectError::source)
    }
}

fn lines(count: usize) -> Registry {
    let registry = Registry::new();
    let (ended, _) = channel();
    registry
        .register_streaming(Endless {
            families: count as u64,
            given: Arc::default(),
            ended,
        })
        .unwrap();
    registry
}

#[test]
fn a_large_body_comes_in_chunks_and_is_the_same() {
    let registry = lines(20_000);
    let expected = registry.to_text();
    assert!(expected.len() > 2_000_000);
    let (_server, address) = serve(&registry);
    let mut client = Client::connect(address);
    for _ in 0..2 {
        let answer = client.get("/metrics", &[]);
        assert_eq!(answer.header("transfer-encoding"), Some("chunked"));
        assert_eq!(answer.header("content-length"), None);
        // Failures of the collector are counted while it is scraped, and shown after.
        assert!(answer.text().starts_with(&expected[..1_000_000]));
        let answer = client.get("/metrics", &["Accept-Encoding: gzip"]);
        let mut text = String::new();
        flate2::read::GzDecoder::new(&*answer.body)
            .read_to_string(&mut text)
            .unwrap();
        assert!(text.starts_with(&expected[..1_000_000]));
        let head = client.request("HEAD", "/metrics", &[]);
        assert_eq!(head.status, 200);
    }
    // HTTP/1.0 knows no chunks.
    client.send("GET /metrics HTTP/1.0\r\n\r\n");
    let answer = client.receive(false);
    assert_eq!(answer.header("transfer-encoding"), None);
    assert!(answer.text().starts_with(&expected[..1_000_000]));
}

#[test]
fn bodies_of_all_sizes_around_the_bounds_are_whole() {
    // About 110 bytes a line: both sides of a chunk and of what is sent with a length.
    for count in [1, 590, 600, 2_370, 2_400, 2_500, 3_100] {
        let registry = lines(count);
        let (_server, address) = serve(&registry);
        let mut client = Client::connect(address);
        for _ in 0..2 {
            let answer = client.get("/metrics?name[]=line", &[]);
            let given = answer
                .text()
                .lines()
                .filter(|line| line.starts_with("line{"));
            assert_eq!(given.count(), count);
            assert!(answer.text().ends_with('\n'));
        }
    }
}

/// A slow reader costs a few chunks, and a reader that has gone ends the scrape.
#[test]
fn a_slow_reader_holds_a_few_chunks_and_its_going_ends_the_scrape() {
    const LINES: u64 = 3_000_000;
    let registry = Registry::new();
    let given = Arc::new(AtomicU64::new(0));
    let (ended, has_ended) = channel();
    registry
        .register_streaming(Endless {
            families: LINES,
            given: Arc::clone(&given),
            ended,
        })
        .unwrap();
    // The time that a reader may take does not pass meanwhile.
    let server = Standstill::serve(&registry);
    let mut client = Client::connect(server.address);
    client.send("GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(client.receive_head().status, 200);
    client.receive_chunk().unwrap();
    // The scrape stops at what the sockets and the chunks in between can hold, far before its end.
    let mut before = u64::MAX;
    while before != given.load(Ordering::Relaxed) {
        before = given.load(Ordering::Relaxed);
        // Another client is answered meanwhile, which gives the scrape time to go on if it could.
        for _ in 0..20 {
            assert_eq!(get(server.address, "/", &[]).status, 200);
        }
    }
    assert!(before < LINES / 2, "{before}");
    drop(client);
    has_ended.recv_timeout(PATIENCE).unwrap();
}

/// A compressed body leaves while its scrape runs as well, whether its structure is known or not.
#[test]
fn a_compressed_body_is_not_held_whole() {
    const LINES: u64 = 60_000;
    let registry = Registry::new();
    let given = Arc::new(AtomicU64::new(0));
    let (ended, has_ended) = channel();
    registry
        .register_streaming(Endless {
            families: LINES,
            given: Arc::clone(&given),
            ended,
        })
        .unwrap();
    let handler = MetricsHandler::new(&registry);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    for scrape in 0..4 {
        given.store(0, Ordering::Relaxed);
        let request = Request::get("/metrics")
            .header("accept-encoding", "gzip")
            .body(())
            .unwrap();
        let mut coded = Vec::new();
        runtime.block_on(async {
            let mut body = handler.respond(&request).await.into_body();
            while let Some(frame) = body.frame().await {
                if coded.is_empty() {
                    // Nothing else was taken yet, and little may wait.
                    let given = given.load(Ordering::Relaxed);
                    assert!(given < LINES - 1, "{scrape}: {given}");
                }
                let data = frame.unwrap().into_data().unwrap();
                assert!(data.len() < 512 * 1024, "{scrape}: {}", data.len());
                coded.extend_from_slice(&data);
            }
        });
        has_ended.recv_timeout(PATIENCE).unwrap();
        let mut text = String::new();
        flate2::read::GzDecoder::new(coded.as_slice())
            .read_to_string(&mut text)
            .unwrap();
        let lines = text.lines().filter(|line| line.starts_with("line{"));
        assert_eq!(lines.count() as u64, LINES);
    }
}

/// Panics in the middle of its family.
struct Panics(AtomicBool);

impl Collect for Panics {
    fn collect(&self, sink: &mut dyn Sink) -> Result<(), CollectError> {
        let family = Descriptor::new(MetricType::Gauge, "part", "Help.")?;
        FamilyWriter::begin(sink, &family, [])?.gauge([], 1)?;
        assert!(self.0.load(Ordering::Relaxed), "this collector panics");
        Ok(())
    }
}

#[test]
fn a_collector_that_panics_costs_only_itself() {
    let registry = Registry::new();
    registry.register(Panics(AtomicBool::new(false))).unwrap();
    registry.gauge("up", "Help.").unwrap().set(1);
    let (_server, address) = serve(&registry);
    for _ in 0..3 {
        let answer = get(address, "/metrics", &[]);
        assert_eq!(answer.status, 200);
        assert!(answer.text().contains("\npart 1.0\n"));
        assert!(answer.text().contains("\nup 1.0\n"));
    }
}
