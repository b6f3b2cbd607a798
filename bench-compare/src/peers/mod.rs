//! The peers, one file each, and what is asked of them.

mod exporter_kit;
mod floor;
mod floor_encode;
mod floor_sharded;
mod measured;
mod metrics;
mod opentelemetry;
mod prometheus;
mod prometheus_client;
mod remote;
mod vise;
mod vise_families;

use std::sync::Arc;

use crate::subject::{Operation, Subject};
use crate::workload::{self, Shape};

/// Operation of the rows a to d.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Record {
    /// An unlabelled counter, incremented.
    CounterInc,
    /// An unlabelled float gauge, set.
    GaugeSet,
    /// An unlabelled float gauge, incremented and decremented.
    GaugeIncDec,
    /// The same for the gauge of whole numbers, where there is one.
    IntegerGaugeIncDec,
    /// An unlabelled histogram of 12 buckets, observing.
    Histogram,
    /// A counter by method and status, looked up at every operation.
    Lookup,
    /// The same with the handles looked up before.
    Handle,
    /// A counter by two run-time strings, 1000 series, looked up at every operation.
    Dynamic,
}

/// Metrics that threads record to while they are scraped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Busy {
    /// 1000 histograms; each operation observes in another one.
    Histograms,
    /// 10 000 gauges; each operation sets another one.
    Gauges,
    /// One counter and one histogram; each operation records in both.
    Pair,
}

impl Busy {
    /// The series of an operation: all in turn, in an order without a pattern in memory.
    pub const fn series(self, operation: usize) -> usize {
        let count = match self {
            Self::Histograms => 1000,
            Self::Gauges => 10_000,
            Self::Pair => 1,
        };
        operation.wrapping_mul(7919) % count
    }

    /// An operation that records another value, and in another one of the metrics, each time.
    fn each<T: Send + Sync + 'static>(
        self,
        metrics: Vec<T>,
        record: impl Fn(&T, f64) + Send + Sync + 'static,
    ) -> Operation {
        let values = workload::observations();
        Arc::new(move |i| record(&metrics[self.series(i)], values[i & 1023]))
    }
}

/// Exposition format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// The text format, or OpenMetrics where a peer has nothing else.
    Text,
    /// Delimited `io.prometheus.client.MetricFamily` messages.
    Protobuf,
}

/// Role of a peer in ratios.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Not a library but the least the machine can do.
    Floor,
    /// The library under test.
    Ours,
    /// A Rust library to compare with.
    Rust,
    /// A library of another language, for scale.
    Scale,
}

/// One library, or the floor.
pub trait Peer {
    /// The heading of its column.
    fn name(&self) -> &'static str;

    /// The role in ratios.
    fn kind(&self) -> Kind {
        Kind::Rust
    }

    /// The package whose version is reported, as it stands in Cargo.lock.
    fn package(&self) -> Option<&'static str> {
        Some(self.name())
    }

    /// Ready to record, with everything at zero; `None` if it has no such thing.
    fn record(&self, record: Record) -> Option<Box<dyn Subject>>;

    /// Ready to encode; `None` if it can't.
    fn expose(&self, shape: Shape, form: Form) -> Option<Box<dyn Subject>>;

    /// An operation that threads repeat, and the scrape of what it records; `None` if it does not take part.
    fn busy(&self, _busy: Busy) -> Option<(Operation, Box<dyn Subject>)> {
        None
    }

    /// Writes one scrape in pieces that are thrown away, if it can, so that its peak memory shows.
    fn scrape_in_chunks(&self, _shape: Shape) -> Option<Box<dyn FnMut()>> {
        None
    }
}

/// All peers that run here. Says on standard error which ones are missing, and what to do.
pub fn all() -> Vec<Box<dyn Peer>> {
    let mut peers = local();
    peers.extend(remote::all());
    peers
}

/// The peers within this process, the floor first: everything is compared with it.
pub fn local() -> Vec<Box<dyn Peer>> {
    vec![
        Box::new(floor::Floor),
        Box::new(floor_sharded::FloorSharded),
        Box::new(exporter_kit::ExporterKit),
        Box::new(prometheus_client::PrometheusClient),
        Box::new(prometheus::Prometheus),
        Box::new(metrics::Metrics),
        Box::new(opentelemetry::OpenTelemetry),
        Box::new(measured::Measured),
        Box::new(vise::Vise),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exposition::{compare, parse_text};
    use crate::protobuf;
    use crate::workload::GAUGE_FAMILIES;

    const RECORDS: [Record; 8] = [
        Record::CounterInc,
        Record::GaugeSet,
        Record::GaugeIncDec,
        Record::IntegerGaugeIncDec,
        Record::Histogram,
        Record::Lookup,
        Record::Handle,
        Record::Dynamic,
    ];

    /// Enough operations to touch every series.
    const OPERATIONS: u64 = 3000;

    #[test]
    fn all_peers_record_the_same_samples() {
        for record in RECORDS {
            let mut expected = None;
            for peer in local() {
                let Some(mut subject) = peer.record(record) else {
                    continue;
                };
                subject.time(1, OPERATIONS).unwrap();
                let found = parse_text(&subject.exposition().unwrap()).unwrap();
                let expected = expected.get_or_insert_with(|| found.clone());
                let same = compare(expected, &found);
                assert!(same.is_ok(), "{record:?} of {}: {same:?}", peer.name());
            }
        }
    }

    #[test]
    fn all_peers_expose_the_same_samples() {
        for form in [Form::Text, Form::Protobuf] {
            for shape in [
                Shape::One,
                Shape::Gauges(GAUGE_FAMILIES, 3),
                Shape::Histograms,
            ] {
                let mut expected = None;
                for peer in local() {
                    let Some(mut subject) = peer.expose(shape, form) else {
                        continue;
                    };
                    let body = subject.exposition().unwrap();
                    let found = match form {
                        Form::Text => parse_text(&body).unwrap(),
                        Form::Protobuf => protobuf::parse(&body).unwrap(),
                    };
                    let expected = expected.get_or_insert_with(|| found.clone());
                    let same = compare(expected, &found);
                    assert!(
                        same.is_ok(),
                        "{shape:?} as {form:?} of {}: {same:?}",
                        peer.name()
                    );
                }
            }
        }
    }
}
