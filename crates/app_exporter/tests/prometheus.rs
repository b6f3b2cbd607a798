//! A real Prometheus scrapes app_exporter, configured by the files in `deploy/`; promtool reads it.

use std::collections::BTreeSet;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::program::{Running, get};
use crate::support::{Prometheus, Scratch, number, require, run, said, until};

/// The folder of the files that this project gives to Prometheus.
const DEPLOYED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../deploy/prometheus");

#[test]
fn a_real_prometheus_scrapes_sessions_that_change_and_reports_no_error() {
    let Some(program) = require("prometheus") else {
        return;
    };
    let (_running, address) = Running::listening(&["--simulate.interval=200ms"]);
    let scratch = Scratch::new("prometheus");
    let config = deployed(&scratch, address);
    let prometheus = Prometheus::start(&program, &scratch, &config, &[]);

    let sessions = prometheus.wait_for("app_active_sessions[1m]", |result| {
        let samples = result[0]["values"].as_array()?;
        let values: Vec<f64> = samples.iter().map(number).collect();
        // They change, sooner or later: by chance one may be the same as the one before.
        let distinct: BTreeSet<u64> = values.iter().map(|value| value.to_bits()).collect();
        (values.len() >= 4 && distinct.len() > 1).then_some(values)
    });
    for value in &sessions {
        assert!((10.0..=100.0).contains(value), "{sessions:?}");
        assert_eq!(value.fract(), 0.0, "{sessions:?}");
    }

    prometheus.assert_scraped_without_error();

    let metadata = prometheus.api("metadata?metric=app_active_sessions");
    let metadata = &metadata["app_active_sessions"][0];
    assert_eq!(metadata["type"], "gauge");
    assert_eq!(metadata["help"], "Number of active user sessions");

    let targets = prometheus.api("targets");
    let targets = targets["activeTargets"].as_array().expect("targets");
    assert_eq!(targets.len(), 1, "{targets:?}");

    let average = prometheus.value("app_active_sessions:avg5m");
    assert!((10.0..=100.0).contains(&average), "{average}");
    for rule in rules(&prometheus) {
        assert_eq!(rule["lastError"].as_str().unwrap_or(""), "", "{rule}");
    }
    // A scrape that failed because the machine stood still is an alert for a moment.
    // That the sessions are simulated is the one that is right.
    until(|| {
        let alerts = prometheus.api("alerts")["alerts"].take();
        let alerts = alerts.as_array().cloned().unwrap_or_default();
        let is_other = |alert: &Value| alert["labels"]["alertname"] != "AppExporterSimulated";
        match alerts.into_iter().find(is_other) {
            None => Ok(()),
            Some(alert) => Err(alert),
        }
    });
}

#[test]
fn promtool_finds_nothing_to_say_about_the_metrics() {
    let Some(promtool) = require("promtool") else {
        return;
    };
    let (_running, address) = Running::listening(&[]);
    let (status, metrics) = get(address, "/metrics");
    assert_eq!(status, 200, "{metrics}");
    let output = run(Command::new(promtool).args(["check", "metrics"]), &metrics);
    assert_eq!(said(&output), "", "about:\n{metrics}");
    assert!(output.status.success(), "{}", output.status);
}

/// The configuration as it is deployed, but for the target and the pace.
fn deployed(scratch: &Scratch, target: SocketAddr) -> PathBuf {
    let replace = |file: &str, old: &str, new: &str| {
        let content = fs::read_to_string(Path::new(DEPLOYED).join(file)).expect(file);
        assert!(content.contains(old), "`{old}` is not in `{file}`");
        scratch.write(file, &content.replace(old, new))
    };
    replace(
        "targets/app_exporter.yml",
        "localhost:8000",
        &target.to_string(),
    );
    replace("rules/app_exporter.yml", "groups:", "groups:");
    replace("prometheus.yml", "_interval: 15s", "_interval: 1s")
}

/// The rules that it evaluates.
fn rules(prometheus: &Prometheus) -> Vec<Value> {
    let mut answer = prometheus.api("rules");
    match answer["groups"][0]["rules"].take() {
        Value::Array(rules) => rules,
        other => panic!("no rules: {other}"),
    }
}
