//! Helpers for tests of programs with metrics.
//!
//! ```
//! use exporter_kit::{Registry, testing};
//!
//! let registry = Registry::new();
//! let jobs = registry.counter("jobs_total", "Jobs done.")?;
//! jobs.inc();
//!
//! testing::assert_value(&registry, "jobs_total", &[], 1.0);
//! testing::assert_exposition(
//!     &registry,
//!     "# HELP jobs_total Jobs done.\n# TYPE jobs_total counter\njobs_total 1.0\n",
//! );
//! testing::assert_lint(&registry);
//! # Ok::<(), exporter_kit::RegisterError>(())
//! ```

mod diff;

use std::fs;
use std::path::Path;

pub use diff::diff;

use crate::encode::Format;
use crate::lint;
use crate::registry::Registry;
use crate::scrape::Scrape;
use crate::snapshot::Snapshot;

/// Set to `1` to make [`assert_golden`] write the files instead of comparing them.
pub const UPDATE_GOLDEN: &str = "UPDATE_GOLDEN";

/// Returns the body of a scrape in that format, without a server.
///
/// ```
/// use exporter_kit::{Format, Registry, testing};
///
/// let registry = Registry::new();
/// registry.gauge("temperature_celsius", "Outside.")?.set(-3);
/// assert!(testing::scrape(&registry, Format::OpenMetrics).ends_with("temperature_celsius -3.0\n# EOF\n"));
/// # Ok::<(), exporter_kit::RegisterError>(())
/// ```
pub fn scrape(registry: &Registry, format: Format) -> String {
    String::from_utf8_lossy(&registry.scrape(format).to_vec()).into_owned()
}

/// Returns the current value of one sample: see [`Snapshot::value`].
///
/// ```
/// use exporter_kit::{Registry, testing};
///
/// let registry = Registry::new();
/// registry.counter("jobs_total", "Jobs done.")?.inc();
/// assert_eq!(testing::value(&registry, "jobs_total", &[]), Some(1.0));
/// # Ok::<(), exporter_kit::RegisterError>(())
/// ```
pub fn value(registry: &Registry, sample: &str, labels: &[(&str, &str)]) -> Option<f64> {
    registry.snapshot().value(sample, labels)
}

/// Asserts the current value of one sample; NaN equals NaN.
///
/// # Panics
/// When the sample is missing or has another value. The message shows the existing samples.
#[track_caller]
pub fn assert_value(registry: &Registry, sample: &str, labels: &[(&str, &str)], expected: f64) {
    let snapshot = registry.snapshot();
    match snapshot.value(sample, labels) {
        Some(value) if value == expected || (value.is_nan() && expected.is_nan()) => {}
        Some(value) => panic!("`{sample}` with {labels:?} is {value}, expected {expected}"),
        None => panic!(
            "no sample `{sample}` with {labels:?}, expected {expected}; the samples are\n{}",
            String::from_utf8_lossy(&snapshot.encode(Format::Text))
        ),
    }
}

/// Asserts the text of a scrape: of a whole registry, or of `registry.scrape(format)`, optionally with a filter.
///
/// ```
/// use exporter_kit::{Format, Registry, testing};
///
/// let registry = Registry::new();
/// registry.gauge("depth", "Jobs that wait.")?.set(4);
/// registry.gauge("other", "Not looked at.")?;
/// testing::assert_exposition(
///     registry.scrape(Format::Text).filter(vec!["depth".to_owned()]),
///     "# HELP depth Jobs that wait.\n# TYPE depth gauge\ndepth 4.0\n",
/// );
/// # Ok::<(), exporter_kit::RegisterError>(())
/// ```
///
/// # Panics
/// When it differs. The message shows the lines that differ.
#[track_caller]
pub fn assert_exposition(scrape: impl Into<Scrape>, expected: &str) {
    let body = scrape.into().to_vec();
    if let Some(diff) = diff(expected, &String::from_utf8_lossy(&body)) {
        panic!("the exposition differs from what was expected (-):\n{diff}");
    }
}

/// Asserts that the text of a scrape equals the file at `path`. With `UPDATE_GOLDEN=1` in the environment, it writes
/// the file instead; review the change before you commit it.
///
/// # Panics
/// When it differs, with the lines that differ, and when the file can't be read or written.
#[track_caller]
pub fn assert_golden(scrape: impl Into<Scrape>, path: impl AsRef<Path>) {
    let path = path.as_ref();
    let shown = path.display();
    let body = scrape.into().to_vec();
    if std::env::var_os(UPDATE_GOLDEN).is_some_and(|value| value == "1") {
        if let Err(error) = fs::write(path, &body) {
            panic!("the golden file `{shown}` can't be written: {error}");
        }
        return;
    }
    match fs::read_to_string(path) {
        Ok(expected) => {
            if let Some(diff) = diff(&expected, &String::from_utf8_lossy(&body)) {
                panic!(
                    "the exposition differs from `{shown}` (-); if it should, run the test again with {UPDATE_GOLDEN}=1:\n{diff}"
                );
            }
        }
        Err(error) => {
            panic!(
                "the golden file `{shown}` can't be read: {error}; run the test with {UPDATE_GOLDEN}=1 to make it"
            )
        }
    }
}

/// Asserts that the metrics follow all naming rules: see [`lint`].
///
/// # Panics
/// When a metric breaks a rule. The message shows every finding with its remedy.
#[track_caller]
pub fn assert_lint(registry: &Registry) {
    let findings = lint::snapshot(&registry.snapshot());
    if !findings.is_empty() {
        let lines: Vec<String> = findings.iter().map(ToString::to_string).collect();
        panic!("naming rules are broken:\n{}", lines.join("\n"));
    }
}

/// Asserts that two snapshots are equal, in any order of families; NaN equals NaN.
///
/// # Panics
/// When they differ. The message shows the differing lines of their OpenMetrics text.
#[track_caller]
pub fn assert_same(actual: &Snapshot, expected: &Snapshot) {
    let (actual, expected) = (actual.sorted(), expected.sorted());
    if actual != expected {
        let text = |snapshot: &Snapshot| {
            String::from_utf8_lossy(&snapshot.encode(Format::OpenMetrics)).into_owned()
        };
        match diff(&text(&expected), &text(&actual)) {
            Some(diff) => panic!("the snapshots differ, expected (-):\n{diff}"),
            None => panic!(
                "the snapshots differ in what text does not show:\n{expected:#?}\n{actual:#?}"
            ),
        }
    }
}

impl From<&Registry> for Scrape {
    /// The body of a complete scrape.
    fn from(registry: &Registry) -> Self {
        registry.scrape(Format::Text)
    }
}
