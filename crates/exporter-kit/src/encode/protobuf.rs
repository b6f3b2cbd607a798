//! Writes length-delimited protobuf messages `io.prometheus.client.MetricFamily` (client_model's `metrics.proto`).

use std::ops::ControlFlow;

use crate::collect::Sink;
use crate::encode::label_fields::LabelFields;
use crate::encode::lines::EscapedKey;
use crate::encode::wire::{
    FAMILY_LENGTH_BYTES, begin_length, double, end_length, int64, label, message, sint64, text,
    uint64,
};
use crate::encode::{Escaping, Output};
use crate::model::{
    Descriptor, Exemplar, HistogramValue, MetricType, NativeBuckets, Number, Sample, SeriesKey,
    SummaryValue, Timestamp, Value,
};

/// Encodes families as protobuf. A family is one message, preceded by its length, so it is passed on whole.
pub(crate) struct ProtobufEncoder<'a> {
    output: Output<'a>,
    escaping: Escaping,
    metric_type: MetricType,
    family: Option<OpenFamily>,
    /// The labels of the family's first series, reused for the others.
    labels: LabelFields,
}

/// A family whose length is not known yet.
struct OpenFamily {
    /// The position of its length.
    begin: usize,
    has_series: bool,
}

impl<'a> ProtobufEncoder<'a> {
    pub(crate) fn new(escaping: Escaping, output: Output<'a>) -> Self {
        Self {
            output,
            escaping,
            metric_type: MetricType::Unknown,
            family: None,
            labels: LabelFields::default(),
        }
    }

    /// Writes the last family.
    pub(crate) fn finish(&mut self) -> ControlFlow<()> {
        self.end_family();
        self.output.finish()
    }

    fn end_family(&mut self) {
        match self.family.take() {
            Some(OpenFamily {
                begin,
                has_series: true,
            }) => {
                end_length(&mut self.output.bytes, begin, FAMILY_LENGTH_BYTES);
                self.output.hand_over_if_full();
            }
            // A family without series is left out.
            Some(OpenFamily { begin, .. }) => self.output.bytes.truncate(begin),
            None => {}
        }
    }

    fn metric(
        &mut self,
        key: SeriesKey<'_>,
        state: Option<&str>,
        sample: &Sample<'_>,
        (field, length_bytes): (u32, usize),
        value: impl FnOnce(&mut Vec<u8>),
    ) {
        let Self {
            escaping,
            labels,
            output,
            ..
        } = self;
        let out = &mut output.bytes;
        // The fields around the labels are short, unless the value itself is long.
        let metric_length_bytes = if key.len() < 80 { length_bytes } else { 2 };
        message(out, 4, metric_length_bytes, |out| {
            if key.is_legacy() && escaping.keeps_legacy() {
                labels.write(out, key);
            } else if *escaping == Escaping::AllowUtf8 {
                for (name, value) in key.labels() {
                    label(out, &name, &value);
                }
            } else {
                for (name, value) in EscapedKey::of(key, *escaping).as_key().labels() {
                    label(out, &name, &value);
                }
            }
            if let Some(state) = state {
                label(out, &escaping.label_name(key.name()), state);
            }
            message(out, field, length_bytes, value);
            if let Some(time) = sample.timestamp {
                int64(out, 6, time.as_millis());
            }
        });
    }
}

impl Sink for ProtobufEncoder<'_> {
    fn family(&mut self, descriptor: &Descriptor) -> bool {
        self.end_family();
        if self.output.stopped {
            return false;
        }
        self.metric_type = descriptor.metric_type();
        self.labels.clear();
        let out = &mut self.output.bytes;
        let begin = begin_length(out, FAMILY_LENGTH_BYTES);
        text(out, 1, &self.escaping.metric_name(descriptor.name()));
        text(out, 2, descriptor.help());
        uint64(out, 3, family_type(descriptor.metric_type()));
        if !descriptor.unit().is_empty() {
            text(out, 5, descriptor.unit());
        }
        self.family = Some(OpenFamily {
            begin,
            has_series: false,
        });
        true
    }

    fn sample(&mut self, key: SeriesKey<'_>, sample: &Sample<'_>) -> bool {
        let Some(family) = &mut self.family else {
            return false;
        };
        family.has_series = true;
        let number = |number: Number| move |out: &mut Vec<u8>| double(out, 1, number.as_f64());
        match sample.value {
            Value::Gauge(value) => self.metric(key, None, sample, (2, 1), number(value)),
            Value::Unknown(value) | Value::Line(value, _) => {
                self.metric(key, None, sample, (5, 1), number(value))
            }
            Value::Info => self.metric(key, None, sample, (2, 1), number(Number::U64(1))),
            Value::Counter(value, exemplar) => self.metric(key, None, sample, (3, 1), |out| {
                double(out, 1, value.as_f64());
                if let Some(exemplar) = exemplar {
                    write_exemplar(out, 2, exemplar);
                }
                if let Some(created) = sample.created {
                    timestamp(out, 3, created);
                }
            }),
            Value::Histogram(value) | Value::GaugeHistogram(value) => {
                self.metric(key, None, sample, (7, 2), |out| {
                    write_histogram(out, value, sample.created)
                });
            }
            Value::Summary(value) => {
                self.metric(key, None, sample, (4, 1), |out| {
                    write_summary(out, value, sample.created)
                });
            }
            Value::StateSet(states) => {
                for (state, on) in states {
                    self.metric(
                        key,
                        Some(state),
                        sample,
                        (2, 1),
                        number(Number::U64(u64::from(*on))),
                    );
                }
            }
        }
        true
    }
}

/// The `MetricType` of client_model, or the nearest one if the type is missing there.
fn family_type(metric_type: MetricType) -> u64 {
    match metric_type {
        MetricType::Counter => 0,
        MetricType::Gauge | MetricType::Info | MetricType::StateSet => 1,
        MetricType::Summary => 2,
        MetricType::Unknown => 3,
        MetricType::Histogram => 4,
        MetricType::GaugeHistogram => 5,
    }
}

fn write_histogram(out: &mut Vec<u8>, histogram: &HistogramValue, created: Option<Timestamp>) {
    uint64(out, 1, histogram.count);
    if let Some(sum) = histogram.sum {
        double(out, 2, sum);
    }
    for (i, (bound, count)) in histogram
        .bounds
        .iter()
        .zip(&histogram.cumulative_counts)
        .enumerate()
    {
        message(out, 3, 1, |out| {
            uint64(out, 1, *count);
            double(out, 2, *bound);
            if let Some(exemplar) = histogram.exemplar(i) {
                write_exemplar(out, 3, exemplar);
            }
        });
    }
    if let Some(native) = &histogram.native {
        write_native(out, native);
    }
    if let Some(created) = created {
        timestamp(out, 15, created);
    }
}

fn write_summary(out: &mut Vec<u8>, summary: &SummaryValue, created: Option<Timestamp>) {
    if let Some(count) = summary.count {
        uint64(out, 1, count);
    }
    if let Some(sum) = summary.sum {
        double(out, 2, sum);
    }
    for (quantile, observed) in &summary.quantiles {
        message(out, 3, 1, |out| {
            double(out, 1, *quantile);
            double(out, 2, *observed);
        });
    }
    if let Some(created) = created {
        timestamp(out, 4, created);
    }
}

fn write_exemplar(out: &mut Vec<u8>, field: u32, exemplar: &Exemplar) {
    message(out, field, 1, |out| {
        for (name, value) in exemplar.labels() {
            label(out, &name, &value);
        }
        double(out, 2, exemplar.value());
        if let Some(time) = exemplar.timestamp() {
            timestamp(out, 3, time);
        }
    });
}

fn write_native(out: &mut Vec<u8>, native: &NativeBuckets) {
    sint64(out, 5, i64::from(native.schema));
    double(out, 6, native.zero_threshold);
    uint64(out, 7, native.zero_count);
    write_buckets(out, [9, 10], &native.negative);
    write_buckets(out, [12, 13], &native.positive);
    if native.positive.is_empty() && native.negative.is_empty() && native.zero_threshold == 0.0 {
        // Without buckets, this empty span distinguishes a native histogram from a classic one.
        write_span(out, 12, 0, 0);
    }
    for exemplar in &native.exemplars {
        write_exemplar(out, 16, exemplar);
    }
}

/// Gaps up to this length are shorter as empty buckets than as a new span.
const MAX_FILLED_GAP: i64 = 2;

/// Writes (index, count) pairs as spans of adjacent buckets, and their counts as differences.
fn write_buckets(out: &mut Vec<u8>, [spans, deltas]: [u32; 2], buckets: &[(i32, u64)]) {
    let mut counts: Vec<i64> = Vec::with_capacity(buckets.len());
    // (offset from the end of the previous span, length)
    let mut open: Option<(i64, u64)> = None;
    let mut end = 0_i64;
    for (index, count) in buckets {
        let gap = i64::from(*index) - end;
        open = match open {
            Some((offset, length)) if gap <= MAX_FILLED_GAP => {
                counts.extend((0..gap).map(|_| 0));
                Some((offset, length + gap.unsigned_abs() + 1))
            }
            before => {
                if let Some((offset, length)) = before {
                    write_span(out, spans, offset, length);
                }
                Some((gap, 1))
            }
        };
        counts.push(i64::try_from(*count).unwrap_or(i64::MAX));
        end = i64::from(*index) + 1;
    }
    if let Some((offset, length)) = open {
        write_span(out, spans, offset, length);
    }
    let mut before = 0;
    for count in counts {
        sint64(out, deltas, count - before);
        before = count;
    }
}

fn write_span(out: &mut Vec<u8>, field: u32, offset: i64, length: u64) {
    message(out, field, 1, |out| {
        sint64(out, 1, offset);
        uint64(out, 2, length);
    });
}

/// A `google.protobuf.Timestamp`.
fn timestamp(out: &mut Vec<u8>, field: u32, time: Timestamp) {
    message(out, field, 1, |out| {
        int64(out, 1, time.seconds());
        uint64(out, 2, u64::from(time.subsec_nanos()));
    });
}

#[cfg(test)]
mod tests {
    use crate::{Escaping, Format, Gauge, Registry};

    #[test]
    fn labels_whose_names_become_one_stand_once() {
        let registry = Registry::new();
        let gauge = Gauge::define("g", "h").utf8_names().labels(["a.b", "a_b"]);
        registry.add(gauge).unwrap().with(["1", "2"]).set(1);
        let times = |escaping| {
            let scrape = registry.scrape(Format::Protobuf).escaping(escaping);
            let body = scrape.to_vec();
            body.windows(3).filter(|bytes| *bytes == b"a_b").count()
        };
        assert_eq!(times(Escaping::Underscores), 1);
        assert_eq!(times(Escaping::AllowUtf8), 1);
    }
}
