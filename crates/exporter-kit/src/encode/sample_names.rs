//! The names that a family claims.

use super::Escaping;
use crate::model::Descriptor;

/// The names that the samples of a family may have in any format, and the family's own in OpenMetrics.
pub(crate) fn sample_names(descriptor: &Descriptor) -> Vec<Box<str>> {
    // With names escaped for clients without UTF-8 support, so that no two families become equal there.
    let base = Escaping::Underscores.metric_name(descriptor.base_name());
    let suffixes = descriptor.metric_type().claimed_suffixes().iter();
    let mut names: Vec<Box<str>> = suffixes
        .map(|suffix| format!("{base}{suffix}").into())
        .collect();
    let name = Escaping::Underscores.metric_name(descriptor.name());
    if !names.iter().any(|other| **other == *name) {
        names.push(name.into());
    }
    names
}
