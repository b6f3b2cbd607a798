//! Writes length-delimited protobuf messages `io.prometheus.client.MetricFamily` (client_model's `metrics.proto`).

use std::ops::ControlFlow;

use crate::collect::Sink;
use crate::encode::{Escaping, Output};
use crate::model::{
    Descriptor, Exemplar, Head, HistogramValue, Kind, Labels, NativeBuckets, Number, Point,
    SummaryValue, Timestamp, Value,
};

/// Encodes families as protobuf. A family is one message, with its length before it: it is handed over whole.
pub(crate) struct ProtobufEncoder<'a> {
    output: Output<'a>,
    escaping: Escaping,
    kind: Kind,
    family: Option<OpenFamily>,
    /// The labels of the family's first series, for the others.
    labels: LabelFields,
}

/// A family whose length is not known yet.
struct OpenFamily {
    /// Where its length stands.
    begin: usize,
    has_series: bool,
}

impl<'a> ProtobufEncoder<'a> {
    pub(crate) fn new(escaping: Escaping, output: Output<'a>) -> Self {
        Self {
            output,
            escaping,
            kind: Kind::Unknown,
            family: None,
            labels: LabelFields::default(),
        }
    }

    /// Hands over the last family.
    pub(crate) fn finish(mut self) -> ControlFlow<()> {
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
            // A family without series is not shown.
            Some(OpenFamily { begin, .. }) => self.output.bytes.truncate(begin),
            None => {}
        }
    }

    fn metric(
        &mut self,
        head: Head<'_>,
        state: Option<&str>,
        point: &Point<'_>,
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
        // What is around the labels is short, unless the value is long itself.
        let metric_length_bytes = if head.text().len() < 80 {
            length_bytes
        } else {
            2
        };
        message(out, 4, metric_length_bytes, |out| {
            if head.is_legacy() && escaping.keeps_legacy() {
                labels.write(out, head);
            } else {
                for (name, value) in head.labels() {
                    label(out, &escaping.label_name(&name), &value);
                }
            }
            if let Some(state) = state {
                label(out, &escaping.label_name(head.name()), state);
            }
            message(out, field, length_bytes, value);
            if let Some(time) = point.timestamp {
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
        self.kind = descriptor.kind();
        self.labels.clear();
        let out = &mut self.output.bytes;
        let begin = begin_length(out, FAMILY_LENGTH_BYTES);
        text(out, 1, &self.escaping.metric_name(descriptor.name()));
        text(out, 2, descriptor.help());
        uint64(out, 3, family_type(descriptor.kind()));
        if !descriptor.unit().is_empty() {
            text(out, 5, descriptor.unit());
        }
        self.family = Some(OpenFamily {
            begin,
            has_series: false,
        });
        true
    }

    fn point(&mut self, head: Head<'_>, point: &Point<'_>) -> bool {
        let Some(family) = &mut self.family else {
            return false;
        };
        family.has_series = true;
        let number = |number: Number| move |out: &mut Vec<u8>| double(out, 1, number.as_f64());
        match point.value {
            Value::Gauge(value) => self.metric(head, None, point, (2, 1), number(value)),
            Value::Unknown(value) => self.metric(head, None, point, (5, 1), number(value)),
            Value::Info => self.metric(head, None, point, (2, 1), number(Number::U64(1))),
            Value::Counter(value, exemplar) => self.metric(head, None, point, (3, 1), |out| {
                double(out, 1, value.as_f64());
                if let Some(exemplar) = exemplar {
                    write_exemplar(out, 2, exemplar);
                }
                if let Some(created) = point.created {
                    timestamp(out, 3, created);
                }
            }),
            Value::Histogram(value) | Value::GaugeHistogram(value) => {
                self.metric(head, None, point, (7, 2), |out| {
                    write_histogram(out, value, point.created)
                });
            }
            Value::Summary(value) => {
                self.metric(head, None, point, (4, 1), |out| {
                    write_summary(out, value, point.created)
                });
            }
            Value::StateSet(states) => {
                for (state, on) in states {
                    self.metric(
                        head,
                        Some(state),
                        point,
                        (2, 1),
                        number(Number::U64(u64::from(*on))),
                    );
                }
            }
        }
        true
    }
}

/// `MetricType` of client_model; what it lacks is the nearest that it has.
fn family_type(kind: Kind) -> u64 {
    match kind {
        Kind::Counter => 0,
        Kind::Gauge | Kind::Info | Kind::StateSet => 1,
        Kind::Summary => 2,
        Kind::Unknown => 3,
        Kind::Histogram => 4,
        Kind::GaugeHistogram => 5,
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
        // Without buckets, this empty span is what tells a native histogram from a classic one.
        write_span(out, 12, 0, 0);
    }
    for exemplar in &native.exemplars {
        write_exemplar(out, 16, exemplar);
    }
}

/// Gaps up to this long cost less as empty buckets than as a new span.
const MAX_FILLED_GAP: i64 = 2;

/// Writes (index, count) pairs as spans of neighbouring buckets, and their counts as differences.
fn write_buckets(out: &mut Vec<u8>, [spans, deltas]: [u32; 2], buckets: &[(i32, u64)]) {
    let mut counts: Vec<i64> = Vec::with_capacity(buckets.len());
    // (offset from the end of the span before, length)
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

/// The labels of a family's series, encoded but for their values: nearly always all series have the same names.
#[derive(Default)]
struct LabelFields(Vec<LabelField>);

struct LabelField {
    /// The label in a head up to its value: `name="`.
    text: Box<str>,
    /// The `LabelPair` up to its value. Its lengths, of one byte, are not known yet.
    bytes: Box<[u8]>,
}

impl LabelFields {
    fn clear(&mut self) {
        self.0.clear();
    }

    /// Writes the labels of a head all of whose names are legacy names.
    #[inline]
    fn write(&mut self, out: &mut Vec<u8>, head: Head<'_>) {
        let labels = head.label_text();
        if self.0.is_empty() && !labels.is_empty() {
            let names = head.labels().map(|(name, _)| name);
            self.0.extend(names.map(|name| LabelField::new(&name)));
        }
        let mut rest = labels;
        for field in &self.0 {
            match field.write(out, rest) {
                Some(behind) => rest = behind,
                None => break,
            }
        }
        // What is not as expected: other names, escaped or long values.
        for (name, value) in Labels::of(rest) {
            label(out, &name, &value);
        }
    }
}

impl LabelField {
    fn new(name: &str) -> Self {
        let mut bytes = Vec::with_capacity(name.len() + 6);
        key(&mut bytes, 1, WireType::Bytes);
        bytes.push(0);
        text(&mut bytes, 1, name);
        key(&mut bytes, 2, WireType::Bytes);
        bytes.push(0);
        Self {
            text: format!("{name}=\"").into(),
            bytes: bytes.into(),
        }
    }

    /// Writes the first label of `labels` if it is this one, its value is not escaped, and lengths take one byte.
    /// Gives the labels behind it.
    #[inline]
    fn write<'a>(&self, out: &mut Vec<u8>, labels: &'a str) -> Option<&'a str> {
        let labels = labels.strip_prefix(',').unwrap_or(labels);
        let rest = labels.strip_prefix(&*self.text)?;
        let end = rest
            .bytes()
            .position(|byte| byte == b'"' || byte == b'\\')?;
        let (value, behind) = rest.split_at(end);
        let behind = behind.strip_prefix('"')?;
        let length = u8::try_from(self.bytes.len() - 2 + end).ok()?;
        if length >= 0x80 {
            return None;
        }
        let begin = out.len();
        out.reserve(self.bytes.len() + end);
        out.extend_from_slice(&self.bytes);
        out[begin + 1] = length;
        if let Some(value_length) = out.last_mut() {
            *value_length = end as u8;
        }
        out.extend_from_slice(value.as_bytes());
        Some(behind)
    }
}

/// A `LabelPair` as field 1 of a metric or an exemplar.
#[inline]
fn label(out: &mut Vec<u8>, name: &str, value: &str) {
    let length = text_length(name) + text_length(value);
    key(out, 1, WireType::Bytes);
    varint(out, length as u64);
    text(out, 1, name);
    text(out, 2, value);
}

/// How long a text is as a field with a number below 16.
#[inline]
fn text_length(text: &str) -> usize {
    let length = text.len() as u64;
    1 + (64 - (length | 1).leading_zeros() as usize).div_ceil(7) + text.len()
}

enum WireType {
    Varint = 0,
    Fixed64 = 1,
    Bytes = 2,
}

#[inline]
fn key(out: &mut Vec<u8>, field: u32, wire_type: WireType) {
    varint(out, u64::from(field << 3 | wire_type as u32));
}

#[inline]
fn uint64(out: &mut Vec<u8>, field: u32, value: u64) {
    key(out, field, WireType::Varint);
    varint(out, value);
}

/// A negative `int64` is written as the `u64` of the same bits.
fn int64(out: &mut Vec<u8>, field: u32, value: i64) {
    uint64(out, field, value.cast_unsigned());
}

/// `sint32` and `sint64`: small absolute values are short.
fn sint64(out: &mut Vec<u8>, field: u32, value: i64) {
    uint64(out, field, ((value << 1) ^ (value >> 63)).cast_unsigned());
}

#[inline]
fn double(out: &mut Vec<u8>, field: u32, value: f64) {
    key(out, field, WireType::Fixed64);
    out.extend_from_slice(&value.to_le_bytes());
}

#[inline]
fn text(out: &mut Vec<u8>, field: u32, text: &str) {
    key(out, field, WireType::Bytes);
    varint(out, text.len() as u64);
    out.extend_from_slice(text.as_bytes());
}

/// A `google.protobuf.Timestamp`.
fn timestamp(out: &mut Vec<u8>, field: u32, time: Timestamp) {
    message(out, field, 1, |out| {
        int64(out, 1, time.seconds());
        uint64(out, 2, u64::from(time.subsec_nanos()));
    });
}

/// A message within a message. Its length is known only after it is written: `length_bytes` is a guess of
/// how many bytes it takes.
#[inline]
fn message(out: &mut Vec<u8>, field: u32, length_bytes: usize, write: impl FnOnce(&mut Vec<u8>)) {
    key(out, field, WireType::Bytes);
    let begin = begin_length(out, length_bytes);
    write(out);
    end_length(out, begin, length_bytes);
}

/// Families up to 2 MiB need no more for their length.
const FAMILY_LENGTH_BYTES: usize = 3;

#[inline]
fn begin_length(out: &mut Vec<u8>, length_bytes: usize) -> usize {
    let begin = out.len();
    out.extend_from_slice(&[0; FAMILY_LENGTH_BYTES][..length_bytes]);
    begin
}

/// Puts the length of what follows `begin` there, and makes room if the guess was too small. A guess too
/// large is no harm: a varint may have leading zeros.
#[inline]
fn end_length(out: &mut Vec<u8>, begin: usize, length_bytes: usize) {
    let mut length = (out.len() - begin - length_bytes) as u64;
    if length >> (7 * length_bytes) != 0 {
        let mut varint_bytes = Vec::with_capacity(10);
        varint(&mut varint_bytes, length);
        out.splice(begin..begin + length_bytes, varint_bytes);
        return;
    }
    for (i, byte) in out[begin..begin + length_bytes].iter_mut().enumerate() {
        let more = if i + 1 < length_bytes { 0x80 } else { 0 };
        *byte = (length & 0x7f) as u8 | more;
        length >>= 7;
    }
}

#[inline]
fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_varint(bytes: &[u8]) -> (u64, usize) {
        let length = bytes.iter().position(|byte| byte & 0x80 == 0).unwrap() + 1;
        let value = bytes[..length]
            .iter()
            .rev()
            .fold(0, |value, byte| value << 7 | u64::from(byte & 0x7f));
        (value, length)
    }

    #[test]
    fn a_length_reads_back_whatever_was_guessed() {
        for length_bytes in 1..=3 {
            for length in [0, 1, 127, 128, 16_383, 16_384, 2_100_000] {
                let mut out = b"before".to_vec();
                message(&mut out, 1, length_bytes, |out| {
                    out.resize(out.len() + length, 7)
                });
                let (read, taken) = read_varint(&out[7..]);
                assert_eq!(read as usize, length);
                assert!(out[7 + taken..].iter().all(|byte| *byte == 7));
                assert_eq!(out.len(), 7 + taken + length);
            }
        }
    }
}
