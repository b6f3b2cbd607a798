//! prometheus (tikv): vectors of metrics, `with_label_values` to look up, gather then encode.

use std::hint::black_box;

use prometheus::core::{Collector, GenericCounterVec};
use prometheus::{
    Encoder as _, Gauge, GaugeVec, Histogram, HistogramOpts, HistogramVec, IntCounter,
    IntCounterVec, IntGauge, Opts, ProtobufEncoder, Registry, TextEncoder,
};

use super::{Busy, Form, Peer, Record};
use crate::subject::{Local, Operation, Subject};
use crate::workload::{
    BOUNDS, COUNTER, DYNAMIC, EXERCISE, EXERCISE_HELP, GAUGE, GAUGE_FAMILIES, HELP, HISTOGRAM,
    HISTOGRAM_FAMILIES, HISTOGRAMS_PER_FAMILY, INTEGER_GAUGE, LABELLED, LABELS, METHODS, STATUSES,
    Shape, combinations, gauge_name, histogram_name, history, labels, observations, pairs, value,
};

pub(super) struct Prometheus;

fn registered(metric: &(impl Collector + Clone + 'static)) -> Registry {
    let registry = Registry::new();
    registry
        .register(Box::new(metric.clone()))
        .expect("names are valid and new");
    registry
}

fn render(registry: &Registry) -> Vec<u8> {
    let mut out = Vec::new();
    TextEncoder::new()
        .encode(&registry.gather(), &mut out)
        .expect("writing to memory succeeds");
    out
}

fn labelled() -> IntCounterVec {
    GenericCounterVec::new(Opts::new(LABELLED, HELP), &["method", "status"]).expect("valid names")
}

fn buckets(name: impl Into<String>) -> HistogramOpts {
    HistogramOpts::new(name, HELP).buckets(BOUNDS.to_vec())
}

impl Peer for Prometheus {
    fn name(&self) -> &'static str {
        "prometheus"
    }

    fn record(&self, record: Record) -> Option<Box<dyn Subject>> {
        Some(match record {
            Record::CounterInc => {
                let counter = IntCounter::new(COUNTER, HELP).expect("a valid name");
                let registry = registered(&counter);
                Local::record(move |_| counter.inc(), move || render(&registry))
            }
            Record::GaugeSet => {
                let gauge = Gauge::new(GAUGE, HELP).expect("a valid name");
                let registry = registered(&gauge);
                let set = move |i| gauge.set(black_box((i & 1023) as f64));
                Local::record(set, move || render(&registry))
            }
            Record::GaugeIncDec => {
                let gauge = Gauge::new(GAUGE, HELP).expect("a valid name");
                let registry = registered(&gauge);
                let step = move |i| if i & 1 == 0 { gauge.inc() } else { gauge.dec() };
                Local::record(step, move || render(&registry))
            }
            Record::IntegerGaugeIncDec => {
                let gauge = IntGauge::new(INTEGER_GAUGE, HELP).expect("a valid name");
                let registry = registered(&gauge);
                let step = move |i| if i & 1 == 0 { gauge.inc() } else { gauge.dec() };
                Local::record(step, move || render(&registry))
            }
            Record::Histogram => {
                let histogram = Histogram::with_opts(buckets(HISTOGRAM)).expect("valid buckets");
                let registry = registered(&histogram);
                let values = observations();
                let observe = move |i: usize| histogram.observe(values[i & 1023]);
                Local::record(observe, move || render(&registry))
            }
            Record::Lookup => {
                let counters = labelled();
                let registry = registered(&counters);
                let calls = combinations().map(|(m, s)| [METHODS[m], STATUSES[s]]);
                let look_up = move |i: usize| counters.with_label_values(&calls[i & 1023]).inc();
                Local::record(look_up, move || render(&registry))
            }
            Record::Handle => {
                let counters = labelled();
                let registry = registered(&counters);
                let handles = combinations()
                    .map(|(m, s)| counters.with_label_values(&[METHODS[m], STATUSES[s]]));
                Local::record(move |i| handles[i & 1023].inc(), move || render(&registry))
            }
            Record::Dynamic => {
                let opts = Opts::new(DYNAMIC, HELP);
                let counters =
                    IntCounterVec::new(opts, &["route", "customer"]).expect("valid names");
                let registry = registered(&counters);
                let pairs = pairs();
                let look_up = move |i: usize| {
                    let (route, customer) = &pairs[i % 1000];
                    counters
                        .with_label_values(&[route.as_str(), customer.as_str()])
                        .inc();
                };
                Local::record(look_up, move || render(&registry))
            }
        })
    }

    fn expose(&self, shape: Shape, form: Form) -> Option<Box<dyn Subject>> {
        let registry = filled(shape).registry;
        Some(Local::encode(move |out: &mut Vec<u8>| {
            let families = registry.gather();
            match form {
                Form::Text => TextEncoder::new().encode(&families, out),
                Form::Protobuf => ProtobufEncoder::new().encode(&families, out),
            }
            .expect("writing to memory succeeds");
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
                let counter = IntCounter::new(COUNTER, HELP).expect("a valid name");
                let histogram = Histogram::with_opts(buckets(HISTOGRAM)).expect("valid buckets");
                let registry = registered(&counter);
                let shown = Box::new(histogram.clone());
                registry.register(shown).expect("a new name");
                let both = |(counter, histogram): &(IntCounter, Histogram), value| {
                    counter.inc();
                    histogram.observe(value);
                };
                (registry, busy.each(vec![(counter, histogram)], both))
            }
        };
        let encode = Local::encode(move |out: &mut Vec<u8>| {
            TextEncoder::new()
                .encode(&registry.gather(), out)
                .expect("writing to memory succeeds");
        });
        Some((operation, encode))
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
    match shape {
        Shape::One => {
            let gauge = Gauge::new(EXERCISE, EXERCISE_HELP).expect("a valid name");
            gauge.set(45.0);
            filled.registry = registered(&gauge);
        }
        Shape::Gauges(families, per_family) => {
            for number in 0..families {
                let opts = Opts::new(gauge_name(number), HELP);
                let gauges = GaugeVec::new(opts, &LABELS).expect("valid names");
                for series in 0..per_family {
                    let gauge = gauges.with_label_values(&labels(series));
                    gauge.set(value(number, series));
                    filled.gauges.push(gauge);
                }
                let shown = Box::new(gauges);
                filled.registry.register(shown).expect("a new name");
            }
        }
        Shape::Histograms => {
            for number in 0..HISTOGRAM_FAMILIES {
                let opts = buckets(histogram_name(number));
                let histograms = HistogramVec::new(opts, &LABELS).expect("valid names");
                for series in 0..HISTOGRAMS_PER_FAMILY {
                    let histogram = histograms.with_label_values(&labels(series));
                    history(number, series).for_each(|value| histogram.observe(value));
                    filled.histograms.push(histogram);
                }
                let shown = Box::new(histograms);
                filled.registry.register(shown).expect("a new name");
            }
        }
    }
    filled
}
