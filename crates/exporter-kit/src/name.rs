//! The only validator of metric and label names, for both compile time and run time.
//!
//! Rules: the Prometheus data model (`[a-zA-Z_:][a-zA-Z0-9_:]*` for metrics, no colon in labels), OpenMetrics 1.0
//! (reserved suffixes) and, where a family allows them, UTF-8 names: any non-empty text.

use std::fmt;

use crate::model::MetricType;

/// The characters allowed in a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum NameScheme {
    /// ASCII letters, digits, `_` and, in metric names, `:`; no digit first. Supported by every tool.
    #[default]
    Legacy,
    /// Any non-empty UTF-8 text, as in Prometheus 3; escaped for older clients.
    Utf8,
}

/// A naming rule that a name can break.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NameErrorKind {
    /// An empty name.
    Empty,
    /// A metric name that begins with a digit, or has characters other than ASCII letters, digits, `_` and `:`.
    MetricCharacter,
    /// A label name that begins with a digit, or has characters other than ASCII letters, digits and `_`.
    LabelCharacter,
    /// A label name that begins with `__`, which is reserved for Prometheus.
    ReservedPrefix,
    /// The label `le` belongs to a histogram's buckets.
    ReservedLe,
    /// The label `quantile` belongs to a summary's quantiles.
    ReservedQuantile,
    /// A state set's label with the family's own name.
    ReservedState,
    /// A duplicate label name.
    DuplicateLabel,
    /// A counter whose name does not end in `_total`.
    CounterSuffix,
    /// An info whose name does not end in `_info`.
    InfoSuffix,
    /// A name that ends in a suffix of another type's samples.
    ReservedSuffix,
    /// A name that does not end in its unit.
    UnitSuffix,
    /// An info or a state set with a unit.
    UnitNotAllowed,
    /// A state set's name that can't be a label name: it begins with `__`, or has a `:`.
    StateSetName,
}

impl NameErrorKind {
    /// One sentence: the rule and the remedy.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Empty => "a name needs at least one character",
            Self::MetricCharacter => {
                "a metric name is made of ASCII letters, digits, `_` and `:` and does not begin with a digit"
            }
            Self::LabelCharacter => {
                "a label name is made of ASCII letters, digits and `_` and does not begin with a digit"
            }
            Self::ReservedPrefix => {
                "label names that begin with `__` are reserved for Prometheus; drop the underscores"
            }
            Self::ReservedLe => {
                "the label `le` belongs to the buckets of a histogram; choose another name"
            }
            Self::ReservedQuantile => {
                "the label `quantile` belongs to the quantiles of a summary; choose another name"
            }
            Self::ReservedState => {
                "the label named like the state set itself carries the state; choose another name"
            }
            Self::DuplicateLabel => {
                "a label set has each label name once; drop or rename one of the two"
            }
            Self::CounterSuffix => "a counter's name ends in `_total`; append it",
            Self::InfoSuffix => "the name of an info metric ends in `_info`; append it",
            Self::ReservedSuffix => {
                "the suffixes `_total`, `_created`, `_bucket`, `_sum`, `_count`, `_gsum`, `_gcount` and `_info` belong to the \
                 samples of other types; choose another name"
            }
            Self::UnitSuffix => {
                "a name ends in its unit, before `_total` if it is a counter; append the unit or leave it out"
            }
            Self::StateSetName => {
                "the name of a state set is that of its label too, so it does not begin with `__` and has no `:`; rename it"
            }
            Self::UnitNotAllowed => "info and state set metrics have no unit; leave it out",
        }
    }
}

/// A rejected name, and the broken rule.
#[derive(Clone, PartialEq, Eq)]
pub struct NameError {
    name: Box<str>,
    kind: NameErrorKind,
}

impl NameError {
    pub(crate) fn new(name: &str, kind: NameErrorKind) -> Self {
        Self {
            name: name.into(),
            kind,
        }
    }

    /// The rejected name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The broken rule.
    pub fn kind(&self) -> NameErrorKind {
        self.kind
    }
}

impl fmt::Display for NameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "name `{}`: {}",
            crate::error::cut(&self.name).escape_debug(),
            self.kind.reason()
        )
    }
}

crate::error::debug_by_display!(NameError);

impl std::error::Error for NameError {}

/// Returns whether a metric name can be written without quotes and escaping in every format.
pub(crate) const fn is_legacy_metric_name(name: &str) -> bool {
    is_legacy(name.as_bytes(), true)
}

/// Returns whether a label name can be written without quotes and escaping in every format.
pub(crate) const fn is_legacy_label_name(name: &str) -> bool {
    is_legacy(name.as_bytes(), false)
}

const fn is_legacy(name: &[u8], colon: bool) -> bool {
    if name.is_empty() || name[0].is_ascii_digit() {
        return false;
    }
    let mut i = 0;
    while i < name.len() {
        let ok = name[i].is_ascii_alphanumeric() || name[i] == b'_' || (colon && name[i] == b':');
        if !ok {
            return false;
        }
        i += 1;
    }
    true
}

/// Checks a metric name of that metric type: characters, suffixes and unit.
pub(crate) const fn check_metric_name(
    name: &str,
    metric_type: MetricType,
    unit: &str,
    scheme: NameScheme,
) -> Result<(), NameErrorKind> {
    if name.is_empty() {
        return Err(NameErrorKind::Empty);
    }
    if matches!(scheme, NameScheme::Legacy) && !is_legacy_metric_name(name) {
        return Err(NameErrorKind::MetricCharacter);
    }
    let base = match metric_type {
        MetricType::Counter => match strip_suffix(name, "_total") {
            Some(base) => base,
            None => return Err(NameErrorKind::CounterSuffix),
        },
        MetricType::Info => match strip_suffix(name, "_info") {
            Some(base) => base,
            None => return Err(NameErrorKind::InfoSuffix),
        },
        _ => name.as_bytes(),
    };
    if has_reserved_suffix(base) {
        return Err(NameErrorKind::ReservedSuffix);
    }
    if matches!(metric_type, MetricType::StateSet)
        && check_label_name(name, metric_type, scheme).is_err()
    {
        return Err(NameErrorKind::StateSetName);
    }
    check_unit(base, metric_type, unit)
}

/// Checks a name as [`check_metric_name`] does, but allows any suffix in the names of gauges, unknown metrics and counters.
pub(crate) fn check_any_suffix(
    name: &str,
    metric_type: MetricType,
    unit: &str,
) -> Result<(), NameErrorKind> {
    match check_metric_name(name, metric_type, unit, NameScheme::Legacy) {
        Err(NameErrorKind::ReservedSuffix | NameErrorKind::CounterSuffix)
            if matches!(
                metric_type,
                MetricType::Gauge | MetricType::Unknown | MetricType::Counter
            ) =>
        {
            let name = name.as_bytes();
            let base = match metric_type {
                MetricType::Counter => name.strip_suffix(b"_total").unwrap_or(name),
                _ => name,
            };
            check_unit(base, metric_type, unit)
        }
        checked => checked,
    }
}

/// Checks that a name without the suffix of its type ends in its unit.
const fn check_unit(base: &[u8], metric_type: MetricType, unit: &str) -> Result<(), NameErrorKind> {
    if unit.is_empty() {
        return Ok(());
    }
    if matches!(metric_type, MetricType::Info | MetricType::StateSet) {
        return Err(NameErrorKind::UnitNotAllowed);
    }
    let at = match base.len().checked_sub(unit.len() + 1) {
        Some(at) => at,
        None => return Err(NameErrorKind::UnitSuffix),
    };
    if base[at] == b'_' && equal(base.split_at(at + 1).1, unit.as_bytes()) {
        Ok(())
    } else {
        Err(NameErrorKind::UnitSuffix)
    }
}

/// Checks one label name of that metric type.
pub(crate) const fn check_label_name(
    name: &str,
    metric_type: MetricType,
    scheme: NameScheme,
) -> Result<(), NameErrorKind> {
    let bytes = name.as_bytes();
    if bytes.is_empty() {
        return Err(NameErrorKind::Empty);
    }
    if bytes.len() >= 2 && bytes[0] == b'_' && bytes[1] == b'_' {
        return Err(NameErrorKind::ReservedPrefix);
    }
    if matches!(scheme, NameScheme::Legacy) && !is_legacy_label_name(name) {
        return Err(NameErrorKind::LabelCharacter);
    }
    if matches!(
        metric_type,
        MetricType::Histogram | MetricType::GaugeHistogram
    ) && equal(bytes, b"le")
    {
        return Err(NameErrorKind::ReservedLe);
    }
    if matches!(metric_type, MetricType::Summary) && equal(bytes, b"quantile") {
        return Err(NameErrorKind::ReservedQuantile);
    }
    Ok(())
}

/// Checks the label names of one family together; the returned index points to the invalid one.
pub(crate) const fn check_label_names(
    names: &[&str],
    metric: &str,
    metric_type: MetricType,
    scheme: NameScheme,
) -> Result<(), (usize, NameErrorKind)> {
    let mut i = 0;
    while i < names.len() {
        if let Err(fault) = check_label_name(names[i], metric_type, scheme) {
            return Err((i, fault));
        }
        if matches!(metric_type, MetricType::StateSet)
            && equal(names[i].as_bytes(), metric.as_bytes())
        {
            return Err((i, NameErrorKind::ReservedState));
        }
        let mut j = 0;
        while j < i {
            if equal(names[i].as_bytes(), names[j].as_bytes()) {
                return Err((i, NameErrorKind::DuplicateLabel));
            }
            j += 1;
        }
        i += 1;
    }
    Ok(())
}

/// The suffixes that the text formats append to a family's name, for any type.
pub(crate) const SAMPLE_SUFFIXES: [&str; 8] = [
    "_total", "_created", "_bucket", "_sum", "_count", "_gsum", "_gcount", "_info",
];

const fn has_reserved_suffix(name: &[u8]) -> bool {
    let mut i = 0;
    while i < SAMPLE_SUFFIXES.len() {
        if ends_with(name, SAMPLE_SUFFIXES[i].as_bytes()) {
            return true;
        }
        i += 1;
    }
    false
}

const fn strip_suffix<'a>(name: &'a str, suffix: &str) -> Option<&'a [u8]> {
    let name = name.as_bytes();
    if ends_with(name, suffix.as_bytes()) && name.len() > suffix.len() {
        Some(name.split_at(name.len() - suffix.len()).0)
    } else {
        None
    }
}

pub(crate) const fn ends_with(text: &[u8], suffix: &[u8]) -> bool {
    text.len() >= suffix.len() && equal(text.split_at(text.len() - suffix.len()).1, suffix)
}

pub(crate) const fn equal(a: &[u8], b: &[u8]) -> bool {
    if a.len() != b.len() {
        return false;
    }
    let mut i = 0;
    while i < a.len() {
        if a[i] != b[i] {
            return false;
        }
        i += 1;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_state_set_is_one_that_its_label_can_have() {
        for name in ["__light", "a:light"] {
            let check = |kind| check_metric_name(name, kind, "", NameScheme::Legacy);
            assert_eq!(
                check(MetricType::StateSet),
                Err(NameErrorKind::StateSetName),
                "{name}"
            );
            assert_eq!(check(MetricType::Gauge), Ok(()), "{name}");
        }
        let utf8 = check_metric_name("a:light", MetricType::StateSet, "", NameScheme::Utf8);
        assert_eq!(utf8, Ok(()));
    }
}
