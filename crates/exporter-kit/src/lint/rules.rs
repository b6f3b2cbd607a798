//! The naming rules, each written once as a constant function, for use in the build and at run time.

use crate::lint::units::{abbreviation, other_than_base};
use crate::model::MetricType;
use crate::name::ends_with;

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
    /// No duplicate series.
    Duplicate,
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
            Self::Duplicate => "a series comes once",
        }
    }
}

/// Returns the first rule that a metric's name or help text breaks, for constant names.
///
/// ```
/// use exporter_kit::{MetricType, lint};
///
/// const _: () = assert!(lint::broken_rule(MetricType::Counter, "requests_total", "Requests served.").is_none());
/// assert_eq!(lint::broken_rule(MetricType::Gauge, "wait_ms", "Wait."), Some(lint::Rule::AbbreviatedUnit));
/// ```
pub const fn broken_rule(metric_type: MetricType, name: &str, help: &str) -> Option<Rule> {
    if help.is_empty() {
        return Some(Rule::Help);
    }
    let mut check = 0;
    while check < CHECKS {
        if let Some(breach) = breach(check, metric_type, name) {
            return Some(breach.rule());
        }
        check += 1;
    }
    None
}

/// A name that breaks a rule, with the details for a message.
#[derive(Clone, Copy)]
pub(super) enum Breach<'a> {
    BaseUnit { unit: &'a str, base: &'static str },
    NoTotal,
    TotalOfOther,
    Timestamp,
    ReservedSuffix(&'static str),
    TypeInName(&'static str),
    Colon,
    CamelCase,
    AbbreviatedUnit(&'static str),
}

impl Breach<'_> {
    pub(super) const fn rule(self) -> Rule {
        match self {
            Self::BaseUnit { .. } => Rule::BaseUnit,
            Self::NoTotal | Self::TotalOfOther => Rule::Total,
            Self::Timestamp => Rule::Timestamp,
            Self::ReservedSuffix(_) => Rule::ReservedSuffix,
            Self::TypeInName(_) => Rule::TypeInName,
            Self::Colon => Rule::Colon,
            Self::CamelCase => Rule::CamelCase,
            Self::AbbreviatedUnit(_) => Rule::AbbreviatedUnit,
        }
    }
}

const SUFFIXES: [&str; 3] = ["_bucket", "_count", "_sum"];
const TYPES: [&str; 5] = [
    "counter",
    "gauge",
    "gauge_histogram",
    "histogram",
    "summary",
];

/// The number of checks; [`breach`] accepts numbers below it.
pub(super) const CHECKS: usize = 14;

/// Runs one check of a name. A number identifies the check, because constant functions have neither iterators nor
/// closures.
pub(super) const fn breach(
    check: usize,
    metric_type: MetricType,
    name: &str,
) -> Option<Breach<'_>> {
    let bytes = name.as_bytes();
    let is_unknown = matches!(metric_type, MetricType::Unknown);
    match check {
        0 => match other_than_base(name) {
            Some((unit, base)) => Some(Breach::BaseUnit { unit, base }),
            None => None,
        },
        1 => {
            let is_total = ends_with(bytes, b"_total");
            match metric_type {
                MetricType::Counter if !is_total => Some(Breach::NoTotal),
                MetricType::Counter | MetricType::Unknown => None,
                _ if is_total => Some(Breach::TotalOfOther),
                _ => None,
            }
        }
        2 if ends_with(bytes, b"_timestamp_seconds") && !is_gauge(metric_type) && !is_unknown => {
            Some(Breach::Timestamp)
        }
        3..=5 => {
            let suffix = SUFFIXES[check - 3];
            let of_summaries = check > 3 && matches!(metric_type, MetricType::Summary);
            if !is_histogram(metric_type)
                && !of_summaries
                && !is_unknown
                && ends_with(bytes, suffix.as_bytes())
            {
                Some(Breach::ReservedSuffix(suffix))
            } else {
                None
            }
        }
        6..=10 if has_word(bytes, TYPES[check - 6].as_bytes()) => {
            Some(Breach::TypeInName(TYPES[check - 6]))
        }
        11 if has_colon(bytes) => Some(Breach::Colon),
        12 if is_camel_case(bytes) => Some(Breach::CamelCase),
        13 => match abbreviation(name) {
            Some(unit) => Some(Breach::AbbreviatedUnit(unit)),
            None => None,
        },
        _ => None,
    }
}

/// The text format, whose types promtool knows, represents info and state sets as gauges.
const fn is_gauge(metric_type: MetricType) -> bool {
    matches!(
        metric_type,
        MetricType::Gauge | MetricType::Info | MetricType::StateSet
    )
}

pub(super) const fn is_histogram(metric_type: MetricType) -> bool {
    matches!(
        metric_type,
        MetricType::Histogram | MetricType::GaugeHistogram
    )
}

/// Returns whether `name` contains `_word_` or ends in `_word`, in any case.
const fn has_word(name: &[u8], word: &[u8]) -> bool {
    let mut i = 0;
    while i < name.len() {
        let rest = name.split_at(i + 1).1;
        if name[i] == b'_' && rest.len() >= word.len() {
            let (begin, after) = rest.split_at(word.len());
            let ends = after.is_empty() || after[0] == b'_';
            if ends && begin.eq_ignore_ascii_case(word) {
                return true;
            }
        }
        i += 1;
    }
    false
}

const fn has_colon(name: &[u8]) -> bool {
    let mut i = 0;
    while i < name.len() {
        if name[i] == b':' {
            return true;
        }
        i += 1;
    }
    false
}

pub(super) const fn is_camel_case(name: &[u8]) -> bool {
    let mut i = 1;
    while i < name.len() {
        if name[i].is_ascii_uppercase() && name[i - 1].is_ascii_lowercase() {
            return true;
        }
        i += 1;
    }
    false
}
