//! Every type in every format, read by implementations that are not ours: prometheus_client's parsers of
//! text and OpenMetrics, and Python's protobuf with the messages as client_model describes them.

use std::collections::BTreeMap;
use std::process::Command;
use std::time::Duration;

use exporter_kit::{
    Counter, Exemplar, FamilySnapshot, Format, Gauge, Histogram, HistogramValue, MetricType,
    Registry, Sample, SeriesKey, Snapshot, StateSet, Summary, Value, parse,
};
use serde_json::{Value as Json, json};

use crate::support::{require, run};

const READ: &str = include_str!("read_every_format.py");

/// Metrics that only collectors produce, and samples with timestamps. The quotes in an exemplar's label are two, as
/// prometheus_client loses count of what is quoted after a single one.
const COLLECTED: &str = r#"# TYPE ages_seconds gaugehistogram
# UNIT ages_seconds seconds
# HELP ages_seconds How old what waits is.
ages_seconds_bucket{queue="a",le="0.1"} 1 # {trace_id="old"} 0.05 1700000000.25
ages_seconds_bucket{queue="a",le="+Inf"} 3
ages_seconds_gcount{queue="a"} 3
ages_seconds_gsum{queue="a"} 2.5
# TYPE strange unknown
# HELP strange Nobody knows, "quoted" \\ and\nbroken.
strange{x="back\\slash",y="line\nfeed",z="\"quoted\""} NaN
strange{x="",y="é😱",z=","} -Inf 1700000000.125
# TYPE jobs counter
# HELP jobs Jobs.
jobs_total 9007199254740993 1700000000.125 # {trace_id="x\"y\"",span="é"} 2.5 1700000001.5
jobs_created 1600000000.5 1700000000.125
# TYPE timed_seconds summary
# UNIT timed_seconds seconds
# HELP timed_seconds Only what there is.
timed_seconds{quantile="0.5"} 1e-05 1700000000.125
timed_seconds{quantile="0.99"} +Inf 1700000000.125
# TYPE "utf8.näme" gauge
# HELP "utf8.näme" In quotes.
{"utf8.näme","läbel.x"="v"} 1.5
# EOF
"#;

/// A registry with every type.
fn everything() -> Snapshot {
    let registry = Registry::new();
    let failed = "a valid definition";
    let requests = registry
        .add(Counter::define("requests_total", "Requests.").labels(["path"]))
        .expect(failed);
    requests
        .with(["/a\"b\\c\nd"])
        .inc_with_exemplar(2.5, &[("trace_id", "abc")])
        .expect("a valid exemplar");
    requests.with([""]).inc();
    let depth = Gauge::define("depth_bytes", "How deep.").unit("bytes");
    registry.add(depth).expect(failed).set(-1.25e300);
    let define = Histogram::define;
    let sizes = registry
        .add(define("sizes_bytes", "h").buckets(&[1e-5, 10.0, 1e7]))
        .expect(failed);
    sizes
        .observe_with_exemplar(7, &[("trace_id", "seven")])
        .expect("a valid exemplar");
    sizes.observe(1e9);
    let native = registry
        .add(define("native_seconds", "h").native())
        .expect(failed);
    let both = registry
        .add(
            define("both_seconds", "h")
                .buckets(&[1.0])
                .native_schema(0)
                .native_zero_threshold(0.25),
        )
        .expect(failed);
    for value in [-8.5, -0.1, 0.0, 0.2, 0.3, 3.0, 5.0, 1e20, 1e21, f64::NAN] {
        native.observe(value);
        both.observe(value);
    }
    native
        .observe_with_exemplar(0.75, &[("trace_id", "native")])
        .expect("a valid exemplar");
    registry
        .add(define("empty_seconds", "h").native_zero_threshold(0.0))
        .expect(failed);
    let waits =
        Summary::define("waits_seconds", "h").quantiles(&[0.5, 0.9], Duration::from_secs(600));
    let waits = registry.add(waits).expect(failed);
    (1..=100).for_each(|i| waits.observe(i));
    registry
        .add(Summary::define("plain_seconds", "h"))
        .expect(failed)
        .observe(0.5);
    registry
        .info("build_info", "h", &[("version", "1.2\n\"3\"")])
        .expect(failed);
    let light = registry
        .add(StateSet::define("light", "h", &["red", "green"]))
        .expect(failed);
    light.set("green");
    registry
        .register(parse::openmetrics(COLLECTED).expect("valid OpenMetrics"))
        .expect("nothing of it is there yet");
    registry.snapshot()
}

/// A sample as one text, so that differences are easy to read: name, labels, value, time, exemplar.
type Samples = BTreeMap<String, String>;

/// The samples that the snapshot says there are.
struct Expected {
    format: Format,
    samples: Samples,
}

impl Expected {
    fn of(snapshot: &Snapshot, format: Format) -> Self {
        let mut expected = Self {
            format,
            samples: Samples::new(),
        };
        for family in snapshot.families() {
            for (head, point) in family.series() {
                expected.series(family, head, &point);
            }
        }
        expected
    }

    /// Text 0.0.4 has no quoted names.
    fn name(&self, name: &str) -> String {
        let fits = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let escaped = |c: char| if fits(c) { c } else { '_' };
        match self.format {
            Format::Text => name.chars().map(escaped).collect(),
            _ => name.to_owned(),
        }
    }

    fn series(&mut self, family: &FamilySnapshot, head: SeriesKey<'_>, point: &Sample<'_>) {
        let descriptor = family.descriptor();
        let name = descriptor.name();
        match point.value {
            Value::Counter(number, exemplar) => {
                self.sample(head, point, name, None, number.as_f64(), exemplar);
            }
            Value::Gauge(number) | Value::Unknown(number) => {
                self.sample(head, point, name, None, number.as_f64(), None);
            }
            Value::Info => self.sample(head, point, name, None, 1.0, None),
            Value::StateSet(states) => {
                for (state, on) in states {
                    let state = Some((name, state.to_string()));
                    self.sample(head, point, name, state, f64::from(u8::from(*on)), None);
                }
            }
            Value::Summary(summary) => {
                for (quantile, value) in &summary.quantiles {
                    let quantile = Some(("quantile", python_float(*quantile)));
                    self.sample(head, point, name, quantile, *value, None);
                }
                let count = summary.count.map(|count| count as f64);
                for (suffix, value) in [("_sum", summary.sum), ("_count", count)] {
                    if let Some(value) = value {
                        self.sample(head, point, &format!("{name}{suffix}"), None, value, None);
                    }
                }
            }
            Value::Histogram(histogram) => {
                self.histogram(head, point, histogram, ["_sum", "_count"]);
            }
            Value::GaugeHistogram(histogram) => {
                self.histogram(head, point, histogram, ["_gsum", "_gcount"]);
            }
            _ => panic!("a kind that this test does not know: {point:?}"),
        }
        let shows_created = matches!(self.format, Format::OpenMetrics | Format::Protobuf);
        if let (Some(created), true) = (point.created, shows_created) {
            let name = format!("{}_created", descriptor.base_name());
            self.sample(head, point, &name, None, created.as_secs_f64(), None);
        }
    }

    fn histogram(
        &mut self,
        head: SeriesKey<'_>,
        point: &Sample<'_>,
        histogram: &HistogramValue,
        [sum, count]: [&str; 2],
    ) {
        let name = head.name();
        let bucket = format!("{name}_bucket");
        for (i, bound) in histogram.bounds().iter().enumerate() {
            let le = Some(("le", python_float(*bound)));
            let counted = histogram.cumulative_counts()[i] as f64;
            self.sample(head, point, &bucket, le, counted, histogram.exemplar(i));
        }
        let total = histogram.count() as f64;
        if histogram.bounds().is_empty() && self.format != Format::Protobuf {
            let le = Some(("le", python_float(f64::INFINITY)));
            self.sample(head, point, &bucket, le, total, None);
        }
        // OpenMetrics takes a sum for a counter: after a NaN it has none, and no count beside it.
        let counter = |sum: &f64| self.format != Format::OpenMetrics || !sum.is_nan();
        let shown = histogram.sum().filter(counter);
        if let Some(value) = shown {
            self.sample(head, point, &format!("{name}{sum}"), None, value, None);
        }
        if shown.is_some() || self.format != Format::OpenMetrics {
            self.sample(head, point, &format!("{name}{count}"), None, total, None);
        }
        if let (Some(native), Format::Protobuf) = (histogram.native(), self.format) {
            let exemplars: Vec<Json> = native
                .exemplars
                .iter()
                .map(|exemplar| json!([exemplar_labels(exemplar), float(exemplar.value())]))
                .collect();
            let mut value = json!({
                "schema": native.schema,
                "zero_threshold": float(native.zero_threshold),
                "zero_count": native.zero_count,
                "positive": native.positive,
                "negative": native.negative,
                "exemplars": exemplars,
            });
            value.sort_all_objects();
            self.samples
                .insert(format!("{name}{{}}"), value.to_string());
        }
    }

    fn sample(
        &mut self,
        head: SeriesKey<'_>,
        point: &Sample<'_>,
        name: &str,
        more: Option<(&str, String)>,
        value: f64,
        exemplar: Option<&Exemplar>,
    ) {
        let own = head
            .labels()
            .map(|(name, value)| (name, value.into_owned()));
        let more = more.map(|(name, value)| (name.into(), value));
        let labels: BTreeMap<String, String> = own
            .chain(more)
            .map(|(name, value)| (self.name(&name), value))
            .collect();
        // The text formats before OpenMetrics have no exemplars.
        let exemplar = exemplar.filter(|_| !matches!(self.format, Format::Text | Format::TextUtf8));
        let exemplar = exemplar.map(|exemplar| {
            let time = exemplar.timestamp().expect("a time");
            json!([
                exemplar_labels(exemplar),
                float(exemplar.value()),
                float(time.as_secs_f64())
            ])
        });
        let time = point.timestamp.map(|time| float(time.as_secs_f64()));
        let name = self.name(name);
        let told = tell(&name, value, &json!(time), &exemplar.unwrap_or_default());
        let before = self
            .samples
            .insert(format!("{name}{}", json!(labels)), told);
        assert_eq!(before, None, "{name} {labels:?} stands twice");
    }
}

fn exemplar_labels(exemplar: &Exemplar) -> BTreeMap<String, String> {
    exemplar
        .labels()
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .collect()
}

/// A float as Python writes it, as far as it is needed here.
fn python_float(value: f64) -> String {
    match value {
        f64::INFINITY => "+Inf".to_owned(),
        1e-5 => "1e-05".to_owned(),
        1e7 => "1e+07".to_owned(),
        value => format!("{value:?}"),
    }
}

fn tell(name: &str, value: f64, time: &Json, exemplar: &Json) -> String {
    if name.ends_with("_created") {
        // A float of seconds and one of seconds and nanoseconds may differ in the last bit.
        return format!("{value:.5} at {time}");
    }
    format!("{value:?} at {time}, e.g. {exemplar}")
}

/// A float as it stands in what is compared.
fn float(value: f64) -> Json {
    Json::String(format!("{value:?}"))
}

/// The same with each `{"float": "…"}` as [`float`] has it.
fn plain(json: Json) -> Json {
    match json {
        Json::Array(items) => items.into_iter().map(plain).collect(),
        Json::Object(fields) => match fields.get("float") {
            Some(text) if fields.len() == 1 => {
                let text = text.as_str().expect("a text");
                float(text.parse().expect("a float"))
            }
            _ => fields
                .into_iter()
                .map(|(name, value)| (name, plain(value)))
                .collect(),
        },
        other => other,
    }
}

/// The samples that were read, and the families as [type, help, unit] by name.
fn read(families: &Json) -> (Samples, BTreeMap<String, [String; 3]>) {
    let text = |value: &Json| value.as_str().expect("a text").to_owned();
    let mut samples = Samples::new();
    let mut described = BTreeMap::new();
    for family in families.as_array().expect("families") {
        let name = text(&family[0]);
        described.insert(name, [1, 2, 3].map(|at| text(&family[at])));
        for sample in family[4].as_array().expect("samples") {
            let sample = plain(sample.clone());
            let name = text(&sample[0]);
            // Objects have been put in the order of their keys, as the maps of the other side are.
            let key = format!("{name}{}", sample[1]);
            let told = match &sample[2] {
                native @ Json::Object(_) => native.to_string(),
                value => {
                    let value = value.as_str().and_then(|value| value.parse().ok());
                    tell(&name, value.expect("a float"), &sample[3], &sample[4])
                }
            };
            assert_eq!(samples.insert(key, told), None, "{name} stands twice");
        }
    }
    (samples, described)
}

/// The word for a kind in that format.
fn kind_in(kind: MetricType, format: Format) -> &'static str {
    match (format, kind) {
        (Format::OpenMetrics, kind) => kind.as_str(),
        (_, MetricType::Counter) => "counter",
        (_, MetricType::Gauge | MetricType::Info | MetricType::StateSet) => "gauge",
        (_, MetricType::Summary) => "summary",
        (Format::Protobuf, MetricType::GaugeHistogram) => "gauge_histogram",
        (Format::Protobuf, MetricType::Unknown) => "untyped",
        (_, MetricType::Histogram | MetricType::GaugeHistogram) => "histogram",
        // What prometheus_client makes of `untyped`.
        _ => "unknown",
    }
}

#[test]
fn independent_readers_find_in_every_format_what_the_snapshot_says() {
    let Some(python) = require("python") else {
        return;
    };
    let snapshot = everything();
    let text = |format| String::from_utf8(snapshot.encode(format)).expect("UTF-8");
    let hexadecimal = |bytes: Vec<u8>| {
        bytes
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect::<String>()
    };
    let given = json!({
        "text": text(Format::Text),
        "text_utf8": text(Format::TextUtf8),
        "openmetrics": text(Format::OpenMetrics),
        "protobuf": hexadecimal(snapshot.encode(Format::Protobuf)),
    });
    let output = run(Command::new(python).args(["-c", READ]), &given.to_string());
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{stderr}\n{}",
        text(Format::OpenMetrics)
    );
    let mut answer: Json = serde_json::from_slice(&output.stdout).expect("JSON");
    answer.sort_all_objects();

    for (name, format) in [
        ("text", Format::Text),
        ("text_utf8", Format::TextUtf8),
        ("openmetrics", Format::OpenMetrics),
        ("protobuf", Format::Protobuf),
    ] {
        let expected = Expected::of(&snapshot, format);
        let (samples, described) = read(&answer[name]);
        for (sample, value) in &expected.samples {
            assert_eq!(samples.get(sample), Some(value), "{name}: {sample}");
        }
        assert_eq!(samples, expected.samples, "{name}");
        for family in snapshot.families() {
            let descriptor = family.descriptor();
            let shown = match (format, descriptor.metric_type()) {
                (Format::Protobuf, _) => descriptor.name(),
                (Format::OpenMetrics, _) | (_, MetricType::Counter) => descriptor.base_name(),
                _ => descriptor.name(),
            };
            let unit = match format {
                Format::OpenMetrics | Format::Protobuf => descriptor.unit(),
                _ => "",
            };
            let kind = kind_in(descriptor.metric_type(), format);
            let expected_family = [kind, descriptor.help(), unit].map(str::to_owned);
            let shown = expected.name(shown);
            assert_eq!(
                described.get(&shown),
                Some(&expected_family),
                "{name}: {shown}"
            );
        }
    }
}
