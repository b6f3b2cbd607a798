//! Python's prometheus_client reads what app_exporter writes.

use std::collections::BTreeSet;
use std::process::Command;

use serde_json::{Value, json};

use crate::program::Running;
use crate::support::{require, run};

/// Scrapes a page in both formats and prints what the two parsers of prometheus_client read.
const READ_BOTH: &str = include_str!("read_both_formats.py");

#[test]
fn pythons_client_reads_both_formats_alike_and_openmetrics_strictly() {
    let Some(python) = require("python") else {
        return;
    };
    // Nothing changes between the two scrapes.
    let (_running, address) = Running::listening(&["--simulate.interval=1h"]);
    let page = format!("http://{address}/metrics");
    let output = run(Command::new(python).args(["-c", READ_BOTH, &page]), "");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let read: Value = serde_json::from_slice(&output.stdout).expect("JSON");

    let family = |format: &str| &read[format]["families"]["app_active_sessions"];
    let value = family("text")["samples"][0][2].as_f64().expect("a value");
    assert!((10.0..=100.0).contains(&value), "{value}");
    for format in ["text", "openmetrics"] {
        let expected = json!({
            "type": "gauge",
            "help": "Number of active user sessions",
            "samples": [["app_active_sessions", {}, value]],
        });
        assert_eq!(*family(format), expected, "{format}");
    }

    // Families are named differently, as an info or a counter has its suffix outside OpenMetrics.
    let series = |format: &str| -> BTreeSet<String> {
        let families = read[format]["families"].as_object().expect("families");
        let samples = families
            .values()
            .filter_map(|family| family["samples"].as_array());
        samples
            .flatten()
            .map(|sample| format!("{}{}", sample[0], sample[1]))
            .collect()
    };
    assert_eq!(series("text"), series("openmetrics"));
    let content_type = &read["text"]["content_type"];
    assert_eq!(content_type, "text/plain; version=0.0.4; charset=utf-8");
    assert_eq!(
        read["openmetrics"]["content_type"],
        "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=underscores"
    );
}
