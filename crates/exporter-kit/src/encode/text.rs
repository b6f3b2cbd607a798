//! Writes the text formats: Prometheus text 0.0.4 and 1.0.0, and OpenMetrics text 1.0.0.

use std::ops::ControlFlow;
use std::sync::Arc;

use crate::collect::Sink;
use crate::encode::bounds::{BoundText, RenderedBounds};
use crate::encode::family_header::{lacks_suffix, render_header};
use crate::encode::lines::{self, EscapedKey, render_prefix};
use crate::encode::{Escaping, Format, Output, copy, number};
use crate::model::{
    Descriptor, Exemplar, HistogramValue, MetricType, Number, Sample, SeriesKey, SummaryValue,
    Timestamp, Value,
};

/// Encodes families as text, in chunks.
pub(crate) struct TextEncoder<'a> {
    lines: Lines<'a>,
    escaping: Escaping,
    /// True if the escaping keeps legacy names unchanged.
    copies_keys: bool,
    created: bool,
    /// True if the family is a counter whose name lacks the suffix of its type, in OpenMetrics: of unknown type there.
    is_untyped: bool,
    /// The position of the family's `#` lines until its first series is written: a family without series is left out.
    pending_header: Option<usize>,
    /// True if the family's name needs no quotes or escaping.
    plain_name: bool,
    /// Reused for the constant beginning of a histogram's or summary's lines.
    prefix: String,
    bounds: RenderedBounds,
}

impl<'a> TextEncoder<'a> {
    pub(crate) fn new(
        format: Format,
        escaping: Escaping,
        created: bool,
        output: Output<'a>,
    ) -> Self {
        // Text 0.0.4 has no quoted names.
        let escaping = if format == Format::Text && escaping == Escaping::AllowUtf8 {
            Escaping::default()
        } else {
            escaping
        };
        Self {
            lines: Lines {
                output,
                openmetrics: format == Format::OpenMetrics,
            },
            escaping,
            copies_keys: escaping.keeps_legacy(),
            // Only OpenMetrics has samples for start times.
            created: created && format == Format::OpenMetrics,
            is_untyped: false,
            pending_header: None,
            plain_name: true,
            prefix: String::new(),
            bounds: RenderedBounds::default(),
        }
    }

    /// Ends the exposition and writes the last chunk.
    pub(crate) fn finish(&mut self) -> ControlFlow<()> {
        self.drop_pending_header();
        if self.lines.openmetrics && !self.lines.output.stopped {
            self.lines.text("# EOF\n");
        }
        self.lines.output.finish()
    }

    fn drop_pending_header(&mut self) {
        if let Some(begin) = self.pending_header.take() {
            self.lines.output.bytes.truncate(begin);
        }
    }

    /// Writes a sample that is not a single number, or whose key cannot be copied.
    #[inline(never)]
    fn other_sample(&mut self, key: SeriesKey<'_>, sample: &Sample<'_>) -> bool {
        if self.lines.output.stopped {
            return false;
        }
        self.pending_header = None;
        if self.escaping == Escaping::AllowUtf8 || (self.copies_keys && key.is_legacy()) {
            self.show(key, sample);
        } else {
            let escaped = EscapedKey::of(key, self.escaping);
            self.show(escaped.as_key(), sample);
        }
        self.lines.output.hand_over_if_full();
        !self.lines.output.stopped
    }

    #[inline]
    fn show(&mut self, key: SeriesKey<'_>, sample: &Sample<'_>) {
        let time = sample.timestamp;
        match sample.value {
            Value::Gauge(number) | Value::Unknown(number) => self.scalar(key, number, time, None),
            Value::Counter(number, exemplar) => {
                let exemplar = exemplar.filter(|_| !self.is_untyped);
                self.scalar(key, number, time, exemplar);
            }
            Value::Line(number, exemplar) => self.line(key, number, time, exemplar),
            Value::Histogram(value) => self.histogram(key, value, time, ["_sum", "_count"]),
            Value::GaugeHistogram(value) => self.histogram(key, value, time, ["_gsum", "_gcount"]),
            Value::Summary(value) => self.summary(key, value, time),
            Value::Info => self.scalar(key, Number::U64(1), time, None),
            Value::StateSet(states) => self.state_set(key, states, time),
        }
        if let (true, false, Some(created)) = (self.created, self.is_untyped, sample.created) {
            self.created(key, sample.value.metric_type(), created, time);
        }
    }

    #[inline]
    fn scalar(
        &mut self,
        key: SeriesKey<'_>,
        number: Number,
        time: Option<Timestamp>,
        exemplar: Option<&Exemplar>,
    ) {
        if self.plain_name {
            self.lines.key(key);
        } else {
            self.lines.prefix(key, key.name(), "");
        }
        number::value(&mut self.lines.output.bytes, number);
        self.lines.end(time, exemplar);
    }

    /// Writes a line as scraped. Its integers have no point, because counts may have none.
    fn line(
        &mut self,
        key: SeriesKey<'_>,
        number: Number,
        time: Option<Timestamp>,
        exemplar: Option<&Exemplar>,
    ) {
        let Number::U64(count) = number else {
            return self.scalar(key, number, time, exemplar);
        };
        self.lines.prefix(key, key.name(), "");
        number::count(&mut self.lines.output.bytes, count);
        self.lines.end(time, exemplar);
    }

    /// Writes one line `name+suffix{labels} ` whose value `write` appends.
    fn suffixed(
        &mut self,
        key: SeriesKey<'_>,
        name: &str,
        suffix: &str,
        time: Option<Timestamp>,
        write: impl FnOnce(&mut Vec<u8>),
    ) {
        self.lines.prefix(key, name, suffix);
        write(&mut self.lines.output.bytes);
        self.lines.end(time, None);
    }

    fn histogram(
        &mut self,
        key: SeriesKey<'_>,
        value: &HistogramValue,
        time: Option<Timestamp>,
        [sum, count]: [&str; 2],
    ) {
        let name = key.name();
        let Self {
            lines,
            prefix,
            bounds,
            ..
        } = self;
        prefix.clear();
        render_prefix(prefix, key, name, "_bucket", true);
        let texts = bounds.texts(&value.bounds);
        let out = &mut lines.output.bytes;
        out.reserve(texts.len() * (prefix.len() + BoundText::ROOM + number::COUNT_ROOM));
        let bare = time.is_none() && value.exemplars.is_empty();
        for (i, (bound, count)) in texts.iter().zip(&value.cumulative_counts).enumerate() {
            let out = &mut lines.output.bytes;
            out.extend_from_slice(prefix.as_bytes());
            bound.append_to(out);
            if bare {
                number::count_line(out, *count);
            } else {
                number::count(out, *count);
                lines.end(time, value.exemplar(i));
            }
        }
        if value.bounds.is_empty() {
            // A native histogram has no classic buckets; +Inf alone keeps the text formats valid.
            lines.text(prefix);
            lines.text("le=\"+Inf\"} ");
            number::count(&mut lines.output.bytes, value.count);
            lines.end(time, None);
        }
        let may_fall = sum == "_gsum" && value.sum_may_fall();
        if let Some(total) = value
            .sum
            .filter(|total| self.may_show_sum(*total, may_fall))
        {
            self.suffixed(key, name, sum, time, |out| number::float(out, total));
        } else if self.lines.openmetrics {
            // OpenMetrics allows a count only with a sum; the +Inf bucket has the same value.
            return;
        }
        self.suffixed(key, name, count, time, |out| {
            number::count(out, value.count)
        });
    }

    /// In OpenMetrics a sum is a counter. A sum that decreased, or became NaN, is left out, because a strict parser
    /// would reject the whole exposition.
    fn may_show_sum(&self, sum: f64, may_fall: bool) -> bool {
        !self.lines.openmetrics || sum >= 0.0 || (may_fall && !sum.is_nan())
    }

    fn summary(&mut self, key: SeriesKey<'_>, value: &SummaryValue, time: Option<Timestamp>) {
        let name = key.name();
        let Self { lines, prefix, .. } = self;
        prefix.clear();
        render_prefix(prefix, key, name, "", true);
        for (quantile, observed) in &value.quantiles {
            if lines.openmetrics && *observed < 0.0 {
                // OpenMetrics allows no negative quantile value.
                continue;
            }
            lines.text(prefix);
            lines.text("quantile=\"");
            number::canonical(&mut lines.output.bytes, *quantile);
            lines.text("\"} ");
            number::float(&mut lines.output.bytes, *observed);
            lines.end(time, None);
        }
        if let Some(sum) = value.sum.filter(|sum| self.may_show_sum(*sum, false)) {
            self.suffixed(key, name, "_sum", time, |out| number::float(out, sum));
        }
        if let Some(count) = value.count {
            self.suffixed(key, name, "_count", time, |out| number::count(out, count));
        }
    }

    fn state_set(
        &mut self,
        key: SeriesKey<'_>,
        states: &[(Arc<str>, bool)],
        time: Option<Timestamp>,
    ) {
        for (state, on) in states {
            let out = &mut self.lines.output.bytes;
            render_prefix(out, key, key.name(), "", true);
            lines::render_state(out, key.name(), state);
            number::value(out, Number::U64(u64::from(*on)));
            self.lines.end(time, None);
        }
    }

    fn created(
        &mut self,
        key: SeriesKey<'_>,
        metric_type: MetricType,
        created: Timestamp,
        time: Option<Timestamp>,
    ) {
        let base = key
            .name()
            .strip_suffix(metric_type.sample_suffix())
            .unwrap_or(key.name());
        self.suffixed(key, base, "_created", time, |out| {
            number::timestamp_seconds(out, created)
        });
    }
}

impl Sink for TextEncoder<'_> {
    #[inline]
    fn family(&mut self, descriptor: &Descriptor) -> bool {
        self.drop_pending_header();
        let Lines {
            output,
            openmetrics,
        } = &mut self.lines;
        let header = &mut output.bytes;
        self.pending_header = Some(header.len());
        self.plain_name = descriptor.is_legacy();
        self.is_untyped = *openmetrics && lacks_suffix(descriptor);
        if self.copies_keys && self.plain_name && !*openmetrics {
            header.extend_from_slice(descriptor.text_header().as_bytes());
        } else {
            self.plain_name |= self.escaping != Escaping::AllowUtf8;
            render_header(header, descriptor, self.escaping, *openmetrics);
        }
        !output.stopped
    }

    #[inline]
    fn sample(&mut self, key: SeriesKey<'_>, sample: &Sample<'_>) -> bool {
        // Nearly every sample is a number with a key that can be copied: one copy, one number.
        let number = match sample.value {
            Value::Gauge(number) => number,
            Value::Counter(number, None) if !self.created => number,
            Value::Unknown(number) => number,
            _ => return self.other_sample(key, sample),
        };
        let is_plain = self.copies_keys && key.is_legacy() && sample.timestamp.is_none();
        if !is_plain || self.lines.output.stopped {
            return self.other_sample(key, sample);
        }
        self.pending_header = None;
        // Formatted before the key, so that the digits are ready in time.
        let short = number::short_line(number);
        let output = &mut self.lines.output;
        for part in key.parts() {
            copy::append(&mut output.bytes, part.as_bytes());
        }
        match short {
            Some(short) => short.append_to(&mut output.bytes),
            None => number::value_line(&mut output.bytes, number),
        }
        output.hand_over_if_full();
        !output.stopped
    }
}

/// The written bytes, and the ends of lines.
struct Lines<'a> {
    output: Output<'a>,
    openmetrics: bool,
}

impl Lines<'_> {
    #[inline]
    fn text(&mut self, text: &str) {
        self.output.bytes.extend_from_slice(text.as_bytes());
    }

    /// Writes the key unchanged.
    #[inline]
    fn key(&mut self, key: SeriesKey<'_>) {
        key.parts().into_iter().for_each(|part| self.text(part));
    }

    /// `name+suffix{labels} `.
    fn prefix(&mut self, key: SeriesKey<'_>, name: &str, suffix: &str) {
        render_prefix(&mut self.output.bytes, key, name, suffix, false);
    }

    #[inline]
    fn end(&mut self, time: Option<Timestamp>, exemplar: Option<&Exemplar>) {
        if let Some(time) = time {
            self.text(" ");
            if self.openmetrics {
                number::timestamp_seconds(&mut self.output.bytes, time);
            } else {
                number::timestamp_millis(&mut self.output.bytes, time);
            }
        }
        if let (true, Some(exemplar)) = (self.openmetrics, exemplar) {
            self.exemplar(exemplar);
        }
        self.output.bytes.push(b'\n');
    }

    fn exemplar(&mut self, exemplar: &Exemplar) {
        self.text(" # {");
        self.text(exemplar.label_text());
        self.text("} ");
        number::float(&mut self.output.bytes, exemplar.value());
        if let Some(time) = exemplar.timestamp() {
            self.text(" ");
            number::timestamp_seconds(&mut self.output.bytes, time);
        }
    }
}
