//! A runtime with fast time, a source that counts its runs, and readings of its metrics.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::time::sleep;

use crate::source::{Deadline, Fetched, Source, SourceError, SourceSpec, Sources};
use crate::{Descriptor, FamilyWriter, MetricType, Registry, Snapshot};

pub(super) const SECOND: Duration = Duration::from_secs(1);

pub(super) fn with_fast_time(test: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .unwrap()
        .block_on(test);
}

pub(super) fn gauge(name: &str, labels: &[&str], value: u64) -> Snapshot {
    let mut snapshot = Snapshot::new();
    let family = Descriptor::new(MetricType::Gauge, name, "Help.").unwrap();
    let mut writer = FamilyWriter::begin(&mut snapshot, &family, ["label"]).unwrap();
    for label in labels {
        writer.gauge([label], value).unwrap();
    }
    drop(writer);
    snapshot
}

pub(super) fn fetched(value: u64) -> Fetched {
    Fetched::new(gauge("sessions", &["a"], value), 1)
}

/// Counts a source's runs.
#[derive(Default)]
pub(super) struct Log {
    begun: AtomicU64,
    ended: AtomicU64,
    dropped: AtomicU64,
    pub(super) fails: AtomicBool,
}

impl Log {
    pub(super) fn counts(&self) -> (u64, u64, u64) {
        let get = |count: &AtomicU64| count.load(Ordering::SeqCst);
        (get(&self.begun), get(&self.ended), get(&self.dropped))
    }
}

/// Counts a run that is dropped before its end.
struct Dropping<'a>(&'a Log, bool);

impl Drop for Dropping<'_> {
    fn drop(&mut self) {
        let count = if self.1 {
            &self.0.ended
        } else {
            &self.0.dropped
        };
        count.fetch_add(1, Ordering::SeqCst);
    }
}

/// Takes that long, then returns the number of the run or fails.
pub(super) struct Takes(pub(super) Duration, pub(super) Arc<Log>);

impl Source for Takes {
    async fn fetch(&self, _: Deadline) -> Result<Fetched, SourceError> {
        let run = self.1.begun.fetch_add(1, Ordering::SeqCst) + 1;
        let mut dropping = Dropping(&self.1, false);
        sleep(self.0).await;
        dropping.1 = true;
        if self.1.fails.load(Ordering::SeqCst) {
            return Err(SourceError::query("no such table"));
        }
        Ok(fetched(run))
    }
}

pub(super) fn start(specs: Vec<SourceSpec>) -> (Sources, Registry) {
    let sources = Sources::builder("app").start(&Handle::current()).unwrap();
    sources.replace(specs).unwrap();
    let registry = Registry::new();
    registry.register(&sources).unwrap();
    (sources, registry)
}

pub(super) async fn refresh(sources: &Sources, seconds: u64) {
    sources
        .refresh(Deadline::after(SECOND * u32::try_from(seconds).unwrap()))
        .await;
}

pub(super) fn value(registry: &Registry, sample: &str, labels: &[(&str, &str)]) -> Option<f64> {
    registry.snapshot().value(sample, labels)
}

pub(super) fn errors(registry: &Registry, reason: &str) -> Option<f64> {
    let labels = [("source", "db"), ("reason", reason)];
    value(registry, "app_source_errors_total", &labels)
}

pub(super) fn up(registry: &Registry) -> Option<f64> {
    value(registry, "app_source_up", &[("source", "db")])
}

pub(super) fn sessions(registry: &Registry) -> Option<f64> {
    value(registry, "sessions", &[("label", "a")])
}
