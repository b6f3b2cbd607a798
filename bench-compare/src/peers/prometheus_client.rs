//! prometheus-client: typed labels with derives, `Family::get_or_create` to look up.

use std::hint::black_box;

use prometheus_client::encoding::{
    EncodeLabelSet, EncodeLabelValue, LabelValueEncoder, prometheus_protobuf, text,
};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Metric, Registry};

use super::{Busy, Form, Peer, Record, workload};
use crate::subject::{Local, Operation, Subject};
use crate::workload::{
    BOUNDS, COUNTER, DYNAMIC, EXERCISE, EXERCISE_HELP, GAUGE, GAUGE_FAMILIES, HELP, HISTOGRAM,
    HISTOGRAM_FAMILIES, HISTOGRAMS_PER_FAMILY, INTEGER_GAUGE, LABELLED, Shape, combinations,
    gauge_name, histogram_name, history, labels, observations, pairs, value,
};

pub(super) struct PrometheusClient;

type FloatGauge = Gauge<f64, std::sync::atomic::AtomicU64>;

#[derive(Clone, Copy, Debug, Hash, PartialEq, Eq)]
enum Method {
    Get,
    Post,
    Put,
    Delete,
    Patch,
}

// The derive would write the variants' names as they are.
impl EncodeLabelValue for Method {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> Result<(), std::fmt::Error> {
        EncodeLabelValue::encode(&workload::METHODS[*self as usize], encoder)
    }
}

#[derive(Clone, Copy, Debug, Hash, PartialEq, Eq)]
enum Status {
    Ok,
    NotFound,
    TooMany,
    Internal,
}

impl EncodeLabelValue for Status {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> Result<(), std::fmt::Error> {
        EncodeLabelValue::encode(&workload::STATUSES[*self as usize], encoder)
    }
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

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Route {
    route: String,
    customer: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Series {
    method: String,
    status: String,
    instance: String,
}

/// The library appends `_total` to the names of counters by itself.
fn registered(name: &str, metric: impl Metric) -> Registry {
    let mut registry = Registry::default();
    registry.register(name.trim_end_matches("_total"), HELP, metric);
    registry
}

fn render(registry: &Registry) -> Vec<u8> {
    let mut out = String::new();
    text::encode(&mut out, registry).expect("writing to a string succeeds");
    out.into_bytes()
}

fn calls() -> [Call; 1024] {
    combinations().map(|(method, status)| Call {
        method: METHODS[method],
        status: STATUSES[status],
    })
}

impl Peer for PrometheusClient {
    fn name(&self) -> &'static str {
        "prometheus-client"
    }

    fn record(&self, record: Record) -> Option<Box<dyn Subject>> {
        Some(match record {
            Record::CounterInc => {
                let counter: Counter = Counter::default();
                let registry = registered(COUNTER, counter.clone());
                Local::record(move |_| _ = counter.inc(), move || render(&registry))
            }
            Record::GaugeSet => {
                let gauge = FloatGauge::default();
                let registry = registered(GAUGE, gauge.clone());
                let set = move |i| _ = gauge.set(black_box((i & 1023) as f64));
                Local::record(set, move || render(&registry))
            }
            Record::GaugeIncDec => {
                let gauge = FloatGauge::default();
                let registry = registered(GAUGE, gauge.clone());
                let step = move |i| _ = if i & 1 == 0 { gauge.inc() } else { gauge.dec() };
                Local::record(step, move || render(&registry))
            }
            Record::IntegerGaugeIncDec => {
                let gauge: Gauge = Gauge::default();
                let registry = registered(INTEGER_GAUGE, gauge.clone());
                let step = move |i| _ = if i & 1 == 0 { gauge.inc() } else { gauge.dec() };
                Local::record(step, move || render(&registry))
            }
            Record::Histogram => {
                let histogram = Histogram::new(BOUNDS);
                let registry = registered(HISTOGRAM, histogram.clone());
                let values = observations();
                Local::record(
                    move |i| histogram.observe(values[i & 1023]),
                    move || render(&registry),
                )
            }
            Record::Lookup => {
                let family = Family::<Call, Counter>::default();
                let registry = registered(LABELLED, family.clone());
                let calls = calls();
                let look_up = move |i: usize| _ = family.get_or_create(&calls[i & 1023]).inc();
                Local::record(look_up, move || render(&registry))
            }
            Record::Handle => {
                let family = Family::<Call, Counter>::default();
                let registry = registered(LABELLED, family.clone());
                let handles = calls().map(|call| family.get_or_create_owned(&call));
                Local::record(
                    move |i| _ = handles[i & 1023].inc(),
                    move || render(&registry),
                )
            }
            Record::Dynamic => {
                let family = Family::<Route, Counter>::default();
                let registry = registered(DYNAMIC, family.clone());
                let pairs = pairs();
                // A look-up takes a whole label set, so borrowed strings have to be copied first.
                let look_up = move |i: usize| {
                    let (route, customer) = &pairs[i % 1000];
                    let key = Route {
                        route: route.clone(),
                        customer: customer.clone(),
                    };
                    family.get_or_create(&key).inc();
                };
                Local::record(look_up, move || render(&registry))
            }
        })
    }

    fn expose(&self, shape: Shape, form: Form) -> Option<Box<dyn Subject>> {
        let registry = filled(shape).registry;
        Some(match form {
            Form::Text => Local::encode(move |out: &mut String| {
                text::encode(out, &registry).expect("writing to a string succeeds");
            }),
            Form::Protobuf => Local::encode(move |out: &mut Vec<u8>| {
                // The library's own function gives a new vector at every scrape.
                *out = prometheus_protobuf::encode_to_vec(&registry).expect("a valid registry");
            }),
        })
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
                let set = |gauge: &FloatGauge, value| _ = gauge.set(value);
                (filled.registry, busy.each(filled.gauges, set))
            }
            Busy::Pair => {
                let counter: Counter = Counter::default();
                let histogram = Histogram::new(BOUNDS);
                let mut registry = registered(COUNTER, counter.clone());
                registry.register(HISTOGRAM, HELP, histogram.clone());
                let both = |(counter, histogram): &(Counter, Histogram), value| {
                    counter.inc();
                    histogram.observe(value);
                };
                (registry, busy.each(vec![(counter, histogram)], both))
            }
        };
        let encode = Local::encode(move |out: &mut String| {
            text::encode(out, &registry).expect("writing to a string succeeds");
        });
        Some((operation, encode))
    }
}

/// A registry, and the handles to its series.
#[derive(Default)]
struct Filled {
    registry: Registry,
    gauges: Vec<FloatGauge>,
    histograms: Vec<Histogram>,
}

fn filled(shape: Shape) -> Filled {
    let mut filled = Filled::default();
    let registry = &mut filled.registry;
    let key = |series| {
        let [method, status, instance] = labels(series);
        Series {
            method,
            status,
            instance,
        }
    };
    match shape {
        Shape::One => {
            let gauge = FloatGauge::default();
            gauge.set(45.0);
            registry.register(EXERCISE, EXERCISE_HELP, gauge);
        }
        Shape::Gauges(families, per_family) => {
            for number in 0..families {
                let family = Family::<Series, FloatGauge>::default();
                for series in 0..per_family {
                    let gauge = family.get_or_create_owned(&key(series));
                    gauge.set(value(number, series));
                    filled.gauges.push(gauge);
                }
                registry.register(gauge_name(number), HELP, family);
            }
        }
        Shape::Histograms => {
            for number in 0..HISTOGRAM_FAMILIES {
                let family =
                    Family::<Series, Histogram>::new_with_constructor(|| Histogram::new(BOUNDS));
                for series in 0..HISTOGRAMS_PER_FAMILY {
                    let histogram = family.get_or_create_owned(&key(series));
                    history(number, series).for_each(|value| histogram.observe(value));
                    filled.histograms.push(histogram);
                }
                registry.register(histogram_name(number), HELP, family);
            }
        }
    }
    filled
}
