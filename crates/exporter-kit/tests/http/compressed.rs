//! Compressed bodies: whatever changes between scrapes, they are the uncompressed ones to who decodes them.

use std::fmt::Write as _;
use std::io::{Read, Write};
use std::ops::RangeInclusive;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use exporter_kit::scrape::MetricsHandler;
use exporter_kit::{
    Collect, CollectError, Counter, Descriptor, Family, FamilyWriter, Format, Gauge, Histogram,
    MetricType, Registry, Sink, Summary,
};
use http::Request;
use http_body_util::BodyExt;
use proptest::prelude::*;
use tokio::runtime::Runtime;

/// The formats that are compressed by their structure, and one that is not.
const ACCEPTED: [(Format, &str); 4] = [
    (Format::Text, "text/plain;version=0.0.4"),
    (Format::TextUtf8, "text/plain;version=1.0.0"),
    (
        Format::OpenMetrics,
        "application/openmetrics-text;version=1.0.0",
    ),
    (
        Format::Protobuf,
        "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited",
    ),
];

fn gunzip(coded: &[u8]) -> Vec<u8> {
    let mut text = Vec::new();
    let mut decoder = flate2::read::GzDecoder::new(coded);
    decoder.read_to_end(&mut text).unwrap();
    text
}

/// A collector's own samples, other ones each time.
#[derive(Clone, Default)]
struct Own(Arc<Mutex<Vec<(String, f64)>>>);

impl Collect for Own {
    fn collect(&self, sink: &mut dyn Sink) -> Result<(), CollectError> {
        let family = Descriptor::new(
            MetricType::Gauge,
            "own_samples",
            "Samples \\ of a collector.",
        )?;
        let mut writer = FamilyWriter::begin(sink, &family, ["label"])?;
        for (label, value) in self.0.lock().unwrap().iter() {
            writer.gauge([label], *value)?;
        }
        Ok(())
    }
}

/// A registry whose expositions are large enough to be compressed by structure.
struct Subject {
    registry: Registry,
    handler: MetricsHandler,
    runtime: Runtime,
    gauges: Family<Gauge, 3>,
    requests: Family<Counter, 1>,
    seconds: Family<Histogram, 1>,
    sizes: Family<Summary, 1>,
    own: Own,
    families: usize,
}

impl Subject {
    fn new(series: usize) -> Self {
        let registry = Registry::new();
        let gauges = Gauge::define("queue_length", "Jobs \\ that wait.\nAnd more.");
        let requests = Counter::define("requests_total", "Requests.");
        let seconds = Histogram::define("request_seconds", "How long it took.");
        let sizes = Summary::define("answer_bytes", "How large it was.");
        let own = Own::default();
        let subject = Self {
            handler: MetricsHandler::new(&registry),
            runtime: tokio::runtime::Builder::new_current_thread()
                .build()
                .unwrap(),
            gauges: registry.add(gauges.labels(["a", "b", "c"])).unwrap(),
            requests: registry.add(requests.labels(["path"])).unwrap(),
            seconds: registry.add(seconds.labels(["path"])).unwrap(),
            sizes: registry.add(sizes.labels(["path"])).unwrap(),
            own: own.clone(),
            families: 0,
            registry,
        };
        subject.registry.register(own).unwrap();
        for i in 0..series {
            subject.set(i, i as f64);
        }
        subject
    }

    fn set(&self, i: usize, value: f64) {
        let text = i.to_string();
        let kind = ["first", "second \"quoted\"", "third\n"][i % 3];
        self.gauges.with([&text, kind, "c"]).set(value);
    }

    fn get(&self, accept: &str, query: &str) -> Vec<u8> {
        let request = Request::get(format!("/metrics{query}"))
            .header("accept", accept)
            .header("accept-encoding", "gzip")
            .body(())
            .unwrap();
        self.runtime.block_on(async {
            let response = self.handler.respond(&request).await;
            assert_eq!(response.headers()["content-encoding"], "gzip");
            let body = response.into_body().collect().await.unwrap();
            body.to_bytes().into()
        })
    }

    /// Scrapes in every format; each body must be what is not compressed.
    fn check(&self) {
        for (format, accept) in ACCEPTED {
            let expected = self.registry.scrape(format).to_vec();
            assert!(gunzip(&self.get(accept, "")) == expected, "{format}");
        }
        let one = self
            .registry
            .scrape(Format::Text)
            .filter(vec!["queue_length".to_owned()]);
        let body = self.get(ACCEPTED[0].1, "?name[]=queue_length");
        assert!(gunzip(&body) == one.to_vec());
    }

    fn apply(&mut self, change: &Change) {
        match change {
            Change::Set(series, value) => {
                for i in series.clone() {
                    self.set(i, *value);
                }
            }
            Change::Remove(series) => {
                for i in series.clone() {
                    self.gauges.remove_matching(&[("a", &i.to_string())]);
                }
            }
            Change::Clear => self.gauges.clear(),
            Change::Observe(path, values) => {
                let seconds = self.seconds.with([path]);
                for value in values {
                    self.requests.with([path]).inc();
                    self.sizes.with([path]).observe(*value);
                    let exemplar = [("trace_id", path.as_str())];
                    let _ = seconds.observe_with_exemplar(*value, &exemplar);
                }
            }
            Change::Own(samples) => {
                let mut unique = samples.clone();
                unique.sort_by(|a, b| a.0.cmp(&b.0));
                unique.dedup_by(|a, b| a.0 == b.0);
                *self.own.0.lock().unwrap() = unique;
            }
            Change::Family(help) => {
                self.families += 1;
                let name = format!("family_{}", self.families * 7919 % 1000);
                self.registry.gauge(&name, help).unwrap();
            }
        }
    }
}

#[derive(Clone, Debug)]
enum Change {
    Set(RangeInclusive<usize>, f64),
    Remove(RangeInclusive<usize>),
    Clear,
    Observe(String, Vec<f64>),
    Own(Vec<(String, f64)>),
    Family(String),
}

fn change() -> impl Strategy<Value = Change> {
    let series = || (0..2000_usize, 0..100_usize).prop_map(|(from, count)| from..=from + count);
    let values = prop::collection::vec(any::<f64>(), 0..5);
    let samples = prop::collection::vec((".{0,30}", any::<f64>()), 0..50);
    prop_oneof![
        4 => (series(), any::<f64>()).prop_map(|(series, value)| Change::Set(series, value)),
        4 => series().prop_map(Change::Remove),
        1 => Just(Change::Clear),
        4 => (".{0,20}", values).prop_map(|(path, values)| Change::Observe(path, values)),
        3 => samples.prop_map(Change::Own),
        2 => ".{0,60}".prop_map(Change::Family),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_changes_between_scrapes(
        series in prop_oneof![Just(500_usize), Just(2500_usize)],
        changes in prop::collection::vec(prop::collection::vec(change(), 0..4), 3..8),
    ) {
        let mut subject = Subject::new(series);
        for changes in &changes {
            for change in changes {
                subject.apply(change);
            }
            subject.check();
        }
    }
}

/// From the third scrape on a body is compressed by structure, which shows in its size.
#[test]
fn a_large_body_gets_smaller_when_its_structure_is_known() {
    let subject = Subject::new(4000);
    let sizes: Vec<usize> = (0..4)
        .map(|_| {
            subject.check();
            subject.get(ACCEPTED[0].1, "").len()
        })
        .collect();
    assert!(sizes[2] < sizes[0], "{sizes:?}");
    assert_eq!(sizes[2], sizes[3]);
}

/// Many scrapes at a time share what is known, and each may change it.
#[test]
fn scrapes_at_the_same_time() {
    let subject = Subject::new(3000);
    let handler = &subject.handler;
    let registry = &subject.registry;
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let gauges = &subject.gauges;
            scope.spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread()
                    .build()
                    .unwrap();
                for round in 0..10 {
                    gauges.with([&format!("{thread}.{round}"), "", ""]).set(1);
                    let request = Request::get("/metrics")
                        .header("accept-encoding", "gzip")
                        .body(())
                        .unwrap();
                    let body = runtime.block_on(async {
                        let body = handler.respond(&request).await.into_body();
                        body.collect().await.unwrap().to_bytes()
                    });
                    let text = String::from_utf8(gunzip(&body)).unwrap();
                    let series = text.lines().filter(|line| line.starts_with("queue_length"));
                    assert!(series.count() > 3000 + round);
                }
            });
        }
    });
    let body = subject.get(ACCEPTED[0].1, "");
    assert!(gunzip(&body) == registry.scrape(Format::Text).to_vec());
}

/// Python's gzip is zlib: another decoder than the one that the tests above ask.
#[test]
fn python_decodes_the_same() {
    let python = std::env::var("EXPORTER_KIT_TEST_PYTHON").unwrap_or("python3".to_owned());
    let program =
        "import gzip, sys; sys.stdout.buffer.write(gzip.decompress(sys.stdin.buffer.read()))";
    let mut subject = Subject::new(3000);
    for round in 0..5 {
        let mut text = String::new();
        let _ = write!(text, "path \"{round}\"");
        subject.apply(&Change::Observe(text, vec![0.1, 7.0, f64::NAN]));
        subject.apply(&Change::Remove(round * 100..=round * 100 + 7));
        for (format, accept) in ACCEPTED {
            let expected = subject.registry.scrape(format).to_vec();
            let body = subject.get(accept, "");
            let spawned = Command::new(&python)
                .args(["-c", program])
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .spawn();
            let Ok(mut child) = spawned else {
                let in_ci = std::env::var_os("CI").is_some_and(|value| value == "true");
                assert!(!in_ci, "in CI no test is left out: there is no `{python}`");
                eprintln!("left out: there is no `{python}`; set EXPORTER_KIT_TEST_PYTHON");
                return;
            };
            child.stdin.take().unwrap().write_all(&body).unwrap();
            let output = child.wait_with_output().unwrap();
            assert!(output.status.success());
            assert!(output.stdout == expected, "round {round}, {format}");
        }
    }
}
