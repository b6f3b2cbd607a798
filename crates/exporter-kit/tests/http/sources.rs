//! Sources behind a real server: asked at each scrape, within its deadline.

use std::future::pending;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};

use exporter_kit::source::{Deadline, Fetched, Source, SourceError, SourceSpec, Sources};
use exporter_kit::{Descriptor, FamilyWriter, MetricType, Registry, Server, Snapshot};
use tokio::runtime::Runtime;
use tokio::sync::Semaphore;

use super::client::{Client, PATIENCE, PATIENT, get, until};

const SOON: &str = "X-Prometheus-Scrape-Timeout-Seconds: 2";

/// Gives how often it was asked, once it is allowed to.
#[derive(Clone)]
struct Counts {
    asked: Arc<AtomicU64>,
    allowed: Arc<Semaphore>,
}

impl Counts {
    fn new(allowed: usize) -> Self {
        Self {
            asked: Arc::default(),
            allowed: Arc::new(Semaphore::new(allowed)),
        }
    }
}

impl Source for Counts {
    async fn fetch(&self, _: Deadline) -> Result<Fetched, SourceError> {
        let asked = self.asked.fetch_add(1, Ordering::SeqCst) + 1;
        let allowed = self.allowed.acquire().await;
        allowed.map_err(SourceError::other)?.forget();
        let mut snapshot = Snapshot::new();
        let family =
            Descriptor::new(MetricType::Gauge, "asked", "Help.").map_err(SourceError::other)?;
        let mut writer =
            FamilyWriter::begin(&mut snapshot, &family, []).map_err(SourceError::other)?;
        writer.gauge([], asked).map_err(SourceError::other)?;
        drop(writer);
        Ok(Fetched::new(snapshot, 1))
    }
}

struct Hangs;

impl Source for Hangs {
    async fn fetch(&self, _: Deadline) -> Result<Fetched, SourceError> {
        pending().await
    }
}

/// Keeps its thread, which it must not.
struct Blocks(Mutex<Receiver<()>>);

impl Source for Blocks {
    async fn fetch(&self, _: Deadline) -> Result<Fetched, SourceError> {
        // Ends when the test does.
        let _ = self.0.lock().map(|released| released.recv());
        Ok(Fetched::nothing())
    }
}

fn start(specs: Vec<SourceSpec>) -> (Runtime, Registry, Server, std::net::SocketAddr) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_time()
        .build()
        .unwrap();
    let sources = Sources::builder("app").start(runtime.handle()).unwrap();
    sources.replace(specs).unwrap();
    let registry = Registry::new();
    registry.register(&sources).unwrap();
    let server = Server::builder(&registry)
        .listen("127.0.0.1:0")
        .start()
        .unwrap();
    let address = server.local_addresses()[0];
    (runtime, registry, server, address)
}

#[test]
fn each_scrape_asks_the_sources_and_shows_what_they_gave() {
    let (_runtime, _, _server, address) = start(vec![SourceSpec::new("db", Counts::new(1000))]);
    for scrape in 1..=3 {
        let answer = get(address, "/metrics", &[PATIENT]);
        assert!(answer.text().contains(&format!("\nasked {scrape}.0\n")));
        assert!(
            answer
                .text()
                .contains("\napp_source_up{source=\"db\"} 1.0\n")
        );
    }
}

#[test]
fn a_source_that_hangs_is_left_out_in_time_and_counted() {
    let counts = Counts::new(1000);
    let asked = Arc::clone(&counts.asked);
    let specs = vec![
        SourceSpec::new("hangs", Hangs),
        SourceSpec::new("db", counts),
    ];
    let (_runtime, _, _server, address) = start(specs);
    let mut scrapes = 0;
    // Where the machine stands still for too long, even a source that is well is not done in time.
    until("the other source has its number in the answer", || {
        let answer = get(address, "/metrics", &[SOON]);
        scrapes += 1;
        let has = |line: &str| answer.text().contains(&format!("\n{line}\n"));
        assert!(!has("app_source_up{source=\"hangs\"} 1.0"));
        let counted =
            format!("app_source_errors_total{{source=\"hangs\",reason=\"timeout\"}} {scrapes}.0");
        let asked = format!("asked {}.0", asked.load(Ordering::SeqCst));
        let is_whole = has("app_source_up{source=\"db\"} 1.0") && has(&asked);
        if is_whole {
            assert!(has("app_source_up{source=\"hangs\"} 0.0"));
            assert!(has(&counted), "{counted} in {}", answer.text());
        }
        is_whole
    });
}

#[test]
fn a_source_that_keeps_its_thread_does_not_keep_the_answer() {
    let (release, released) = channel();
    let blocks = Blocks(Mutex::new(released));
    let (_runtime, _, _server, address) = start(vec![SourceSpec::new("blocks", blocks)]);
    // Dropped before the runtime, which waits for its thread.
    let _release: Sender<()> = release;
    // What is written after the deadline is left out by right, so that it is asked again where the machine stands still.
    until("the answer says that the source is not up", || {
        let answer = get(address, "/metrics", &[SOON]);
        let up = "\napp_source_up{source=\"blocks\"} 0.0\n";
        answer.text().contains(up)
    });
}

/// Says when it has begun, and when it is dropped.
struct Tells(Mutex<Sender<&'static str>>);

struct Telling(Sender<&'static str>);

impl Drop for Telling {
    fn drop(&mut self) {
        let _ = self.0.send("dropped");
    }
}

impl Source for Tells {
    async fn fetch(&self, _: Deadline) -> Result<Fetched, SourceError> {
        let sender = self.0.lock().map(|sender| sender.clone()).unwrap();
        let telling = Telling(sender);
        telling.0.send("begun").map_err(SourceError::other)?;
        pending().await
    }
}

#[test]
fn a_scrape_that_nobody_waits_for_stops_the_work() {
    let (sender, told) = channel();
    let spec = SourceSpec::new("db", Tells(Mutex::new(sender)));
    let (_runtime, _, _server, address) = start(vec![spec.timeout(PATIENCE * 10)]);
    let mut client = Client::connect(address);
    client.send(
        "GET /metrics HTTP/1.1\r\nHost: a\r\nX-Prometheus-Scrape-Timeout-Seconds: 300\r\n\r\n",
    );
    assert_eq!(told.recv_timeout(PATIENCE), Ok("begun"));
    drop(client);
    assert_eq!(told.recv_timeout(PATIENCE), Ok("dropped"));
}
