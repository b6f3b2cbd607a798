//! The cases in `expositions`, and the series that Prometheus 3 stores of an exposition. Shared with app_exporter's tests.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use exporter_kit::{MetricType, Snapshot, Value};

/// Series by name and sorted labels, and their values.
pub(crate) type Stored = BTreeMap<String, f64>;

/// The folders of the cases: `exposition` as served, `headers`, and `series`, which a Prometheus 3.5 stored.
pub(crate) fn cases() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../exporter-kit/tests/expositions");
    let entries = fs::read_dir(folder).expect("a case");
    let mut cases: Vec<PathBuf> = entries.map(|entry| entry.expect("a case").path()).collect();
    cases.sort();
    cases
}

/// The series that a Prometheus 3.5 stored of the case.
pub(crate) fn expected(case: &Path) -> Stored {
    let text = fs::read_to_string(case.join("series")).expect("a case");
    let pairs = text.lines().map(|line| {
        let (series, value) = line.rsplit_once(' ').expect("a series");
        (series.to_owned(), value.parse().expect("a number"))
    });
    pairs.collect()
}

/// The series that Prometheus 3 stores of a snapshot of lines.
pub(crate) fn stored(snapshot: &Snapshot) -> Stored {
    let mut stored = Stored::new();
    for family in snapshot.families() {
        let normal = match family.descriptor().metric_type() {
            MetricType::Histogram => "le",
            MetricType::Summary => "quantile",
            _ => "",
        };
        for (key, sample) in family.series() {
            let number = match sample.value {
                Value::Counter(number, _)
                | Value::Gauge(number)
                | Value::Unknown(number)
                | Value::Line(number, _) => number.as_f64(),
                Value::Info => 1.0,
                other => panic!("not a line: {other:?}"),
            };
            let mut labels: Vec<String> = key
                .labels()
                .map(|(name, value)| {
                    let mut value = value.into_owned();
                    if name == normal
                        && let Ok(number) = value.parse::<f64>()
                    {
                        value = match number {
                            f64::INFINITY => "+Inf".to_owned(),
                            _ => format!("{number:?}"),
                        };
                    }
                    let value = value.replace('\\', "\\\\");
                    let value = value.replace('"', "\\\"").replace('\n', "\\n");
                    format!("{name}=\"{value}\"")
                })
                .collect();
            labels.sort();
            let series = format!("{}{{{}}}", key.name(), labels.join(","));
            let before = stored.insert(series, number);
            assert_eq!(before, None, "{}", key.name());
        }
    }
    stored
}

pub(crate) fn assert_same(found: &Stored, expected: &Stored, of: &str) {
    let same = |a: &f64, b: &f64| a == b || (a.is_nan() && b.is_nan());
    let differs = |of: &Stored, from: &Stored| -> Vec<String> {
        let others = of
            .iter()
            .filter(|(series, value)| !from.get(*series).is_some_and(|other| same(value, other)));
        others
            .map(|(series, value)| format!("{series} {value}"))
            .collect()
    };
    assert_eq!(
        (differs(found, expected), differs(expected, found)),
        (Vec::new(), Vec::new()),
        "{of}: found, and expected, alone"
    );
}
