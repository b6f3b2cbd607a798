//! The naming rules at compile time, for names that are literals.

use crate::lint::Rule;
use crate::lint::units::{ABBREVIATIONS, PREFIXES, UNITS};
use crate::model::MetricType;
use crate::name::{ends_with, equal};

/// The first rule that a metric's name or help breaks, if any; what [`name`](super::name) and [`help`](super::help) find
/// with words, this finds in a constant.
///
/// ```
/// use exporter_kit::{MetricType, lint};
///
/// const _: () = assert!(lint::broken_rule(MetricType::Counter, "requests_total", "Requests served.").is_none());
/// assert_eq!(lint::broken_rule(MetricType::Gauge, "wait_ms", "Wait."), Some(lint::Rule::AbbreviatedUnit));
/// ```
pub const fn broken_rule(kind: MetricType, name: &str, help: &str) -> Option<Rule> {
    let name = name.as_bytes();
    if help.is_empty() {
        return Some(Rule::Help);
    }
    let is_total = ends_with(name, b"_total");
    if is_total != matches!(kind, MetricType::Counter) && !matches!(kind, MetricType::Unknown) {
        return Some(Rule::Total);
    }
    if ends_with(name, b"_timestamp_seconds")
        && !matches!(
            kind,
            MetricType::Gauge | MetricType::Info | MetricType::StateSet | MetricType::Unknown
        )
    {
        return Some(Rule::Timestamp);
    }
    let histogram = matches!(
        kind,
        MetricType::Histogram | MetricType::GaugeHistogram | MetricType::Unknown
    );
    let sum = ends_with(name, b"_sum") || ends_with(name, b"_count");
    if (ends_with(name, b"_bucket") && !histogram)
        || (sum && !histogram && !matches!(kind, MetricType::Summary))
    {
        return Some(Rule::ReservedSuffix);
    }
    let mut word = Words { name, begin: 0 };
    let mut first = true;
    while let Some(text) = word.next() {
        if other_than_base(text) {
            return Some(Rule::BaseUnit);
        }
        if !first && contains(&ABBREVIATIONS, text) {
            return Some(Rule::AbbreviatedUnit);
        }
        if !first && contains(&TYPES, text) {
            return Some(Rule::TypeInName);
        }
        first = false;
    }
    let mut i = 0;
    while i < name.len() {
        if name[i] == b':' {
            return Some(Rule::Colon);
        }
        if i > 0 && name[i].is_ascii_uppercase() && name[i - 1].is_ascii_lowercase() {
            return Some(Rule::CamelCase);
        }
        i += 1;
    }
    None
}

impl Rule {
    /// The rule as a sentence.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Help => "a metric has a help text; say in one sentence what is measured",
            Self::BaseUnit => {
                "a name has base units: seconds, bytes, meters, grams, joules, celsius; convert the value"
            }
            Self::AbbreviatedUnit => "a name writes its unit out: seconds, bytes, meters",
            Self::Total => "a counter's name ends in `_total`, and no other name does",
            Self::Timestamp => "only a gauge's name ends in `_timestamp_seconds`",
            Self::ReservedSuffix => {
                "`_bucket`, `_sum` and `_count` belong to histograms and summaries"
            }
            Self::ReservedLabel => "`le` belongs to histograms, `quantile` to summaries",
            Self::TypeInName => "a name does not repeat its type; the `# TYPE` line says it",
            Self::Colon => "colons are for the names of recording rules; write `_`",
            Self::CamelCase => "names are written in snake_case",
            Self::Duplicate => "a series stands once",
        }
    }
}

const TYPES: [&str; 4] = ["counter", "gauge", "histogram", "summary"];

/// The parts of a name between underscores.
struct Words<'a> {
    name: &'a [u8],
    begin: usize,
}

impl<'a> Words<'a> {
    const fn next(&mut self) -> Option<&'a [u8]> {
        if self.begin > self.name.len() {
            return None;
        }
        let rest = self.name.split_at(self.begin).1;
        let mut end = 0;
        while end < rest.len() && rest[end] != b'_' {
            end += 1;
        }
        self.begin += end + 1;
        Some(rest.split_at(end).0)
    }
}

const fn other_than_base(word: &[u8]) -> bool {
    if let Some(base) = is_base(word) {
        return !base;
    }
    let mut i = 0;
    while i < PREFIXES.len() {
        let prefix = PREFIXES[i].as_bytes();
        if word.len() > prefix.len() && equal(word.split_at(prefix.len()).0, prefix) {
            // A prefix makes another unit of any.
            if is_base(word.split_at(prefix.len()).1).is_some() {
                return true;
            }
        }
        i += 1;
    }
    false
}

/// Whether a word without prefix is a base unit; `None` if it is no unit.
const fn is_base(word: &[u8]) -> Option<bool> {
    let mut i = 0;
    while i < UNITS.len() {
        let (unit, base) = UNITS[i];
        if equal(unit.as_bytes(), word) {
            return Some(equal(unit.as_bytes(), base.as_bytes()));
        }
        i += 1;
    }
    None
}

/// Whether one of these is the word, whatever its case.
const fn contains(all: &[&str], word: &[u8]) -> bool {
    let mut i = 0;
    while i < all.len() {
        if all[i].as_bytes().eq_ignore_ascii_case(word) {
            return true;
        }
        i += 1;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Names made of words that rules look for must be judged as the checks with words judge them.
    #[test]
    fn it_agrees_with_the_checks_at_run_time() {
        let words = [
            "app",
            "seconds",
            "milliseconds",
            "minutes",
            "kelvins",
            "kilobytes",
            "ms",
            "B",
            "s",
            "gauge",
            "Histogram",
            "counter",
            "total",
            "count",
            "sum",
            "bucket",
            "timestamp",
            "camelCase",
            "a:b",
            "summary",
            "metres",
            "",
        ];
        let kinds = [
            MetricType::Counter,
            MetricType::Gauge,
            MetricType::Histogram,
            MetricType::Summary,
            MetricType::Info,
            MetricType::StateSet,
            MetricType::Unknown,
            MetricType::GaugeHistogram,
        ];
        for first in words {
            for second in words {
                for name in [
                    format!("{first}_{second}"),
                    format!("app_{first}_{second}_x"),
                ] {
                    for kind in kinds {
                        let found = super::super::name(kind, &name);
                        let broken = broken_rule(kind, &name, "help");
                        let agrees = broken.map_or(found.is_empty(), |rule| {
                            found.iter().any(|finding| finding.rule() == rule)
                        });
                        assert!(agrees, "{name} {kind}: {broken:?} {found:?}");
                    }
                }
            }
        }
        assert_eq!(broken_rule(MetricType::Gauge, "a", ""), Some(Rule::Help));
    }
}
