//! opentelemetry-prometheus: instruments of the OpenTelemetry SDK, attributes looked up at each call, shown through the
//! prometheus crate's registry.

use std::hint::black_box;

use opentelemetry::KeyValue;
use opentelemetry::metrics::{Meter, MeterProvider as _};
use opentelemetry_sdk::metrics::SdkMeterProvider;
use prometheus::proto::MetricFamily;
use prometheus::{Encoder as _, ProtobufEncoder, Registry, TextEncoder};

use super::{Form, Peer, Record};
use crate::subject::{Local, Subject};
use crate::workload::{
    BOUNDS, COUNTER, DYNAMIC, EXERCISE, EXERCISE_HELP, GAUGE, HELP, HISTOGRAM, HISTOGRAM_FAMILIES,
    HISTOGRAMS_PER_FAMILY, INTEGER_GAUGE, LABELLED, LABELS, METHODS, STATUSES, Shape, combinations,
    gauge_name, histogram_name, history, labels, observations, pairs, value,
};

pub(super) struct OpenTelemetry;

/// A meter, and the registry that shows its instruments. The provider stops them when it is dropped.
struct Metered {
    registry: Registry,
    provider: SdkMeterProvider,
}

impl Metered {
    fn new() -> Self {
        let registry = Registry::new();
        // Names and labels as the other peers have them.
        let exporter = opentelemetry_prometheus::exporter()
            .with_registry(registry.clone())
            .without_counter_suffixes()
            .without_units()
            .without_target_info()
            .scope_info_enabled(false)
            .build()
            .expect("the registry is empty");
        let provider = SdkMeterProvider::builder().with_reader(exporter).build();
        Self { registry, provider }
    }

    fn meter(&self) -> Meter {
        self.provider.meter("bench")
    }

    fn gather(&self) -> Vec<MetricFamily> {
        self.registry.gather()
    }

    fn render(&self) -> Vec<u8> {
        let mut out = Vec::new();
        TextEncoder::new()
            .encode(&self.gather(), &mut out)
            .expect("writing to memory succeeds");
        out
    }
}

fn attributes<const N: usize>(names: [&'static str; N], values: [String; N]) -> Vec<KeyValue> {
    let pairs = names.into_iter().zip(values);
    pairs
        .map(|(name, value)| KeyValue::new(name, value))
        .collect()
}

impl Peer for OpenTelemetry {
    fn name(&self) -> &'static str {
        "opentelemetry-prometheus"
    }

    fn record(&self, record: Record) -> Option<Box<dyn Subject>> {
        let metered = Metered::new();
        let meter = metered.meter();
        Some(match record {
            Record::CounterInc => {
                let counter = meter.u64_counter(COUNTER).with_description(HELP).build();
                Local::record(move |_| counter.add(1, &[]), move || metered.render())
            }
            Record::GaugeSet => {
                let gauge = meter.f64_gauge(GAUGE).with_description(HELP).build();
                let set = move |i| gauge.record(black_box((i & 1023) as f64), &[]);
                Local::record(set, move || metered.render())
            }
            Record::GaugeIncDec => {
                let gauge = meter.f64_up_down_counter(GAUGE).with_description(HELP);
                let gauge = gauge.build();
                let step = move |i| gauge.add(if i & 1 == 0 { 1.0 } else { -1.0 }, &[]);
                Local::record(step, move || metered.render())
            }
            Record::IntegerGaugeIncDec => {
                let gauge = meter.i64_up_down_counter(INTEGER_GAUGE);
                let gauge = gauge.with_description(HELP).build();
                let step = move |i| gauge.add(if i & 1 == 0 { 1 } else { -1 }, &[]);
                Local::record(step, move || metered.render())
            }
            Record::Histogram => {
                let histogram = meter
                    .f64_histogram(HISTOGRAM)
                    .with_description(HELP)
                    .with_boundaries(BOUNDS.to_vec())
                    .build();
                let values = observations();
                let observe = move |i: usize| histogram.record(values[i & 1023], &[]);
                Local::record(observe, move || metered.render())
            }
            Record::Lookup => {
                let counter = meter.u64_counter(LABELLED).with_description(HELP).build();
                let calls = combinations().map(|(m, s)| [METHODS[m], STATUSES[s]]);
                let look_up = move |i: usize| {
                    let [method, status] = calls[i & 1023];
                    let attributes = [
                        KeyValue::new("method", method),
                        KeyValue::new("status", status),
                    ];
                    counter.add(1, &attributes);
                };
                Local::record(look_up, move || metered.render())
            }
            // Attributes are looked up at every call.
            Record::Handle => return None,
            Record::Dynamic => {
                let counter = meter.u64_counter(DYNAMIC).with_description(HELP).build();
                let pairs = pairs();
                // An attribute owns its value, so borrowed strings have to be copied first.
                let look_up = move |i: usize| {
                    let (route, customer) = &pairs[i % 1000];
                    let attributes = [
                        KeyValue::new("route", route.clone()),
                        KeyValue::new("customer", customer.clone()),
                    ];
                    counter.add(1, &attributes);
                };
                Local::record(look_up, move || metered.render())
            }
        })
    }

    fn expose(&self, shape: Shape, form: Form) -> Option<Box<dyn Subject>> {
        let metered = metered(shape);
        Some(Local::encode(move |out: &mut Vec<u8>| {
            // By a method, so that the closure owns the provider too.
            let families = metered.gather();
            match form {
                Form::Text => TextEncoder::new().encode(&families, out),
                Form::Protobuf => ProtobufEncoder::new().encode(&families, out),
            }
            .expect("writing to memory succeeds");
        }))
    }
}

fn metered(shape: Shape) -> Metered {
    let metered = Metered::new();
    let meter = metered.meter();
    match shape {
        Shape::One => {
            let gauge = meter.f64_gauge(EXERCISE).with_description(EXERCISE_HELP);
            gauge.build().record(45.0, &[]);
        }
        Shape::Gauges(families, per_family) => {
            for number in 0..families {
                let gauges = meter.f64_gauge(gauge_name(number)).with_description(HELP);
                let gauges = gauges.build();
                for series in 0..per_family {
                    let attributes = attributes(LABELS, labels(series));
                    gauges.record(value(number, series), &attributes);
                }
            }
        }
        Shape::Histograms => {
            for number in 0..HISTOGRAM_FAMILIES {
                let histograms = meter
                    .f64_histogram(histogram_name(number))
                    .with_description(HELP)
                    .with_boundaries(BOUNDS.to_vec())
                    .build();
                for series in 0..HISTOGRAMS_PER_FAMILY {
                    let attributes = attributes(LABELS, labels(series));
                    history(number, series).for_each(|value| histograms.record(value, &attributes));
                }
            }
        }
    }
    metered
}
