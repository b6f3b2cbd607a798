//! The least encoding can cost: every line stands ready up to its value, in one piece of memory.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::Form;
use crate::subject::{Local, Subject};
use crate::workload::{
    BOUNDS, EXERCISE, EXERCISE_HELP, HELP, HISTOGRAM_FAMILIES, HISTOGRAMS_PER_FAMILY, LABELS,
    Shape, gauge_name, histogram_name, history, labels, value,
};

pub(super) fn subject(shape: Shape, form: Form) -> Box<dyn Subject> {
    match form {
        Form::Text => {
            let text = Text::new(shape);
            Local::encode(move |out: &mut Vec<u8>| text.encode(out))
        }
        Form::Protobuf => {
            let families = protobuf(shape);
            Local::encode(move |out: &mut Vec<u8>| {
                families.iter().for_each(|family| family.encode(out));
            })
        }
    }
}

/// A cell of a histogram is a whole number, everything else a float.
enum Number {
    Float(AtomicU64),
    Integer(AtomicU64),
}

/// Ready-made bytes, and where each line's number goes between them.
struct Text {
    bytes: Vec<u8>,
    lines: Vec<(u32, Number)>,
}

impl Text {
    fn new(shape: Shape) -> Self {
        let mut text = Self {
            bytes: Vec::new(),
            lines: Vec::with_capacity(shape.lines()),
        };
        match shape {
            Shape::One => {
                text.family(EXERCISE, EXERCISE_HELP, "gauge");
                text.line(EXERCISE, Number::Float(AtomicU64::new(45_f64.to_bits())));
            }
            Shape::Gauges(families, per_family) => {
                for number in 0..families {
                    let name = gauge_name(number);
                    text.family(&name, HELP, "gauge");
                    for series in 0..per_family {
                        let bits = value(number, series).to_bits();
                        let head = format!("{name}{{{}}}", label_text(series));
                        text.line(&head, Number::Float(AtomicU64::new(bits)));
                    }
                }
            }
            Shape::Histograms => {
                for number in 0..HISTOGRAM_FAMILIES {
                    let name = histogram_name(number);
                    text.family(&name, HELP, "histogram");
                    for series in 0..HISTOGRAMS_PER_FAMILY {
                        text.histogram(number, series, &name);
                    }
                }
            }
        }
        text.bytes.shrink_to_fit();
        text
    }

    fn family(&mut self, name: &str, help: &str, kind: &str) {
        let header = format!("\n# HELP {name} {help}\n# TYPE {name} {kind}");
        self.bytes.extend_from_slice(header.as_bytes());
    }

    fn line(&mut self, head: &str, number: Number) {
        self.bytes
            .extend_from_slice(format!("\n{head} ").as_bytes());
        self.lines.push((self.bytes.len() as u32, number));
    }

    /// Cumulative counts stand in the cells as they are; a real one would add them up.
    fn histogram(&mut self, number: usize, series: usize, name: &str) {
        let labels = label_text(series);
        let (cumulative, sum) = totals(number, series);
        for (i, &count) in cumulative.iter().enumerate() {
            let le = BOUNDS.get(i).map_or("+Inf".to_owned(), f64::to_string);
            let head = format!("{name}_bucket{{{labels},le=\"{le}\"}}");
            self.line(&head, Number::Integer(AtomicU64::new(count)));
        }
        let sum = Number::Float(AtomicU64::new(sum.to_bits()));
        self.line(&format!("{name}_sum{{{labels}}}"), sum);
        let count = Number::Integer(AtomicU64::new(cumulative[BOUNDS.len()]));
        self.line(&format!("{name}_count{{{labels}}}"), count);
    }

    fn encode(&self, out: &mut Vec<u8>) {
        // The first byte is the end of a line before the first one.
        let mut from = 1;
        let mut floats = zmij::Buffer::new();
        let mut integers = itoa::Buffer::new();
        for (to, number) in &self.lines {
            let to = *to as usize;
            out.extend_from_slice(&self.bytes[from..to]);
            from = to;
            let number = match number {
                Number::Float(bits) => floats.format_finite(f64::from_bits(bits.load(Relaxed))),
                Number::Integer(count) => integers.format(count.load(Relaxed)),
            };
            out.extend_from_slice(number.as_bytes());
        }
        out.push(b'\n');
    }
}

fn label_text(series: usize) -> String {
    let values = labels(series);
    let pairs: Vec<_> = LABELS
        .iter()
        .zip(&values)
        .map(|(name, value)| format!("{name}=\"{value}\""))
        .collect();
    pairs.join(",")
}

/// The cumulative counts, `+Inf` last, and the sum of a histogram's observations.
fn totals(number: usize, series: usize) -> ([u64; BOUNDS.len() + 1], f64) {
    let mut counts = [0; BOUNDS.len() + 1];
    let mut sum = 0.0;
    for value in history(number, series) {
        (super::floor::bucket(value)..counts.len()).for_each(|i| counts[i] += 1);
        sum += value;
    }
    (counts, sum)
}

/// A `MetricFamily`: its head, and per series the ready-made bytes of the labels and its numbers.
struct Family {
    head: Vec<u8>,
    series: Vec<(Vec<u8>, Numbers)>,
}

enum Numbers {
    Gauge(AtomicU64),
    Histogram {
        cumulative: [AtomicU64; BOUNDS.len()],
        count: AtomicU64,
        sum: AtomicU64,
    },
}

fn protobuf(shape: Shape) -> Vec<Family> {
    let gauge = |number| Numbers::Gauge(AtomicU64::new(f64::to_bits(number)));
    match shape {
        Shape::One => {
            let series = vec![(Vec::new(), gauge(45.0))];
            vec![Family {
                head: head(EXERCISE, EXERCISE_HELP, 1),
                series,
            }]
        }
        Shape::Gauges(families, per_family) => (0..families)
            .map(|number| {
                let one = |series| (label_bytes(series), gauge(value(number, series)));
                let series = (0..per_family).map(one).collect();
                Family {
                    head: head(&gauge_name(number), HELP, 1),
                    series,
                }
            })
            .collect(),
        Shape::Histograms => (0..HISTOGRAM_FAMILIES)
            .map(|number| {
                let one = |series| {
                    let (counts, sum) = totals(number, series);
                    let numbers = Numbers::Histogram {
                        cumulative: std::array::from_fn(|i| AtomicU64::new(counts[i])),
                        count: AtomicU64::new(counts[BOUNDS.len()]),
                        sum: AtomicU64::new(sum.to_bits()),
                    };
                    (label_bytes(series), numbers)
                };
                let series = (0..HISTOGRAMS_PER_FAMILY).map(one).collect();
                Family {
                    head: head(&histogram_name(number), HELP, 4),
                    series,
                }
            })
            .collect(),
    }
}

/// The fields `name`, `help` and `type` of a family.
fn head(name: &str, help: &str, kind: u8) -> Vec<u8> {
    let mut out = Vec::new();
    bytes_field(1, name.as_bytes(), &mut out);
    bytes_field(2, help.as_bytes(), &mut out);
    out.extend_from_slice(&[3 << 3, kind]);
    out
}

/// The repeated field `label` of a metric.
fn label_bytes(series: usize) -> Vec<u8> {
    let mut out = Vec::new();
    for (name, value) in LABELS.iter().zip(labels(series)) {
        let mut pair = Vec::new();
        bytes_field(1, name.as_bytes(), &mut pair);
        bytes_field(2, value.as_bytes(), &mut pair);
        bytes_field(1, &pair, &mut out);
    }
    out
}

fn bytes_field(number: u8, bytes: &[u8], out: &mut Vec<u8>) {
    out.push(number << 3 | 2);
    varint(bytes.len() as u64, out);
    out.extend_from_slice(bytes);
}

fn varint(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

const fn varint_len(value: u64) -> usize {
    (70 - (value | 1).leading_zeros() as usize) / 7
}

/// A `double` field: one byte of tag, eight of value.
const DOUBLE: usize = 9;

impl Family {
    fn encode(&self, out: &mut Vec<u8>) {
        let mut length = self.head.len();
        for (labels, numbers) in &self.series {
            let metric = labels.len() + numbers.len();
            length += 1 + varint_len(metric as u64) + metric;
        }
        varint(length as u64, out);
        out.extend_from_slice(&self.head);
        for (labels, numbers) in &self.series {
            out.push(4 << 3 | 2);
            varint((labels.len() + numbers.len()) as u64, out);
            out.extend_from_slice(labels);
            numbers.encode(out);
        }
    }
}

impl Numbers {
    /// Encoded bytes, with the tag. Bodies here are shorter than 16 KiB and longer than 127 bytes
    /// if they are histograms, shorter than 128 if gauges.
    fn len(&self) -> usize {
        match self {
            Self::Gauge(_) => 2 + DOUBLE,
            Self::Histogram { .. } => {
                let body = self.histogram_len();
                1 + varint_len(body as u64) + body
            }
        }
    }

    fn histogram_len(&self) -> usize {
        let Self::Histogram {
            cumulative, count, ..
        } = self
        else {
            return 0;
        };
        let buckets = cumulative
            .iter()
            .map(|cell| 2 + bucket_len(cell.load(Relaxed)));
        1 + varint_len(count.load(Relaxed)) + DOUBLE + buckets.sum::<usize>()
    }

    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Gauge(bits) => {
                out.extend_from_slice(&[2 << 3 | 2, DOUBLE as u8, 1 << 3 | 1]);
                out.extend_from_slice(&bits.load(Relaxed).to_le_bytes());
            }
            Self::Histogram {
                cumulative,
                count,
                sum,
            } => {
                out.push(7 << 3 | 2);
                varint(self.histogram_len() as u64, out);
                out.push(1 << 3);
                varint(count.load(Relaxed), out);
                out.push(2 << 3 | 1);
                out.extend_from_slice(&sum.load(Relaxed).to_le_bytes());
                for (bound, cell) in BOUNDS.iter().zip(cumulative) {
                    let count = cell.load(Relaxed);
                    out.extend_from_slice(&[3 << 3 | 2, bucket_len(count) as u8, 1 << 3]);
                    varint(count, out);
                    out.push(2 << 3 | 1);
                    out.extend_from_slice(&bound.to_le_bytes());
                }
            }
        }
    }
}

fn bucket_len(count: u64) -> usize {
    1 + varint_len(count) + DOUBLE
}
