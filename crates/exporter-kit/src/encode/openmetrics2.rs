//! Writes OpenMetrics text 2.0.0 as of its release candidate 0 of March 2026. Experimental, like the format.
//!
//! A sample is one line: histograms and summaries are composite values, the start timestamp follows the value, and a
//! family has the name of its samples.

use std::fmt::Write;
use std::ops::ControlFlow;

use crate::collect::Sink;
use crate::encode::lines::{self, EscapedKey, HeaderLine, render_prefix};
use crate::encode::{Escaping, Output, number};
use crate::model::escape::{self, PushText};
use crate::model::{
    Descriptor, Exemplar, HistogramValue, NativeBuckets, Number, Sample, SeriesKey, SummaryValue,
    Timestamp, Value,
};

/// Encodes families as OpenMetrics 2.0 text, in chunks.
pub(crate) struct OpenMetrics2Encoder<'a> {
    output: Output<'a>,
    escaping: Escaping,
    /// The family's `#` lines, written before its first series: a family without series is left out.
    header: Vec<u8>,
}

impl<'a> OpenMetrics2Encoder<'a> {
    pub(crate) fn new(escaping: Escaping, output: Output<'a>) -> Self {
        Self {
            output,
            escaping,
            header: Vec::new(),
        }
    }

    /// Ends the exposition and writes the last chunk.
    pub(crate) fn finish(&mut self) -> ControlFlow<()> {
        if !self.output.stopped {
            self.output.bytes.extend_from_slice(b"# EOF\n");
        }
        self.output.finish()
    }

    fn show(&mut self, key: SeriesKey<'_>, sample: &Sample<'_>) {
        let out = &mut self.output.bytes;
        if let Value::StateSet(states) = sample.value {
            for (state, on) in states {
                render_prefix(out, key, key.name(), "", true);
                lines::render_state(out, key.name(), state);
                number::count(out, u64::from(*on));
                end(out, sample, &[]);
            }
            return;
        }
        render_prefix(out, key, key.name(), "", false);
        match sample.value {
            Value::Gauge(value) | Value::Unknown(value) => {
                number::value(out, value);
                end(out, sample, &[]);
            }
            Value::Counter(value, exemplar) | Value::Line(value, exemplar) => {
                number::value(out, value);
                end(out, sample, exemplar.as_slice());
            }
            Value::Histogram(value) => histogram(out, value, sample, ["count", "sum"]),
            Value::GaugeHistogram(value) => histogram(out, value, sample, ["gcount", "gsum"]),
            Value::Summary(value) => summary(out, value, sample),
            Value::Info | Value::StateSet(_) => {
                number::count(out, 1);
                end(out, sample, &[]);
            }
        }
    }
}

impl Sink for OpenMetrics2Encoder<'_> {
    fn family(&mut self, descriptor: &Descriptor) -> bool {
        self.header.clear();
        let header = &mut self.header;
        let line = HeaderLine::new(descriptor.name(), descriptor.is_legacy(), self.escaping);
        line.render(header, "# TYPE ", |out| {
            out.push_text(descriptor.metric_type().as_str())
        });
        if !descriptor.unit().is_empty() {
            line.render(header, "# UNIT ", |out| out.push_text(descriptor.unit()));
        }
        line.render(header, "# HELP ", |out| {
            escape::label_value(out, descriptor.help())
        });
        !self.output.stopped
    }

    fn sample(&mut self, key: SeriesKey<'_>, sample: &Sample<'_>) -> bool {
        if self.output.stopped {
            return false;
        }
        self.output.bytes.extend_from_slice(&self.header);
        self.header.clear();
        if self.escaping == Escaping::AllowUtf8 {
            self.show(key, sample);
        } else {
            self.show(EscapedKey::of(key, self.escaping).as_key(), sample);
        }
        self.output.hand_over_if_full();
        !self.output.stopped
    }
}

/// Appends the end of a line: timestamp, start timestamp and exemplars. An exemplar without a timestamp is left out,
/// because this format requires one.
fn end(out: &mut Vec<u8>, sample: &Sample<'_>, exemplars: &[&Exemplar]) {
    if let Some(time) = sample.timestamp {
        out.push(b' ');
        number::timestamp_seconds(out, time);
    }
    if let Some(created) = sample.created {
        out.extend_from_slice(b" st@");
        number::timestamp_seconds(out, created);
    }
    for (exemplar, time) in exemplars
        .iter()
        .filter_map(|exemplar| Some((exemplar, exemplar.timestamp()?)))
    {
        write_exemplar(out, exemplar, time);
    }
    out.push(b'\n');
}

fn write_exemplar(out: &mut Vec<u8>, exemplar: &Exemplar, time: Timestamp) {
    out.extend_from_slice(b" # {");
    out.extend_from_slice(exemplar.label_text().as_bytes());
    out.extend_from_slice(b"} ");
    number::float(out, exemplar.value());
    out.push(b' ');
    number::timestamp_seconds(out, time);
}

fn histogram(
    out: &mut Vec<u8>,
    value: &HistogramValue,
    sample: &Sample<'_>,
    [count, sum]: [&str; 2],
) {
    out.push(b'{');
    field(out, count);
    number::count(out, value.count);
    out.push(b',');
    field(out, sum);
    number::float(out, value.sum.unwrap_or(f64::NAN));
    if let Some(native) = &value.native {
        write_native(out, native);
    }
    if !value.bounds.is_empty() || value.native.is_none() {
        out.extend_from_slice(b",bucket:[");
        for (i, (bound, count)) in value
            .bounds
            .iter()
            .zip(&value.cumulative_counts)
            .enumerate()
        {
            if i > 0 {
                out.push(b',');
            }
            number::canonical(out, *bound);
            out.push(b':');
            number::count(out, *count);
        }
        if value.bounds.is_empty() {
            out.extend_from_slice(b"+Inf:");
            number::count(out, value.count);
        }
        out.push(b']');
    }
    out.push(b'}');
    let native = value.native.iter().flat_map(|native| &native.exemplars);
    let exemplars: Vec<&Exemplar> = value.exemplars.iter().flatten().chain(native).collect();
    end(out, sample, &exemplars);
}

fn write_native(out: &mut Vec<u8>, native: &NativeBuckets) {
    out.extend_from_slice(format!(",schema:{},zero_threshold:", native.schema).as_bytes());
    number::float(out, native.zero_threshold);
    out.extend_from_slice(b",zero_count:");
    number::count(out, native.zero_count);
    let mut text = String::new();
    for (sign, buckets) in [
        ("negative", &native.negative),
        ("positive", &native.positive),
    ] {
        if buckets.is_empty() {
            continue;
        }
        // (offset from the end of the previous span, length)
        let mut spans: Vec<(i64, u32)> = Vec::new();
        let mut end = 0;
        for (index, _) in buckets {
            match (i64::from(*index) - end, spans.last_mut()) {
                (0, Some((_, length))) => *length += 1,
                (offset, _) => spans.push((offset, 1)),
            }
            end = i64::from(*index) + 1;
        }
        let spans: Vec<String> = spans
            .iter()
            .map(|(offset, length)| format!("{offset}:{length}"))
            .collect();
        let counts: Vec<String> = buckets.iter().map(|(_, count)| count.to_string()).collect();
        // Writing to a string does not fail.
        let _ = write!(
            text,
            ",{sign}_spans:[{}],{sign}_buckets:[{}]",
            spans.join(","),
            counts.join(",")
        );
    }
    out.extend_from_slice(text.as_bytes());
}

fn summary(out: &mut Vec<u8>, value: &SummaryValue, sample: &Sample<'_>) {
    out.push(b'{');
    field(out, "count");
    number::count(out, value.count.unwrap_or(0));
    out.push(b',');
    field(out, "sum");
    number::float(out, value.sum.unwrap_or(f64::NAN));
    out.extend_from_slice(b",quantile:[");
    for (i, (quantile, observed)) in value.quantiles.iter().enumerate() {
        if i > 0 {
            out.push(b',');
        }
        number::value(out, Number::F64(*quantile));
        out.push(b':');
        number::float(out, *observed);
    }
    out.extend_from_slice(b"]}");
    end(out, sample, &[]);
}

fn field(out: &mut Vec<u8>, name: &str) {
    out.extend_from_slice(name.as_bytes());
    out.push(b':');
}
