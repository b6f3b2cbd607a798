//! metrics with metrics-exporter-prometheus: the macros, on a recorder local to the thread.

use std::hint::black_box;
use std::sync::Arc;

use metrics::{counter, gauge, histogram, with_local_recorder};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle, PrometheusRecorder};

use super::{Form, Peer, Record};
use crate::subject::{Local, Subject};
use crate::workload::{
    BOUNDS, COUNTER, DYNAMIC, EXERCISE, EXERCISE_HELP, GAUGE, HELP, HISTOGRAM, HISTOGRAM_FAMILIES,
    HISTOGRAMS_PER_FAMILY, LABELLED, METHODS, STATUSES, Shape, combinations, gauge_name,
    histogram_name, history, labels, observations, pairs, value,
};

pub(super) struct Metrics;

fn recorder() -> PrometheusRecorder {
    let builder = PrometheusBuilder::new()
        .set_buckets(&BOUNDS)
        .expect("there are buckets");
    builder.build_recorder()
}

/// Repeats one operation inside the scope of the recorder, as the macros want it.
fn repeat(
    recorder: PrometheusRecorder,
    operation: impl Fn(usize) + Send + Sync + 'static,
) -> Box<dyn Subject> {
    let handle = recorder.handle();
    let upkeep = recorder.handle();
    let recorder = Arc::new(recorder);
    let job = move |iterations: u64| {
        with_local_recorder(&*recorder, || {
            for i in 0..iterations as usize {
                operation(i);
            }
        });
    };
    // Raw observations pile up until they are drained; the exporter does that every few seconds.
    Local::job(job, move || render(&handle), move || upkeep.run_upkeep())
}

fn render(handle: &PrometheusHandle) -> Vec<u8> {
    handle.render().into_bytes()
}

impl Peer for Metrics {
    fn name(&self) -> &'static str {
        "metrics"
    }

    fn package(&self) -> Option<&'static str> {
        Some("metrics-exporter-prometheus")
    }

    fn record(&self, record: Record) -> Option<Box<dyn Subject>> {
        let recorder = recorder();
        Some(match record {
            Record::CounterInc => {
                let counter = with_local_recorder(&recorder, || counter!(COUNTER));
                repeat(recorder, move |_| counter.increment(1))
            }
            Record::GaugeSet => {
                let gauge = with_local_recorder(&recorder, || gauge!(GAUGE));
                repeat(recorder, move |i| gauge.set(black_box((i & 1023) as f64)))
            }
            Record::GaugeIncDec => {
                let gauge = with_local_recorder(&recorder, || gauge!(GAUGE));
                let step = move |i| {
                    if i & 1 == 0 {
                        gauge.increment(1.0)
                    } else {
                        gauge.decrement(1.0)
                    }
                };
                repeat(recorder, step)
            }
            Record::IntegerGaugeIncDec => return None,
            Record::Histogram => {
                let histogram = with_local_recorder(&recorder, || histogram!(HISTOGRAM));
                let values = observations();
                repeat(recorder, move |i| histogram.record(values[i & 1023]))
            }
            Record::Lookup => {
                let calls = combinations().map(|(m, s)| (METHODS[m], STATUSES[s]));
                repeat(recorder, move |i| {
                    let (method, status) = calls[i & 1023];
                    counter!(LABELLED, "method" => method, "status" => status).increment(1);
                })
            }
            Record::Handle => {
                let handles = with_local_recorder(&recorder, || {
                    combinations().map(|(m, s)| {
                        counter!(LABELLED, "method" => METHODS[m], "status" => STATUSES[s])
                    })
                });
                repeat(recorder, move |i| handles[i & 1023].increment(1))
            }
            Record::Dynamic => {
                let pairs = pairs();
                repeat(recorder, move |i| {
                    let (route, customer) = &pairs[i % 1000];
                    // Borrowed strings have to be copied to become labels.
                    counter!(DYNAMIC, "route" => route.clone(), "customer" => customer.clone())
                        .increment(1);
                })
            }
        })
    }

    fn expose(&self, shape: Shape, form: Form) -> Option<Box<dyn Subject>> {
        let recorder = filled(shape);
        let handle = recorder.handle();
        match form {
            Form::Text => Some(Local::encode(move |out: &mut Vec<u8>| {
                handle
                    .render_to_write(out)
                    .expect("writing to memory succeeds");
            })),
            #[cfg(feature = "protoc")]
            Form::Protobuf => Some(Local::encode(move |out: &mut Vec<u8>| {
                handle
                    .render_protobuf_to_write(out)
                    .expect("writing to memory succeeds");
            })),
            #[cfg(not(feature = "protoc"))]
            Form::Protobuf => None,
        }
    }
}

fn filled(shape: Shape) -> PrometheusRecorder {
    let recorder = recorder();
    with_local_recorder(&recorder, || match shape {
        Shape::One => {
            metrics::describe_gauge!(EXERCISE, EXERCISE_HELP);
            gauge!(EXERCISE).set(45.0);
        }
        Shape::Gauges(families, per_family) => {
            for number in 0..families {
                metrics::describe_gauge!(gauge_name(number), HELP);
                for series in 0..per_family {
                    let [method, status, instance] = labels(series);
                    gauge!(gauge_name(number), "method" => method, "status" => status, "instance" => instance)
                        .set(value(number, series));
                }
            }
        }
        Shape::Histograms => {
            for number in 0..HISTOGRAM_FAMILIES {
                metrics::describe_histogram!(histogram_name(number), HELP);
                for series in 0..HISTOGRAMS_PER_FAMILY {
                    let [method, status, instance] = labels(series);
                    let histogram = histogram!(histogram_name(number), "method" => method, "status" => status, "instance" => instance);
                    history(number, series).for_each(|value| histogram.record(value));
                }
            }
        }
    });
    recorder
}
