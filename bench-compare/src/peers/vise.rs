//! vise: a struct of metrics with a derive, families indexed by their labels.

use std::hint::black_box;

use vise::{
    Buckets, Counter, EncodeLabelSet, EncodeLabelValue, Family, Format, Gauge, Histogram,
    LabeledFamily, Metrics, Registry,
};

use super::vise_families::{Exercise, GaugeFamilies, HistogramFamilies, Series};
use super::{Form, Peer, Record};
use crate::subject::{Local, Subject};
use crate::workload::{
    BOUNDS, GAUGE_FAMILIES, HISTOGRAMS_PER_FAMILY, Shape, combinations, history, labels,
    observations, pairs, value,
};

pub(super) struct Vise;

#[derive(Clone, Copy, Debug, Hash, PartialEq, Eq, EncodeLabelValue)]
#[metrics(rename_all = "SCREAMING_SNAKE_CASE")]
enum Method {
    Get,
    Post,
    Put,
    Delete,
    Patch,
}

#[derive(Clone, Copy, Debug, Hash, PartialEq, Eq, EncodeLabelValue)]
#[metrics(rename_all = "snake_case")]
enum Status {
    #[metrics(name = "200")]
    Ok,
    #[metrics(name = "404")]
    NotFound,
    #[metrics(name = "429")]
    TooMany,
    #[metrics(name = "500")]
    Internal,
}

const METHODS: [Method; 5] = [
    Method::Get,
    Method::Post,
    Method::Put,
    Method::Delete,
    Method::Patch,
];
const STATUSES: [Status; 4] = [
    Status::Ok,
    Status::NotFound,
    Status::TooMany,
    Status::Internal,
];

#[derive(Clone, Copy, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Call {
    method: Method,
    status: Status,
}

/// All metrics of the recording rows; only those of one row are registered, as a group of its own.
#[derive(Clone, Debug, Metrics)]
#[metrics(prefix = "bench")]
struct Requests {
    /// Requests
    requests_total: Counter,
}

#[derive(Clone, Debug, Metrics)]
#[metrics(prefix = "bench")]
struct Temperature {
    /// Temperature
    temperature_celsius: Gauge<f64>,
}

#[derive(Clone, Debug, Metrics)]
#[metrics(prefix = "bench")]
struct InFlight {
    /// Requests in flight
    in_flight: Gauge<i64>,
}

#[derive(Clone, Debug, Metrics)]
#[metrics(prefix = "bench")]
struct Latency {
    /// Latency
    #[metrics(buckets = Buckets::values(&BOUNDS))]
    latency_seconds: Histogram<f64>,
}

#[derive(Clone, Debug, Metrics)]
#[metrics(prefix = "bench")]
struct Calls {
    /// Calls
    http_requests_total: Family<Call, Counter>,
}

#[derive(Clone, Debug, Metrics)]
#[metrics(prefix = "bench")]
struct Routes {
    /// Calls by route and customer
    #[metrics(labels = ["route", "customer"])]
    route_requests_total: LabeledFamily<(String, String), Counter, 2>,
}

fn registered(metrics: &impl Metrics) -> Registry {
    let mut registry = Registry::empty();
    registry.register_metrics(metrics);
    registry
}

fn render(registry: &Registry) -> Vec<u8> {
    let mut out = String::new();
    registry
        .encode(&mut out, Format::Prometheus)
        .expect("writing to a string succeeds");
    out.into_bytes()
}

fn subject<M: Metrics>(
    metrics: M,
    operation: impl Fn(usize) + Send + Sync + 'static,
) -> Box<dyn Subject> {
    let registry = registered(&metrics);
    Local::record(operation, move || render(&registry))
}

fn calls() -> [Call; 1024] {
    combinations().map(|(method, status)| Call {
        method: METHODS[method],
        status: STATUSES[status],
    })
}

impl Peer for Vise {
    fn name(&self) -> &'static str {
        "vise"
    }

    fn record(&self, record: Record) -> Option<Box<dyn Subject>> {
        Some(match record {
            Record::CounterInc => {
                let metrics = Requests::default();
                let counter = metrics.requests_total.clone();
                subject(metrics, move |_| _ = counter.inc())
            }
            Record::GaugeSet => {
                let metrics = Temperature::default();
                let gauge = metrics.temperature_celsius.clone();
                subject(metrics, move |i| {
                    _ = gauge.set(black_box((i & 1023) as f64))
                })
            }
            Record::GaugeIncDec => {
                let metrics = Temperature::default();
                let gauge = metrics.temperature_celsius.clone();
                let step = move |i| {
                    _ = if i & 1 == 0 {
                        gauge.inc_by(1.0)
                    } else {
                        gauge.dec_by(1.0)
                    }
                };
                subject(metrics, step)
            }
            Record::IntegerGaugeIncDec => {
                let metrics = InFlight::default();
                let gauge = metrics.in_flight.clone();
                let step = move |i| {
                    _ = if i & 1 == 0 {
                        gauge.inc_by(1)
                    } else {
                        gauge.dec_by(1)
                    }
                };
                subject(metrics, step)
            }
            Record::Histogram => {
                let metrics = Latency::default();
                let histogram = metrics.latency_seconds.clone();
                let values = observations();
                subject(metrics, move |i| histogram.observe(values[i & 1023]))
            }
            Record::Lookup => {
                let metrics = Calls::default();
                let family = metrics.http_requests_total.clone();
                let calls = calls();
                subject(metrics, move |i| _ = family[&calls[i & 1023]].inc())
            }
            Record::Handle => {
                let metrics = Calls::default();
                let family = metrics.http_requests_total.clone();
                let handles = calls().map(|call| family[&call].clone());
                subject(metrics, move |i| _ = handles[i & 1023].inc())
            }
            Record::Dynamic => {
                let metrics = Routes::default();
                let family = metrics.route_requests_total.clone();
                let pairs = pairs();
                // The key is a pair of owned strings, so borrowed ones have to be copied first.
                subject(metrics, move |i| _ = family[&pairs[i % 1000].clone()].inc())
            }
        })
    }

    fn expose(&self, shape: Shape, form: Form) -> Option<Box<dyn Subject>> {
        // The families are fields of a struct.
        let has_other_families =
            matches!(shape, Shape::Gauges(families, _) if families != GAUGE_FAMILIES);
        if form == Form::Protobuf || has_other_families {
            return None;
        }
        let registry = registry(shape);
        Some(Local::encode(move |out: &mut String| {
            registry
                .encode(out, Format::Prometheus)
                .expect("writing to a string succeeds");
        }))
    }
}

fn registry(shape: Shape) -> Registry {
    match shape {
        Shape::One => {
            let metrics = Exercise::default();
            metrics.active_sessions.set(45.0);
            registered(&metrics)
        }
        Shape::Gauges(_, per_family) => {
            let metrics = GaugeFamilies::default();
            for (number, family) in metrics.all().into_iter().enumerate() {
                for series in 0..per_family {
                    family[&Series::from(labels(series))].set(value(number, series));
                }
            }
            registered(&metrics)
        }
        Shape::Histograms => {
            let metrics = HistogramFamilies::default();
            for (number, family) in metrics.all().into_iter().enumerate() {
                for series in 0..HISTOGRAMS_PER_FAMILY {
                    let histogram = &family[&Series::from(labels(series))];
                    history(number, series).for_each(|value| histogram.observe(value));
                }
            }
            registered(&metrics)
        }
    }
}
