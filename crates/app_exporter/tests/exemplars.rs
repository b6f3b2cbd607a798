//! Exemplars arrive in a real Prometheus, over OpenMetrics and over protobuf.

use std::collections::BTreeMap;

use exporter_kit::{Counter, Histogram, Registry};
use serde_json::Value;

use crate::native_histograms::config;
use crate::support::{Prometheus, Scratch, require};

/// Content of the exemplars' trace ids: the series, with its `le`, and the value.
type Arrived = BTreeMap<String, (String, String, f64)>;

fn exemplars_that_arrive_with(features: &str, test: &str) -> Option<Arrived> {
    let program = require("prometheus")?;
    let registry = Registry::new();
    let requests = registry
        .add(Counter::define("requests_total", "h").labels(["path"]))
        .expect("a valid definition");
    let trace = |id| [("trace_id", id)];
    requests
        .with(["/"])
        .inc_with_exemplar(3, &trace("counted"))
        .expect("a valid exemplar");
    let sizes = registry
        .add(Histogram::define("sizes_bytes", "h").buckets(&[10.0, 100.0]))
        .expect("a valid definition");
    for (value, id) in [(7.5, "small"), (70.0, "medium"), (700.0, "large")] {
        sizes
            .observe_with_exemplar(value, &trace(id))
            .expect("a valid exemplar");
    }
    let server = exporter_kit::serve("127.0.0.1:0", &registry).expect("a free port");
    let scratch = Scratch::new(test);
    let config = config(&scratch, server.local_addresses()[0]);
    let features = format!("--enable-feature={features}");
    let prometheus = Prometheus::start(&program, &scratch, &config, &[&features]);
    prometheus.wait_for("sizes_bytes_count", |result| result.get(0).cloned());

    let mut arrived = Arrived::new();
    let now = exporter_kit::Timestamp::now().seconds();
    for name in ["requests_total", "sizes_bytes_bucket"] {
        let request = format!(
            "query_exemplars?query={name}&start={}&end={}",
            now - 600,
            now + 600
        );
        let series = prometheus.api(&request);
        for series in series.as_array().expect("series") {
            let labels = &series["seriesLabels"];
            for exemplar in series["exemplars"].as_array().expect("exemplars") {
                let text = |value: &Value| value.as_str().unwrap_or("").to_owned();
                let value = exemplar["value"]
                    .as_str()
                    .and_then(|value| value.parse().ok());
                let detail = format!("{}{}", text(&labels["le"]), text(&labels["path"]));
                let told = (text(&labels["__name__"]), detail, value.expect("a number"));
                arrived.insert(text(&exemplar["labels"]["trace_id"]), told);
            }
        }
    }
    prometheus.assert_scraped_without_error();
    Some(arrived)
}

/// `le` is written as the format has it; Prometheus 3 makes them alike.
fn expected(les: [&str; 2]) -> Arrived {
    let bucket = |id: &str, le: &str, value| {
        (
            id.to_owned(),
            ("sizes_bytes_bucket".to_owned(), le.to_owned(), value),
        )
    };
    Arrived::from([
        (
            "counted".to_owned(),
            ("requests_total".to_owned(), "/".to_owned(), 3.0),
        ),
        bucket("small", les[0], 7.5),
        bucket("medium", les[1], 70.0),
        bucket("large", "+Inf", 700.0),
    ])
}

#[test]
fn a_real_prometheus_gets_exemplars_over_openmetrics() {
    if let Some(arrived) = exemplars_that_arrive_with("exemplar-storage", "exemplars_openmetrics") {
        assert_eq!(arrived, expected(["10.0", "100.0"]));
    }
}

#[test]
fn a_real_prometheus_gets_exemplars_over_protobuf() {
    let features = "exemplar-storage,native-histograms";
    if let Some(arrived) = exemplars_that_arrive_with(features, "exemplars_protobuf") {
        assert_eq!(arrived, expected(["10.0", "100.0"]));
    }
}
