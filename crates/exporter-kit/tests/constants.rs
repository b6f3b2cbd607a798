//! Constant metrics: a collector gives every kind, with times, and strict readers accept it.

use std::sync::Arc;

use exporter_kit::{
    Collect, CollectError, Descriptor, Exemplar, FamilyWriter, Format, HistogramError,
    HistogramValue, MetricType, NativeBuckets, Number, Registry, Sink, SummaryValue, Timestamp,
    Value, parse,
};

/// One family of each kind, all as of one moment.
struct Elsewhere;

impl Collect for Elsewhere {
    fn collect(&self, sink: &mut dyn Sink) -> Result<(), CollectError> {
        let read = Timestamp::from_millis(1_700_000_000_250);
        let since = Timestamp::from_millis(1_600_000_000_000);
        let exemplar =
            Exemplar::new(&[("trace_id", "7f")], 0.3, Some(read)).map_err(CollectError::source)?;
        let histogram =
            HistogramValue::classic(&[0.1, 1.0], &[3, 7], 8, 4.5).map_err(CollectError::source)?;
        let gauge_histogram =
            HistogramValue::classic(&[10.0], &[2], 2, 7.0).map_err(CollectError::source)?;
        let summary = SummaryValue {
            quantiles: vec![(0.5, 0.2)],
            count: Some(4),
            sum: Some(1.0),
        };
        let states: [(Arc<str>, bool); 2] = [("on".into(), true), ("off".into(), false)];
        let values = [
            (
                "jobs_total",
                Value::Counter(Number::U64(3), Some(&exemplar)),
            ),
            ("depth", Value::Gauge(Number::I64(-2))),
            ("latency", Value::Histogram(&histogram)),
            ("sizes", Value::GaugeHistogram(&gauge_histogram)),
            ("waits", Value::Summary(&summary)),
            ("build_info", Value::Info),
            ("phase", Value::StateSet(&states)),
            ("raw", Value::Unknown(Number::F64(1.5))),
        ];
        for (name, value) in values {
            let descriptor = Descriptor::new(value.metric_type(), name, "From elsewhere.")?;
            let counts = matches!(
                value.metric_type(),
                MetricType::Counter | MetricType::Histogram | MetricType::Summary
            );
            FamilyWriter::begin(sink, &descriptor, ["source"])?
                .timestamp(Some(read))
                .created(counts.then_some(since))
                .sample(["a"], value)?;
        }
        Ok(())
    }
}

fn registry() -> Registry {
    let registry = Registry::new();
    registry.register(Elsewhere).unwrap();
    registry
}

#[test]
fn every_kind_reads_back_as_it_was_given() {
    let registry = registry();
    registry.show_created_samples(true);
    let body = registry.scrape(Format::OpenMetrics).to_vec();
    let text = String::from_utf8(body).unwrap();
    let snapshot = parse::openmetrics(&text).unwrap();
    assert_eq!(snapshot.families().len(), 8, "{text}");
    let labels = [("source", "a")];
    for (sample, value) in [
        ("jobs_total", 3.0),
        ("depth", -2.0),
        ("latency_sum", 4.5),
        ("latency_count", 8.0),
        ("sizes_gcount", 2.0),
        ("waits_count", 4.0),
        ("build_info", 1.0),
        ("raw", 1.5),
    ] {
        assert_eq!(
            snapshot.value(sample, &labels),
            Some(value),
            "{sample} in\n{text}"
        );
    }
    assert!(text.contains(
        "jobs_total{source=\"a\"} 3.0 1700000000.250 # {trace_id=\"7f\"} 0.3 1700000000.250\n"
    ));
    assert!(text.contains("jobs_created{source=\"a\"} 1600000000.000"));
    assert!(text.contains("phase{source=\"a\",phase=\"on\"} 1.0 1700000000.250\n"));
}

#[test]
fn the_text_format_has_milliseconds_and_its_own_words_for_types() {
    let text = registry().to_text();
    for line in [
        "depth{source=\"a\"} -2.0 1700000000250",
        "# TYPE build_info gauge",
        "# TYPE raw untyped",
        "# TYPE sizes histogram",
        "sizes_gsum{source=\"a\"} 7.0 1700000000250",
    ] {
        assert!(
            text.contains(&format!("{line}\n")),
            "{line} is missing in\n{text}"
        );
    }
}

#[test]
fn what_makes_no_histogram_is_refused() {
    let cases = [
        (
            HistogramValue::classic(&[1.0], &[], 0, 0.0),
            HistogramError::Lengths {
                bounds: 1,
                counts: 0,
            },
        ),
        (
            HistogramValue::classic(&[2.0, 1.0], &[1, 1], 1, 0.0),
            HistogramError::Bounds,
        ),
        (
            HistogramValue::classic(&[f64::NAN], &[1], 1, 0.0),
            HistogramError::Bounds,
        ),
        (
            HistogramValue::classic(&[1.0, 2.0], &[2, 1], 2, 0.0),
            HistogramError::Counts,
        ),
        (
            HistogramValue::classic(&[1.0], &[3], 2, 0.0),
            HistogramError::Counts,
        ),
        (
            HistogramValue::native_only(
                NativeBuckets {
                    schema: 9,
                    ..NativeBuckets::default()
                },
                0,
                0.0,
            ),
            HistogramError::Native,
        ),
    ];
    for (value, error) in cases {
        assert_eq!(value, Err(error));
    }
    let native = NativeBuckets {
        schema: 3,
        zero_count: 1,
        positive: vec![(2, 4)],
        ..NativeBuckets::default()
    };
    assert_eq!(
        HistogramValue::native_only(native, 2, 1.0).unwrap().count(),
        7
    );
}

#[test]
fn a_histogram_below_zero_has_no_sum_and_a_gauge_histogram_has() {
    struct Drift;
    impl Collect for Drift {
        fn collect(&self, sink: &mut dyn Sink) -> Result<(), CollectError> {
            let value = HistogramValue::classic(&[-1.0], &[1], 2, -3.0);
            let value = value.map_err(CollectError::source)?;
            let drift = Descriptor::new(MetricType::Histogram, "drift", "h")?;
            FamilyWriter::begin(sink, &drift, [])?.histogram([], &value)?;
            let now = Descriptor::new(MetricType::GaugeHistogram, "drift_now", "h")?;
            FamilyWriter::begin(sink, &now, [])?.sample([], Value::GaugeHistogram(&value))?;
            Ok(())
        }
    }
    let registry = Registry::new();
    registry.register(Drift).unwrap();
    let body = registry.scrape(Format::OpenMetrics).to_vec();
    let snapshot = parse::openmetrics(body).unwrap();
    let le = [("le", "+Inf")];
    assert_eq!(snapshot.value("drift_bucket", &le), Some(2.0));
    assert_eq!(snapshot.value("drift_sum", &[]), None);
    assert_eq!(snapshot.value("drift_now_gsum", &[]), Some(-3.0));
}

/// A collector that is a function.
struct Gives(fn(&mut dyn Sink) -> Result<(), CollectError>);

impl Collect for Gives {
    fn collect(&self, sink: &mut dyn Sink) -> Result<(), CollectError> {
        (self.0)(sink)
    }
}

#[test]
fn gauge_histograms_and_state_sets_have_calls_of_their_own() {
    let registry = Registry::new();
    let collector = Gives(|sink| {
        let value = HistogramValue::classic(&[10.0], &[2], 3, 7.0).map_err(CollectError::source)?;
        let sizes = Descriptor::new(MetricType::GaugeHistogram, "sizes", "h")?;
        FamilyWriter::begin(sink, &sizes, ["queue"])?.gauge_histogram(["a"], &value)?;
        let phase = Descriptor::new(MetricType::StateSet, "phase", "h")?;
        FamilyWriter::begin(sink, &phase, ["job"])?
            .state_set(["a"], &[("waiting", false), ("running", true)])?
            .state_set(["b"], &[("waiting", true), ("running", false)])?;
        Ok(())
    });
    registry.register(collector).unwrap();
    let read = parse::openmetrics(registry.scrape(Format::OpenMetrics).to_vec()).unwrap();
    assert_eq!(read.value("sizes_gcount", &[("queue", "a")]), Some(3.0));
    for (job, state, on) in [
        ("a", "waiting", 0.0),
        ("a", "running", 1.0),
        ("b", "waiting", 1.0),
        ("b", "running", 0.0),
    ] {
        let labels = [("job", job), ("phase", state)];
        assert_eq!(read.value("phase", &labels), Some(on), "{labels:?}");
    }
}

#[test]
fn a_state_that_stands_twice_is_refused() {
    let collector = Gives(|sink| {
        let phase = Descriptor::new(MetricType::StateSet, "phase", "h")?;
        let states = [("on", true), ("off", false), ("on", false)];
        let mut family = FamilyWriter::begin(sink, &phase, [])?;
        let error = family.state_set([], &states).err().unwrap();
        let expected =
            "family `phase` has the series `phase{phase=\"on\"}` twice; write each series once";
        assert_eq!(error.to_string(), expected);
        family.state_set([], &states[..2])?;
        Ok(())
    });
    let registry = Registry::new();
    registry.register(collector).unwrap();
    assert!(registry.to_text().contains("phase{phase=\"on\"} 1.0\n"));
}
