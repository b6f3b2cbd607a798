//! The naming rules of Prometheus, as `promtool check metrics` has them, and what to do about each finding.
//!
//! ```
//! use exporter_kit::{Registry, lint};
//!
//! let registry = Registry::new();
//! registry.gauge("queue_wait_milliseconds", "How long the oldest job has waited.")?;
//! let findings = lint::registry(&registry);
//! assert_eq!(findings[0].rule(), lint::Rule::BaseUnit);
//! assert_eq!(
//!     findings[0].to_string(),
//!     "queue_wait_milliseconds: use base unit \"seconds\" instead of \"milliseconds\" \
//!      (convert the value and rename it to `queue_wait_seconds`)",
//! );
//! # Ok::<(), exporter_kit::RegisterError>(())
//! ```

mod literal;
mod units;

use std::fmt;

use hashbrown::HashSet;

use crate::model::{Descriptor, MetricType};
use crate::registry::Registry;
use crate::snapshot::{FamilySnapshot, Snapshot};

pub use literal::broken_rule;

/// A naming rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Rule {
    /// A family has a help text.
    Help,
    /// Units are base units: seconds, bytes, and so on, without prefixes.
    BaseUnit,
    /// Units are written out.
    AbbreviatedUnit,
    /// Counters end in `_total`, and nothing else does.
    Total,
    /// Only gauges end in `_timestamp_seconds`.
    Timestamp,
    /// `_bucket`, `_sum` and `_count` belong to histograms and summaries.
    ReservedSuffix,
    /// `le` belongs to histograms, `quantile` to summaries.
    ReservedLabel,
    /// A name does not repeat a type.
    TypeInName,
    /// Colons are for recording rules.
    Colon,
    /// Names are written in snake_case.
    CamelCase,
    /// No series stands twice.
    Duplicate,
}

/// One broken rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    metric: Box<str>,
    rule: Rule,
    message: Box<str>,
    remedy: Box<str>,
}

impl Finding {
    fn new(
        metric: &str,
        rule: Rule,
        message: impl Into<Box<str>>,
        remedy: impl Into<Box<str>>,
    ) -> Self {
        Self {
            metric: metric.into(),
            rule,
            message: message.into(),
            remedy: remedy.into(),
        }
    }

    /// The family's name, as a query uses it.
    pub fn metric(&self) -> &str {
        &self.metric
    }

    /// Which rule.
    pub fn rule(&self) -> Rule {
        self.rule
    }

    /// What is wrong, in the words of promtool.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What to do about it.
    pub fn remedy(&self) -> &str {
        &self.remedy
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} ({})", self.metric, self.message, self.remedy)
    }
}

/// Checks every family that a registry shows now. Sorted by metric and message.
pub fn registry(registry: &Registry) -> Vec<Finding> {
    snapshot(&registry.snapshot())
}

/// Checks every family of a snapshot. Sorted by metric and message.
pub fn snapshot(snapshot: &Snapshot) -> Vec<Finding> {
    let mut findings = Vec::new();
    for family in snapshot.families() {
        findings.extend(descriptor(family.descriptor()));
        labels_of(family, &mut findings);
    }
    for (family, series) in snapshot.duplicates_by_family() {
        let remedy = format!("give `{series}` once, or tell the two apart by a label");
        findings.push(Finding::new(
            family,
            Rule::Duplicate,
            "metric not unique",
            remedy,
        ));
    }
    findings.sort_by(|a, b| (&a.metric, &a.message).cmp(&(&b.metric, &b.message)));
    findings.dedup();
    findings
}

/// Checks a family without its series.
pub fn descriptor(descriptor: &Descriptor) -> Vec<Finding> {
    let mut findings = help(descriptor.name(), descriptor.help());
    findings.extend(name(descriptor.metric_type(), descriptor.name()));
    findings
}

/// Checks the help text of a metric.
pub fn help(metric: &str, help: &str) -> Vec<Finding> {
    if help.is_empty() {
        let remedy = "say in one sentence what is measured";
        vec![Finding::new(metric, Rule::Help, "no help text", remedy)]
    } else {
        Vec::new()
    }
}

/// Checks the name of a metric of that kind; a counter's name includes `_total`.
pub fn name(kind: MetricType, name: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut add = |rule, message: String, remedy: String| {
        findings.push(Finding::new(name, rule, message, remedy));
    };
    if let Some((unit, base)) = units::other_than_base(name) {
        let words = name.split('_');
        let words: Vec<&str> = words
            .map(|word| if word == unit { base } else { word })
            .collect();
        let better = words.join("_");
        add(
            Rule::BaseUnit,
            format!("use base unit \"{base}\" instead of \"{unit}\""),
            format!("convert the value and rename it to `{better}`"),
        );
    }
    let is_total = name.ends_with("_total");
    match kind {
        MetricType::Counter if !is_total => add(
            Rule::Total,
            "counter metrics should have \"_total\" suffix".to_owned(),
            format!("rename it to `{name}_total`"),
        ),
        MetricType::Counter | MetricType::Unknown => {}
        _ if is_total => add(
            Rule::Total,
            "non-counter metrics should not have \"_total\" suffix".to_owned(),
            "drop the suffix, or make it a counter".to_owned(),
        ),
        _ => {}
    }
    if name.ends_with("_timestamp_seconds") && !is_gauge(kind) && kind != MetricType::Unknown {
        add(
            Rule::Timestamp,
            "non-gauge metrics should not have \"_timestamp_seconds\" suffix".to_owned(),
            "make it a gauge, or rename it".to_owned(),
        );
    }
    let suffixes = [
        ("_bucket", "non-histogram", false),
        ("_count", "non-histogram and non-summary", true),
        ("_sum", "non-histogram and non-summary", true),
    ];
    for (suffix, which, of_summaries) in suffixes {
        let owner = is_histogram(kind)
            || (of_summaries && kind == MetricType::Summary)
            || kind == MetricType::Unknown;
        if !owner && name.ends_with(suffix) {
            add(
                Rule::ReservedSuffix,
                format!("{which} metrics should not have \"{suffix}\" suffix"),
                "end it in what it counts or measures instead".to_owned(),
            );
        }
    }
    let lower = name.to_lowercase();
    for word in [
        "counter",
        "gauge",
        "gauge_histogram",
        "histogram",
        "summary",
    ] {
        if has_word(&lower, word) {
            add(
                Rule::TypeInName,
                format!("metric name should not include type '{word}'"),
                "drop the word; the `# TYPE` line says it".to_owned(),
            );
        }
    }
    if name.contains(':') {
        add(
            Rule::Colon,
            "metric names should not contain ':'".to_owned(),
            "write `_`; colons are for the names of recording rules".to_owned(),
        );
    }
    if is_camel_case(name) {
        add(
            Rule::CamelCase,
            "metric names should be written in 'snake_case' not 'camelCase'".to_owned(),
            format!("rename it to `{}`", snake_case(name)),
        );
    }
    if let Some(unit) = units::abbreviation(&lower) {
        add(
            Rule::AbbreviatedUnit,
            "metric names should not contain abbreviated units".to_owned(),
            format!("write the base unit out instead of `{unit}`: `seconds`, `bytes`, `meters`"),
        );
    }
    findings
}

/// Checks the name of a label of a metric of that kind.
pub fn label(metric: &str, kind: MetricType, label: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    let reserved = match label {
        "le" if !is_histogram(kind) => Some("histogram"),
        "quantile" if kind != MetricType::Summary => Some("summary"),
        _ => None,
    };
    if let Some(owner) = reserved.filter(|_| kind != MetricType::Unknown) {
        let message = format!("non-{owner} metrics should not have \"{label}\" label");
        let remedy = "rename the label";
        findings.push(Finding::new(metric, Rule::ReservedLabel, message, remedy));
    }
    if is_camel_case(label) {
        let message = "label names should be written in 'snake_case' not 'camelCase'";
        let remedy = format!("rename the label to `{}`", snake_case(label));
        findings.push(Finding::new(metric, Rule::CamelCase, message, remedy));
    }
    findings
}

fn labels_of(family: &FamilySnapshot, findings: &mut Vec<Finding>) {
    let (metric, kind) = (
        family.descriptor().name(),
        family.descriptor().metric_type(),
    );
    let mut seen: HashSet<String> = HashSet::new();
    for (head, _) in family.series() {
        for (name, _) in head.labels() {
            if !seen.contains(&*name) {
                findings.extend(label(metric, kind, &name));
                seen.insert(name.into_owned());
            }
        }
    }
}

/// The text format, whose types promtool knows, shows info and state sets as gauges.
fn is_gauge(kind: MetricType) -> bool {
    matches!(
        kind,
        MetricType::Gauge | MetricType::Info | MetricType::StateSet
    )
}

fn is_histogram(kind: MetricType) -> bool {
    matches!(kind, MetricType::Histogram | MetricType::GaugeHistogram)
}

/// Whether `name` has `_word_` in it or ends in `_word`.
fn has_word(name: &str, word: &str) -> bool {
    name.match_indices(word).any(|(at, _)| {
        let after = &name[at + word.len()..];
        name[..at].ends_with('_') && (after.is_empty() || after.starts_with('_'))
    })
}

fn is_camel_case(name: &str) -> bool {
    let bytes = name.as_bytes();
    bytes
        .windows(2)
        .any(|pair| pair[0].is_ascii_lowercase() && pair[1].is_ascii_uppercase())
}

fn snake_case(name: &str) -> String {
    let mut snake = String::with_capacity(name.len() + 4);
    let mut after_lower = false;
    for c in name.chars() {
        if after_lower && c.is_ascii_uppercase() {
            snake.push('_');
        }
        after_lower = c.is_ascii_lowercase();
        snake.push(c.to_ascii_lowercase());
    }
    snake
}
