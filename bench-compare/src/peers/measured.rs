//! measured: label groups with derives, enums stored densely, run-time strings interned by lasso.

use std::hint::black_box;
use std::sync::Arc;

use measured::lasso::ThreadedRodeo;
use measured::metric::gauge::FloatGaugeState;
use measured::metric::group::Encoding as _;
use measured::metric::histogram::Thresholds;
use measured::metric::name::MetricName;
use measured::metric::{Metric, MetricFamilyEncoding};
use measured::text::BufferedTextEncoder;
use measured::{
    Counter, CounterVec, FixedCardinalityLabel, FloatGaugeVec, Gauge, Histogram, HistogramVec,
    LabelGroup,
};

use super::{Form, Peer, Record};
use crate::subject::{Buffer, Local, Subject};
use crate::workload::{
    BOUNDS, COUNTER, DYNAMIC, EXERCISE, EXERCISE_HELP, GAUGE, HELP, HISTOGRAM, HISTOGRAM_FAMILIES,
    HISTOGRAMS_PER_FAMILY, INTEGER_GAUGE, LABELLED, Shape, combinations, gauge_name,
    histogram_name, history, labels, observations, pairs, value,
};

pub(super) struct Measured;

#[derive(Clone, Copy, Debug, PartialEq, FixedCardinalityLabel)]
#[label(rename_all = "SHOUTY_SNAKE_CASE")]
enum Method {
    Get,
    Post,
    Put,
    Delete,
    Patch,
}

#[derive(Clone, Copy, Debug, PartialEq, FixedCardinalityLabel)]
enum Status {
    Ok = 200,
    NotFound = 404,
    TooMany = 429,
    Internal = 500,
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

#[derive(Clone, Copy, LabelGroup)]
#[label(set = CallSet)]
struct Call {
    method: Method,
    status: Status,
}

#[derive(Clone, Copy, LabelGroup)]
#[label(set = RouteSet)]
struct Route<'a> {
    #[label(dynamic_with = ThreadedRodeo, default)]
    route: &'a str,
    #[label(dynamic_with = ThreadedRodeo, default)]
    customer: &'a str,
}

#[derive(Clone, Copy, LabelGroup)]
#[label(set = SeriesSet)]
struct Series<'a> {
    #[label(dynamic_with = ThreadedRodeo, default)]
    method: &'a str,
    #[label(dynamic_with = ThreadedRodeo, default)]
    status: &'a str,
    #[label(dynamic_with = ThreadedRodeo, default)]
    instance: &'a str,
}

/// The encoder is the buffer: what it has written leaves it as `Bytes`.
#[derive(Default)]
struct Text(BufferedTextEncoder);

impl Buffer for Text {
    fn clear(&mut self) {
        drop(self.0.finish());
    }

    fn into_bytes(mut self) -> Vec<u8> {
        self.0.finish().to_vec()
    }
}

fn write(
    name: &str,
    help: &str,
    metric: &impl MetricFamilyEncoding<BufferedTextEncoder>,
    out: &mut BufferedTextEncoder,
) {
    let name = MetricName::try_from_str(name).expect("a valid name");
    let Ok(()) = out.write_help(name, help);
    let Ok(()) = metric.collect_family_into(name, out);
}

/// `Arc` so that recording and the exposition share the metric.
fn subject<M>(
    name: &'static str,
    metric: M,
    operation: impl Fn(&M, usize) + Send + Sync + 'static,
) -> Box<dyn Subject>
where
    M: MetricFamilyEncoding<BufferedTextEncoder> + Send + Sync + 'static,
{
    let metric = Arc::new(metric);
    let shown = Arc::clone(&metric);
    let exposition = move || {
        let mut text = Text::default();
        write(name, HELP, &*shown, &mut text.0);
        text.into_bytes()
    };
    Local::record(move |i| operation(&metric, i), exposition)
}

fn calls() -> [Call; 1024] {
    combinations().map(|(method, status)| Call {
        method: METHODS[method],
        status: STATUSES[status],
    })
}

impl Peer for Measured {
    fn name(&self) -> &'static str {
        "measured"
    }

    fn record(&self, record: Record) -> Option<Box<dyn Subject>> {
        Some(match record {
            Record::CounterInc => subject(COUNTER, Counter::new(), |counter, _| {
                counter.inc();
            }),
            Record::GaugeSet => subject(GAUGE, Metric::<FloatGaugeState>::new(), |gauge, i| {
                gauge.get_metric().set(black_box((i & 1023) as f64));
            }),
            Record::GaugeIncDec => subject(GAUGE, Metric::<FloatGaugeState>::new(), |gauge, i| {
                if i & 1 == 0 {
                    gauge.get_metric().inc()
                } else {
                    gauge.get_metric().dec()
                }
            }),
            Record::IntegerGaugeIncDec => subject(INTEGER_GAUGE, Gauge::new(), |gauge, i| {
                if i & 1 == 0 {
                    gauge.get_metric().inc()
                } else {
                    gauge.get_metric().dec()
                }
            }),
            Record::Histogram => {
                let histogram = Histogram::with_metadata(Thresholds::with_buckets(BOUNDS));
                let values = observations();
                subject(HISTOGRAM, histogram, move |histogram, i| {
                    histogram.get_metric().observe(values[i & 1023]);
                })
            }
            Record::Lookup => {
                let counters = CounterVec::with_label_set(CallSet::default());
                let calls = calls();
                subject(LABELLED, counters, move |counters, i| {
                    counters.inc(calls[i & 1023])
                })
            }
            Record::Handle => {
                let counters = CounterVec::with_label_set(CallSet::default());
                let handles = calls().map(|call| counters.with_labels(call));
                subject(LABELLED, counters, move |counters, i| {
                    counters.get_metric(handles[i & 1023]).inc();
                })
            }
            Record::Dynamic => {
                let counters = CounterVec::with_label_set(RouteSet::default());
                let pairs = pairs();
                subject(DYNAMIC, counters, move |counters, i| {
                    let (route, customer) = &pairs[i % 1000];
                    counters.inc(Route { route, customer });
                })
            }
        })
    }

    fn expose(&self, shape: Shape, form: Form) -> Option<Box<dyn Subject>> {
        if form == Form::Protobuf {
            return None;
        }
        Some(match shape {
            Shape::One => {
                let gauge = Metric::<FloatGaugeState>::new();
                gauge.get_metric().set(45.0);
                Local::encode(move |out: &mut Text| {
                    write(EXERCISE, EXERCISE_HELP, &gauge, &mut out.0)
                })
            }
            Shape::Gauges(families, per_family) => {
                let families: Vec<_> = (0..families)
                    .map(|number| (gauge_name(number), gauges(number, per_family)))
                    .collect();
                encode(families)
            }
            Shape::Histograms => {
                let families: Vec<_> = (0..HISTOGRAM_FAMILIES)
                    .map(|number| (histogram_name(number), histograms(number)))
                    .collect();
                encode(families)
            }
        })
    }
}

fn encode<M>(families: Vec<(String, M)>) -> Box<dyn Subject>
where
    M: MetricFamilyEncoding<BufferedTextEncoder> + Send + Sync + 'static,
{
    Local::encode(move |out: &mut Text| {
        for (name, metric) in &families {
            write(name, HELP, metric, &mut out.0);
        }
    })
}

fn gauges(number: usize, per_family: usize) -> FloatGaugeVec<SeriesSet> {
    let gauges = FloatGaugeVec::with_label_set(SeriesSet::default());
    for series in 0..per_family {
        let [method, status, instance] = &labels(series);
        gauges.set(
            Series {
                method,
                status,
                instance,
            },
            value(number, series),
        );
    }
    gauges
}

fn histograms(number: usize) -> HistogramVec<SeriesSet, 12> {
    let thresholds = Thresholds::with_buckets(BOUNDS);
    let histograms = HistogramVec::with_label_set_and_metadata(SeriesSet::default(), thresholds);
    for series in 0..HISTOGRAMS_PER_FAMILY {
        let [method, status, instance] = &labels(series);
        let id = histograms.with_labels(Series {
            method,
            status,
            instance,
        });
        history(number, series).for_each(|value| histograms.get_metric(id).observe(value));
    }
    histograms
}
