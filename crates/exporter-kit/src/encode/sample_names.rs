//! The names that a family claims.

use std::borrow::Cow;

use super::Escaping;
use crate::model::Descriptor;

/// All suffixes of [`claimed_suffixes`](crate::MetricType::claimed_suffixes).
pub(crate) const ALL_SUFFIXES: [&str; 9] = [
    "", "_total", "_created", "_bucket", "_sum", "_count", "_gsum", "_gcount", "_info",
];

/// The name that all names claimed by a family begin with: each is this one and a suffix of the family's type.
///
/// It is escaped for clients without UTF-8 support, so that no two families become equal there.
pub(crate) fn claimed_base(descriptor: &Descriptor) -> Cow<'_, str> {
    Escaping::Underscores.metric_name(descriptor.base_name())
}

/// The names that the samples of a family may have in any format, and the family's own in OpenMetrics.
pub(crate) fn sample_names(descriptor: &Descriptor) -> Vec<Box<str>> {
    let base = claimed_base(descriptor);
    let suffixes = descriptor.metric_type().claimed_suffixes().iter();
    suffixes
        .map(|suffix| format!("{base}{suffix}").into())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MetricType;

    #[test]
    fn every_claimed_suffix_is_listed() {
        for metric_type in MetricType::ALL {
            let mut suffixes = metric_type.claimed_suffixes().iter();
            assert!(suffixes.all(|suffix| ALL_SUFFIXES.contains(suffix)));
        }
    }

    #[test]
    fn a_family_claims_its_own_name() {
        for metric_type in MetricType::ALL {
            for name in [
                "a", "a_total", "a_info", "é_total", "_total", "0_info", "_", "é",
            ] {
                let descriptor = Descriptor::unchecked(metric_type, name, "h", "");
                let own = Escaping::Underscores.metric_name(name);
                let names = sample_names(&descriptor);
                assert!(
                    names.iter().any(|name| **name == *own),
                    "{metric_type} {name}"
                );
            }
        }
    }
}
