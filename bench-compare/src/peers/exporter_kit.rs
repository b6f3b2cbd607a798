//! exporter-kit itself, as its users write it.

use std::hint::black_box;
use std::ops::ControlFlow;

use exporter_kit::{
    Counter, EnumFamily, Format, Gauge, Histogram, IntGauge, RegisterError, Registry, label_enum,
};

use super::{Busy, Form, Kind, Peer, Record};
use crate::subject::{Local, Operation, Subject};
use crate::workload::{
    BOUNDS, COUNTER, DYNAMIC, EXERCISE, EXERCISE_HELP, GAUGE, GAUGE_FAMILIES, HELP, HISTOGRAM,
    HISTOGRAM_FAMILIES, HISTOGRAMS_PER_FAMILY, INTEGER_GAUGE, LABELLED, LABELS, Shape,
    combinations, gauge_name, histogram_name, history, labels, observations, pairs, value,
};

pub(super) struct ExporterKit;

fn registered<M>(add: impl FnOnce(&Registry) -> Result<M, RegisterError>) -> (Registry, M) {
    let registry = Registry::new();
    let metric = add(&registry).expect("names are valid and new");
    (registry, metric)
}

fn subject(
    registry: Registry,
    operation: impl Fn(usize) + Send + Sync + 'static,
) -> Box<dyn Subject> {
    Local::record(operation, move || registry.to_text().into_bytes())
}

label_enum! {
    enum Method { Get = "GET", Post = "POST", Put = "PUT", Delete = "DELETE", Patch = "PATCH" }
}

label_enum! {
    enum Status { Ok = "200", NotFound = "404", TooMany = "429", Internal = "500" }
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

fn labelled() -> (Registry, EnumFamily<Counter, (Method, Status)>) {
    registered(|registry| {
        registry.add(Counter::define(LABELLED, HELP).enum_labels(["method", "status"]))
    })
}

fn calls() -> [(Method, Status); 1024] {
    combinations().map(|(method, status)| (METHODS[method], STATUSES[status]))
}

impl Peer for ExporterKit {
    fn name(&self) -> &'static str {
        "exporter-kit"
    }

    fn kind(&self) -> Kind {
        Kind::Ours
    }

    fn record(&self, record: Record) -> Option<Box<dyn Subject>> {
        Some(match record {
            Record::CounterInc => {
                let (registry, counter) =
                    registered(|registry| registry.add(Counter::define(COUNTER, HELP)));
                subject(registry, move |_| counter.inc())
            }
            Record::GaugeSet => {
                let (registry, gauge) =
                    registered(|registry| registry.add(Gauge::define(GAUGE, HELP)));
                subject(registry, move |i| gauge.set(black_box((i & 1023) as f64)))
            }
            Record::GaugeIncDec => {
                let (registry, gauge) =
                    registered(|registry| registry.add(Gauge::define(GAUGE, HELP)));
                subject(
                    registry,
                    move |i| if i & 1 == 0 { gauge.inc() } else { gauge.dec() },
                )
            }
            Record::IntegerGaugeIncDec => {
                let (registry, gauge) =
                    registered(|registry| registry.add(IntGauge::define(INTEGER_GAUGE, HELP)));
                subject(
                    registry,
                    move |i| if i & 1 == 0 { gauge.inc() } else { gauge.dec() },
                )
            }
            Record::Histogram => {
                let definition = Histogram::define(HISTOGRAM, HELP).buckets(&BOUNDS);
                let (registry, histogram) = registered(|registry| registry.add(definition));
                let values = observations();
                subject(registry, move |i| histogram.observe(values[i & 1023]))
            }
            Record::Lookup => {
                let (registry, family) = labelled();
                let calls = calls();
                subject(registry, move |i| family.with(calls[i & 1023]).inc())
            }
            Record::Handle => {
                let (registry, family) = labelled();
                let handles = calls().map(|call| family.with(call).clone());
                subject(registry, move |i| handles[i & 1023].inc())
            }
            Record::Dynamic => {
                let definition = Counter::define(DYNAMIC, HELP).labels(["route", "customer"]);
                let (registry, family) = registered(|registry| registry.add(definition));
                let pairs = pairs();
                subject(registry, move |i| {
                    let (route, customer) = &pairs[i % 1000];
                    family.update([route, customer], Counter::inc);
                })
            }
        })
    }

    fn expose(&self, shape: Shape, form: Form) -> Option<Box<dyn Subject>> {
        let format = match form {
            Form::Text => Format::Text,
            Form::Protobuf => Format::Protobuf,
        };
        let scrape = filled(shape).registry.scrape(format);
        Some(Local::encode(move |out: &mut Vec<u8>| {
            scrape.append_to(out)
        }))
    }

    fn busy(&self, busy: Busy) -> Option<(Operation, Box<dyn Subject>)> {
        let (registry, operation) = match busy {
            Busy::Histograms => {
                let filled = filled(Shape::Histograms);
                let observe = |histogram: &Histogram, value| histogram.observe(value);
                (filled.registry, busy.each(filled.histograms, observe))
            }
            Busy::Gauges => {
                let filled = filled(Shape::Gauges(GAUGE_FAMILIES, 100));
                let set = |gauge: &Gauge, value| gauge.set(value);
                (filled.registry, busy.each(filled.gauges, set))
            }
            Busy::Pair => {
                let (registry, counter) =
                    registered(|registry| registry.add(Counter::define(COUNTER, HELP)));
                let definition = Histogram::define(HISTOGRAM, HELP).buckets(&BOUNDS);
                let histogram = registry.add(definition).expect("names are valid and new");
                let both = |(counter, histogram): &(Counter, Histogram), value| {
                    counter.inc();
                    histogram.observe(value);
                };
                (registry, busy.each(vec![(counter, histogram)], both))
            }
        };
        let scrape = registry.scrape(Format::Text);
        let encode = Local::encode(move |out: &mut Vec<u8>| scrape.append_to(out));
        Some((operation, encode))
    }

    fn scrape_in_chunks(&self, shape: Shape) -> Option<Box<dyn FnMut()>> {
        let registry = filled(shape).registry;
        Some(Box::new(move || {
            let flow = registry.scrape(Format::Text).chunks(|chunk| {
                black_box(&*chunk);
                chunk.clear();
                ControlFlow::Continue(())
            });
            _ = black_box(flow);
        }))
    }
}

/// A registry, and the handles to its series.
#[derive(Default)]
struct Filled {
    registry: Registry,
    gauges: Vec<Gauge>,
    histograms: Vec<Histogram>,
}

fn filled(shape: Shape) -> Filled {
    let mut filled = Filled::default();
    let registry = &filled.registry;
    match shape {
        Shape::One => {
            registry
                .gauge(EXERCISE, EXERCISE_HELP)
                .expect("a valid name")
                .set(45);
        }
        Shape::Gauges(families, per_family) => {
            for number in 0..families {
                let name = gauge_name(number);
                let definition = Gauge::define(&name, HELP)
                    .labels(LABELS)
                    .series_limit(per_family);
                let family = registry.add(definition).expect("names are valid and new");
                for series in 0..per_family {
                    let [method, status, instance] = &labels(series);
                    let gauge = family.with([method, status, instance]);
                    gauge.set(value(number, series));
                    filled.gauges.push(gauge.clone());
                }
            }
        }
        Shape::Histograms => {
            for number in 0..HISTOGRAM_FAMILIES {
                let name = histogram_name(number);
                let definition = Histogram::define(&name, HELP)
                    .buckets(&BOUNDS)
                    .labels(LABELS);
                let family = registry.add(definition).expect("names are valid and new");
                for series in 0..HISTOGRAMS_PER_FAMILY {
                    let [method, status, instance] = &labels(series);
                    let histogram = family.with([method, status, instance]);
                    history(number, series).for_each(|value| histogram.observe(value));
                    filled.histograms.push(histogram.clone());
                }
            }
        }
    }
    filled
}
