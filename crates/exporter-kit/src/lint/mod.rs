//! Prometheus' naming rules as in `promtool check metrics`, with a remedy for each finding.
//!
//! ```
//! use exporter_kit::{Registry, lint};
//!
//! let registry = Registry::new();
//! registry.gauge("queue_wait_milliseconds", "How long the oldest job has waited.")?;
//! let findings = lint::snapshot(&registry.snapshot());
//! assert_eq!(findings[0].rule(), lint::Rule::BaseUnit);
//! assert_eq!(
//!     findings[0].to_string(),
//!     "queue_wait_milliseconds: use base unit \"seconds\" instead of \"milliseconds\" \
//!      (convert the value and rename it to `queue_wait_seconds`)",
//! );
//! # Ok::<(), exporter_kit::RegisterError>(())
//! ```

mod rules;
mod units;

use std::fmt;

use hashbrown::HashSet;

use crate::model::{Descriptor, MetricType};
use crate::snapshot::{FamilySnapshot, Snapshot};

use rules::Breach;
pub use rules::{Rule, broken_rule};

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

    /// The family's name, as used in a query.
    pub fn metric(&self) -> &str {
        &self.metric
    }

    /// The rule.
    pub fn rule(&self) -> Rule {
        self.rule
    }

    /// The finding in promtool's words.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The remedy.
    pub fn remedy(&self) -> &str {
        &self.remedy
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} ({})", self.metric, self.message, self.remedy)
    }
}

/// Checks every family of a snapshot. Sorts the findings by metric and message.
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

/// Checks the name of a metric of that type; a counter's name includes `_total`.
pub fn name(metric_type: MetricType, name: &str) -> Vec<Finding> {
    (0..rules::CHECKS)
        .filter_map(|check| rules::breach(check, metric_type, name))
        .map(|breach| {
            let (message, remedy) = explain(breach, name);
            Finding::new(name, breach.rule(), message, remedy)
        })
        .collect()
}

/// Promtool's message, and the remedy.
fn explain(breach: Breach<'_>, name: &str) -> (String, String) {
    match breach {
        Breach::BaseUnit { unit, base } => {
            let words = name.split('_');
            let words: Vec<&str> = words
                .map(|word| if word == unit { base } else { word })
                .collect();
            (
                format!("use base unit \"{base}\" instead of \"{unit}\""),
                format!("convert the value and rename it to `{}`", words.join("_")),
            )
        }
        Breach::NoTotal => (
            "counter metrics should have \"_total\" suffix".to_owned(),
            format!("rename it to `{name}_total`"),
        ),
        Breach::TotalOfOther => (
            "non-counter metrics should not have \"_total\" suffix".to_owned(),
            "drop the suffix, or make it a counter".to_owned(),
        ),
        Breach::Timestamp => (
            "non-gauge metrics should not have \"_timestamp_seconds\" suffix".to_owned(),
            "make it a gauge, or rename it".to_owned(),
        ),
        Breach::ReservedSuffix(suffix) => {
            let others = match suffix {
                "_bucket" => "non-histogram",
                _ => "non-histogram and non-summary",
            };
            (
                format!("{others} metrics should not have \"{suffix}\" suffix"),
                "end it in what it counts or measures instead".to_owned(),
            )
        }
        Breach::TypeInName(word) => (
            format!("metric name should not include type '{word}'"),
            "drop the word; the `# TYPE` line says it".to_owned(),
        ),
        Breach::Colon => (
            "metric names should not contain ':'".to_owned(),
            "write `_`; colons are for the names of recording rules".to_owned(),
        ),
        Breach::CamelCase => (
            "metric names should be written in 'snake_case' not 'camelCase'".to_owned(),
            format!("rename it to `{}`", snake_case(name)),
        ),
        Breach::AbbreviatedUnit(unit) => (
            "metric names should not contain abbreviated units".to_owned(),
            format!("write the base unit out instead of `{unit}`: `seconds`, `bytes`, `meters`"),
        ),
    }
}

/// Checks the name of a label of a metric of that type.
pub fn label(metric: &str, metric_type: MetricType, label: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    let reserved = match label {
        "le" if !rules::is_histogram(metric_type) => Some("histogram"),
        "quantile" if metric_type != MetricType::Summary => Some("summary"),
        _ => None,
    };
    if let Some(owner) = reserved.filter(|_| metric_type != MetricType::Unknown) {
        let message = format!("non-{owner} metrics should not have \"{label}\" label");
        let remedy = "rename the label";
        findings.push(Finding::new(metric, Rule::ReservedLabel, message, remedy));
    }
    if rules::is_camel_case(label.as_bytes()) {
        let message = "label names should be written in 'snake_case' not 'camelCase'";
        let remedy = format!("rename the label to `{}`", snake_case(label));
        findings.push(Finding::new(metric, Rule::CamelCase, message, remedy));
    }
    findings
}

fn labels_of(family: &FamilySnapshot, findings: &mut Vec<Finding>) {
    let (metric, metric_type) = (
        family.descriptor().name(),
        family.descriptor().metric_type(),
    );
    let mut seen: HashSet<String> = HashSet::new();
    for (head, _) in family.series() {
        for (name, _) in head.labels() {
            if !seen.contains(&*name) {
                findings.extend(label(metric, metric_type, &name));
                seen.insert(name.into_owned());
            }
        }
    }
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
