//! Lint: agreement with promtool over many names, and the rules that older promtools lack.

use std::collections::BTreeSet;
use std::io::Write;
use std::process::{Command, Stdio};

use exporter_kit::lint::{self, Rule};
use exporter_kit::{FamilySnapshot, MetricType, Registry, parse};

/// Families of every type with every kind of suspicious word in their names and labels.
fn suspicious_exposition() -> String {
    let words = [
        "jobs",
        "jobs_total",
        "jobs_bucket",
        "jobs_count",
        "jobs_sum",
        "wait_seconds",
        "wait_ms",
        "wait_milliseconds",
        "wait_days_total",
        "heat_fahrenheit",
        "size_kilobytes",
        "size_bits_max",
        "size_mb_max",
        "way_kilometers",
        "way_kilometres",
        "way_metres",
        "way_yards",
        "thermometers",
        "load_gauge",
        "gauge_load",
        "a_counter_b",
        "some_summary",
        "my_histogram_x",
        "x_gauge_histogram",
        "a:b",
        "camelCase",
        "camelCase_ms_total",
        "UPPER",
        "MS_wait",
        "wait_S",
        "h_x",
        "x_h_y",
        "m",
        "wait_sec_d",
        "weights_pounds",
        "weights_milligrams_total",
        "start_seconds",
        "kelvins_min",
        "_s",
        "bytes",
        "minutes",
        "counter",
        "type_counter",
    ];
    let kinds = ["counter", "gauge", "summary", "histogram", "untyped"];
    let labels = ["", "le", "quantile", "camelCase", "ok"];
    let mut out = String::new();
    let mut number = 0;
    for word in words {
        for kind in kinds {
            for label in labels {
                // A letter in front keeps names apart and changes no rule's verdict.
                number += 1;
                let name = format!("q{}_{word}", letters(number));
                if number % 3 != 0 {
                    out += &format!("# HELP {name} Help.\n");
                }
                if kind != "untyped" || number % 2 == 0 {
                    out += &format!("# TYPE {name} {kind}\n");
                }
                let label = match (kind, label) {
                    (_, "") | ("histogram", "le") | ("summary", "quantile") => String::new(),
                    _ => format!("{{{label}=\"1\"}}"),
                };
                let suffixes: &[&str] = match kind {
                    "histogram" | "summary" => &["_sum", "_count"],
                    _ => &[""],
                };
                for suffix in suffixes {
                    out += &format!("{name}{suffix}{label} 1\n");
                }
            }
        }
    }
    out
}

/// A number in letters that no rule knows.
fn letters(mut number: u32) -> String {
    let mut letters = String::new();
    while number > 0 {
        letters.push(char::from(b'i' + (number % 3) as u8));
        number /= 3;
    }
    letters
}

#[test]
fn findings_agree_with_promtool() {
    let promtool =
        std::env::var("EXPORTER_KIT_TEST_PROMTOOL").unwrap_or("/usr/bin/promtool".to_owned());
    let spawned = Command::new(&promtool)
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let Ok(mut child) = spawned else {
        eprintln!(
            "left out: there is no `{promtool}`; install Prometheus or set EXPORTER_KIT_TEST_PROMTOOL"
        );
        return;
    };
    let exposition = suspicious_exposition();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(exposition.as_bytes())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(3), "{stderr}");
    let theirs: BTreeSet<String> = stderr.lines().map(str::to_owned).collect();

    let snapshot = parse::text(&exposition).unwrap();
    let findings = lint::snapshot(&snapshot);
    let said = |finding: &lint::Finding| format!("{} {}", finding.metric(), finding.message());
    let mut ours: BTreeSet<String> = findings.iter().map(said).collect();
    assert!(ours.len() > 1000);
    // From Prometheus 2.53 at the latest, promtool looks in a name for the family's own type alone.
    let of_other_types: BTreeSet<String> = findings
        .iter()
        .filter(|finding| {
            let mut families = snapshot.families().iter().map(FamilySnapshot::descriptor);
            let kind = families
                .find(|family| family.name() == finding.metric())
                .map_or("", |family| family.metric_type().as_str());
            finding.message().contains("should not include type")
                && !finding.message().ends_with(&format!("'{kind}'"))
        })
        .map(said)
        .collect();
    if theirs.is_disjoint(&of_other_types) {
        ours = ours.difference(&of_other_types).cloned().collect();
    }
    let only_ours: Vec<_> = ours.difference(&theirs).collect();
    let only_theirs: Vec<_> = theirs.difference(&ours).collect();
    assert!(
        only_ours.is_empty() && only_theirs.is_empty(),
        "only ours: {only_ours:#?}\nonly promtool's: {only_theirs:#?}"
    );
}

#[test]
fn a_series_that_stands_twice_is_found() {
    let snapshot =
        parse::text("# HELP a A.\na{x=\"1\",y=\"2\"} 1\na{y=\"2\",x=\"1\"} 1\na{x=\"1\"} 1\n")
            .unwrap();
    let findings = lint::snapshot(&snapshot);
    assert_eq!(findings.len(), 1);
    assert_eq!(findings[0].rule(), Rule::Duplicate);
    assert_eq!(
        findings[0].to_string(),
        "a: metric not unique (give `a{y=\"2\",x=\"1\"}` once, or tell the two apart by a label)"
    );
}

#[test]
fn only_a_gauge_is_a_timestamp() {
    assert_eq!(
        lint::name(MetricType::Gauge, "last_run_timestamp_seconds"),
        []
    );
    let findings = lint::name(MetricType::Histogram, "last_run_timestamp_seconds");
    assert_eq!(findings[0].rule(), Rule::Timestamp);
}

#[test]
fn remedies_name_the_better_name() {
    let remedy = |kind, name| lint::name(kind, name)[0].remedy().to_owned();
    assert_eq!(
        remedy(MetricType::Counter, "jobsDone_total"),
        "rename it to `jobs_done_total`"
    );
    assert_eq!(
        remedy(MetricType::Counter, "jobs"),
        "rename it to `jobs_total`"
    );
    assert_eq!(
        remedy(MetricType::Gauge, "kilobytes_used_kilobytes"),
        "convert the value and rename it to `bytes_used_bytes`"
    );
}

#[test]
fn a_clean_registry_has_no_findings() {
    let registry = Registry::new();
    registry
        .gauge("app_active_sessions", "Number of active user sessions")
        .unwrap();
    registry
        .counter("requests_total", "Requests served.")
        .unwrap();
    assert_eq!(lint::snapshot(&registry.snapshot()), []);
}
