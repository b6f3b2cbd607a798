//! Collectors that panic wherever a scrape touches them.

use std::panic::panic_any;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use exporter_kit::{
    Collect, CollectError, Descriptor, FamilyWriter, Format, MetricType, Registry, Sink,
};

use crate::http::client::{Answer, Client, PATIENCE, PATIENT, serve};

/// The place of a collector's panic.
#[derive(Clone, Copy, Debug)]
enum Place {
    Before,
    InFamily,
    Between,
    Descriptors,
    Refused,
    WithPayload,
}

const PLACES: [Place; 6] = [
    Place::Before,
    Place::InFamily,
    Place::Between,
    Place::Descriptors,
    Place::Refused,
    Place::WithPayload,
];

/// A panic's payload that panics when it is dropped.
struct Payload;

impl Drop for Payload {
    fn drop(&mut self) {
        panic!("the payload panics as well");
    }
}

/// Panics in each scrape.
struct Panics {
    place: Place,
    prefix: &'static str,
    /// Registration asks for descriptors before this is true.
    is_registered: Arc<AtomicBool>,
}

impl Panics {
    fn register(place: Place, prefix: &'static str, is_registered: &Arc<AtomicBool>) -> Registry {
        let registry = Registry::new();
        let panics = || Self {
            place,
            prefix,
            is_registered: Arc::clone(is_registered),
        };
        registry.register(panics()).unwrap();
        registry.register_streaming(panics()).unwrap();
        let function = format!("{prefix}_function");
        registry
            .gauge_function(&function, "Panics.", || -> f64 { panic!("a function") })
            .unwrap();
        registry
    }
}

impl Collect for Panics {
    fn descriptors(&self) -> Vec<Descriptor> {
        let panics = matches!(self.place, Place::Descriptors);
        assert!(
            !panics || !self.is_registered.load(Ordering::Relaxed),
            "descriptors"
        );
        Vec::new()
    }

    fn refused(&self) -> u64 {
        assert!(!matches!(self.place, Place::Refused), "refused");
        0
    }

    fn collect(&self, sink: &mut dyn Sink) -> Result<(), CollectError> {
        assert!(!matches!(self.place, Place::Before), "before");
        let name = format!("{}_{:?}", self.prefix, self.place).to_lowercase();
        let family = Descriptor::new(MetricType::Gauge, &name, "Help.")?;
        let mut writer = FamilyWriter::begin(sink, &family, ["a"])?;
        writer.gauge(["1"], 1)?;
        match self.place {
            Place::InFamily => panic!("in a family"),
            Place::WithPayload => panic_any(Payload),
            _ => {}
        }
        drop(writer);
        panic!("between families");
    }
}

/// Scrapes every format, with and without gzip; each has the gauge `up`.
fn scrape_all(client: &mut Client) {
    for format in Format::ALL {
        for coding in ["gzip", "identity"] {
            let accept = format!("Accept: {}", format.content_type());
            let coding = format!("Accept-Encoding: {coding}");
            let answer = client.get("/metrics", &[PATIENT, &accept, &coding]);
            assert_eq!(answer.status, 200, "{format}");
            assert!(has_up(&answer), "{format}: {answer:?}");
        }
    }
}

fn has_up(answer: &Answer) -> bool {
    use std::io::Read as _;
    let mut text = Vec::new();
    match answer.header("content-encoding") {
        Some(_) => {
            let mut decoder = flate2::read::GzDecoder::new(answer.body.as_slice());
            decoder.read_to_end(&mut text).unwrap();
        }
        None => text.clone_from(&answer.body),
    }
    text.windows(5).any(|bytes| bytes == b"zz_up")
}

#[test]
fn a_collector_that_panics_in_each_scrape_costs_only_itself_in_every_format() {
    for place in PLACES {
        let is_registered = Arc::default();
        let registry = Panics::register(place, "outer", &is_registered);
        let inner = Panics::register(place, "nested", &is_registered);
        inner.gauge("inner", "Help.").unwrap().set(1);
        registry.register(inner).unwrap();
        is_registered.store(true, Ordering::Relaxed);
        registry.gauge("zz_up", "Help.").unwrap().set(1);
        let (_server, address) = serve(&registry);
        let mut client = Client::connect(address);
        scrape_all(&mut client);
        let answer = client.get("/metrics", &[PATIENT]);
        let text = answer.text();
        assert!(text.contains("\ninner 1.0\n"), "{place:?}: {text}");
        assert!(text.contains("reason=\"panic\""), "{place:?}: {text}");
        // A program may scrape without a server as well.
        assert!(registry.to_text().contains("\nzz_up 1.0\n"));
    }
}

/// Is collected when the test lets it, and panics when it is dropped.
struct PanicsWhenDropped {
    begun: Sender<()>,
    go: Mutex<Receiver<()>>,
}

impl Collect for PanicsWhenDropped {
    fn collect(&self, _: &mut dyn Sink) -> Result<(), CollectError> {
        // The test may have ended.
        let _ = self.begun.send(());
        let _ = self.go.lock().map(|go| go.recv_timeout(PATIENCE));
        Ok(())
    }

    fn descriptors(&self) -> Vec<Descriptor> {
        Descriptor::new(MetricType::Gauge, "dropped", "Help.")
            .into_iter()
            .collect()
    }
}

impl Drop for PanicsWhenDropped {
    fn drop(&mut self) {
        if !thread::panicking() {
            panic_any(Payload);
        }
    }
}

/// The scrape is the last that holds the collector.
#[test]
fn a_collector_that_panics_when_a_scrape_drops_it_costs_nothing() {
    for streaming in [false, true] {
        let registry = Registry::new();
        registry.gauge("zz_up", "Help.").unwrap().set(1);
        let (begun, has_begun) = channel();
        let (go, may_go) = channel();
        let collector = PanicsWhenDropped {
            begun,
            go: Mutex::new(may_go),
        };
        if streaming {
            registry.register_streaming(collector).unwrap();
        } else {
            registry.register(Arc::new(collector)).unwrap();
        }
        let (_server, address) = serve(&registry);
        let scraping = thread::spawn(move || {
            let answer = Client::connect(address).get("/metrics", &[PATIENT]);
            assert!(has_up(&answer), "{answer:?}");
        });
        has_begun.recv_timeout(PATIENCE).unwrap();
        assert!(registry.unregister("dropped"));
        go.send(()).unwrap();
        scraping.join().unwrap();
        scrape_all(&mut Client::connect(address));
    }
}

/// Unregistering drops the collector for the program, which goes on.
#[test]
fn a_collector_that_panics_when_it_is_unregistered_costs_nothing() {
    let registry = Registry::new();
    let collector = PanicsWhenDropped {
        begun: channel().0,
        go: Mutex::new(channel().1),
    };
    registry.register(collector).unwrap();
    assert!(registry.unregister("dropped"));
    assert!(!registry.unregister("dropped"));
    registry.gauge("dropped", "Free again.").unwrap();
}
