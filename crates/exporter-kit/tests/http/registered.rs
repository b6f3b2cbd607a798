//! Each scrape asks every registered source, in nested registries and scopes as well, without further calls.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use exporter_kit::source::{Deadline, Fetched, Source, SourceError, SourceSpec, Sources};
use exporter_kit::{
    Collect, CollectError, Descriptor, FamilyWriter, MetricType, Registry, Sink, Snapshot,
};
use tokio::runtime::Runtime;

use super::client::{PATIENT, get, serve};

fn give(sink: &mut dyn Sink, name: &str, value: u64) -> Result<(), CollectError> {
    let family = Descriptor::new(MetricType::Gauge, name, "Help.")?;
    FamilyWriter::begin(sink, &family, [])?.gauge([], value)?;
    Ok(())
}

/// Gives how often it was asked.
#[derive(Default)]
struct Counts(AtomicU64);

impl Source for Counts {
    async fn fetch(&self, _: Deadline) -> Result<Fetched, SourceError> {
        let mut snapshot = Snapshot::new();
        let asked = self.0.fetch_add(1, Ordering::SeqCst) + 1;
        give(&mut snapshot, "asked", asked).map_err(SourceError::other)?;
        Ok(Fetched::new(snapshot, 1))
    }
}

/// The same of a collector that may block.
struct Called(Arc<AtomicU64>);

impl Collect for Called {
    fn collect(&self, sink: &mut dyn Sink) -> Result<(), CollectError> {
        give(sink, "called", self.0.fetch_add(1, Ordering::SeqCst) + 1)
    }
}

fn sources() -> (Runtime, Sources) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_time()
        .build()
        .unwrap();
    let sources = Sources::builder("app").start(runtime.handle()).unwrap();
    let spec = SourceSpec::new("db", Counts::default());
    sources.replace(vec![spec]).unwrap();
    (runtime, sources)
}

fn assert_shown(registry: &Registry, lines: &[&str]) {
    let (_server, address) = serve(registry);
    let answer = get(address, "/metrics", &[PATIENT]);
    for line in lines {
        let shown = answer.text().contains(&format!("\n{line}\n"));
        assert!(shown, "{line} in {}", answer.text());
    }
}

#[test]
fn sources_in_a_registry_within_a_registry_are_asked() {
    let (_runtime, sources) = sources();
    let (outer, middle, inner) = (Registry::new(), Registry::new(), Registry::new());
    inner.register(&sources).unwrap();
    inner.register(Called(Arc::default())).unwrap();
    middle.register(&inner).unwrap();
    outer.register(middle).unwrap();
    for scrape in 1..=3 {
        let (asked, called) = (format!("asked {scrape}.0"), format!("called {scrape}.0"));
        assert_shown(
            &outer,
            &[&asked, &called, "app_source_up{source=\"db\"} 1.0"],
        );
    }
}

#[test]
fn a_scope_adds_its_prefix_and_labels_to_what_was_asked() {
    let (_runtime, sources) = sources();
    let registry = Registry::new();
    let scope = registry.scoped("shop_", &[("zone", "a")]).unwrap();
    scope.register(&sources).unwrap();
    scope.register(Called(Arc::default())).unwrap();
    let within = Registry::new();
    within.gauge("depth", "Help.").unwrap().set(7);
    scope.register(&within).unwrap();
    for scrape in 1..=3 {
        let asked = format!("shop_asked{{zone=\"a\"}} {scrape}.0");
        let called = format!("shop_called{{zone=\"a\"}} {scrape}.0");
        let up = "shop_app_source_up{zone=\"a\",source=\"db\"} 1.0";
        assert_shown(
            &registry,
            &[&asked, &called, up, "shop_depth{zone=\"a\"} 7.0"],
        );
    }
}

#[test]
fn the_same_sources_can_be_in_two_registries() {
    let (_runtime, sources) = sources();
    let (first, second) = (Registry::new(), Registry::new());
    first.register(&sources).unwrap();
    second.register(sources).unwrap();
    for scrape in [1, 3, 5] {
        assert_shown(&first, &[&format!("asked {scrape}.0")]);
        assert_shown(&second, &[&format!("asked {}.0", scrape + 1)]);
    }
}

#[test]
fn each_server_of_a_registry_asks() {
    let (_runtime, sources) = sources();
    let registry = Registry::new();
    registry.register(&sources).unwrap();
    let (_first, first) = serve(&registry);
    let (_second, second) = serve(&registry);
    for scrape in [1, 3, 5] {
        for (address, asked) in [(first, scrape), (second, scrape + 1)] {
            let answer = get(address, "/metrics", &[PATIENT]);
            assert!(answer.text().contains(&format!("\nasked {asked}.0\n")));
        }
    }
}

#[test]
fn a_scrape_without_a_server_shows_the_last_numbers() {
    let (runtime, sources) = sources();
    let registry = Registry::new();
    registry.register(&sources).unwrap();
    let value = || registry.snapshot().value("asked", &[]);
    assert_eq!(value(), None);
    let deadline = Deadline::after(super::client::PATIENCE);
    runtime.block_on(sources.refresh(deadline));
    assert_eq!((value(), value()), (Some(1.0), Some(1.0)));
    assert_shown(&registry, &["asked 2.0"]);
    assert_eq!(value(), Some(2.0));
}

#[test]
fn a_registry_within_itself_is_answered() {
    let registry = Registry::new();
    registry.gauge("depth", "Help.").unwrap().set(7);
    let within = Registry::new();
    registry.register(&within).unwrap();
    within.register(Called(Arc::default())).unwrap();
    within.register(&registry).unwrap();
    assert_shown(&registry, &["depth 7.0", "called 1.0"]);
}
