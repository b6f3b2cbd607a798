//! Merges the families of several sources into one exposition. Families of one name become one. Contradictions are left
//! out and counted with the later source.

use std::collections::BTreeMap;

use hashbrown::HashMap;

use super::view::{Shown, View};
use crate::collect::Sink;
use crate::encode::sample_names;
use crate::model::{Descriptor, Sample, SeriesKey};
use crate::snapshot::{FamilySnapshot, SeriesIndex, same_labels};

/// Writes all families of a view in the order of their names, and the series of one family in the order of the sources.
/// `reserved` are families that no source may have.
pub(crate) fn give(view: &View, reserved: &[Descriptor], sink: &mut dyn Sink) {
    // The family behind each sample name.
    let mut claims: HashMap<Box<str>, &str> = HashMap::new();
    for descriptor in reserved {
        for name in sample_names(descriptor) {
            claims.insert(name, descriptor.name());
        }
    }
    let mut families: BTreeMap<&str, Vec<(&Shown, &FamilySnapshot)>> = BTreeMap::new();
    for shown in &view.0 {
        let snapshots = shown.good.as_ref().map(|good| good.fetched.snapshot());
        for family in snapshots
            .into_iter()
            .flat_map(|snapshot| snapshot.families())
        {
            let descriptor = family.descriptor();
            let name = descriptor.name();
            let parts = families.get_mut(name);
            match parts {
                Some(parts)
                    if parts[0].1.descriptor().metric_type() == descriptor.metric_type() =>
                {
                    parts.push((shown, family));
                }
                Some(_) => count_conflict(shown, name),
                None => {
                    let names = sample_names(descriptor);
                    if names.iter().any(|name| claims.contains_key(name)) {
                        count_conflict(shown, name);
                        continue;
                    }
                    claims.extend(names.into_iter().map(|sample| (sample, name)));
                    families.insert(name, vec![(shown, family)]);
                }
            }
        }
    }
    for parts in families.values() {
        let [(_, first), ..] = &**parts else { continue };
        if !sink.family(first.descriptor()) {
            continue;
        }
        match &**parts {
            [(_, only)] => {
                // Its series are distinct already.
                let _ = only.series().all(|(head, point)| sink.sample(head, &point));
            }
            several => give_merged(several, sink),
        }
    }
}

/// Writes the series of a family that several sources have, each label set once.
fn give_merged(parts: &[(&Shown, &FamilySnapshot)], sink: &mut dyn Sink) {
    let mut index = SeriesIndex::default();
    let mut given: Vec<(SeriesKey<'_>, Sample<'_>)> = Vec::new();
    for (shown, family) in parts {
        for (head, point) in family.series() {
            let hash = index.hash(head.labels(), point.timestamp);
            let known = index.find(hash, |at| {
                given[at].1.timestamp == point.timestamp
                    && same_labels(given[at].0.labels(), head.labels())
            });
            if known.is_some() {
                count_conflict(shown, head.text().trim_end());
                continue;
            }
            index.insert(hash, given.len());
            given.push((head, point));
            if !sink.sample(head, &point) {
                return;
            }
        }
    }
}

/// Counts a source's conflict with an earlier source.
fn count_conflict(shown: &Shown, what: &str) {
    if let Some(good) = &shown.good {
        let conflict = format!(
            "`{what}` contradicts what came before and is left out; rename it, or tell it apart by a label"
        );
        shown.runner.count_conflict(good, &conflict);
    }
}
