//! Merges the families of several sources into one exposition. Families of one name become one. Contradictions are left
//! out and counted with the later source.

use std::borrow::Cow;

use hashbrown::{HashMap, HashSet};

use super::view::{Shown, View};
use crate::collect::Sink;
use crate::encode::sample_names;
use crate::error::cut;
use crate::model::{Composition, Descriptor, Sample, SeriesKey};
use crate::snapshot::{FamilyNames, FamilySnapshot, SeriesIndex, contested, same_labels};

/// A family, from one or more sources.
struct Merged<'v> {
    parts: Vec<(&'v Shown, &'v FamilySnapshot)>,
    is_loose: bool,
}

/// The holder of a name.
#[derive(Clone, Copy, PartialEq)]
enum Holder {
    /// A family with exactly these names, or no source's at all.
    Strict,
    /// One whose samples are families of unknown type in OpenMetrics.
    Loose,
}

/// Writes all families of a view in the order of their names, and the series of one family in the order of the sources.
/// `reserved` are families that no source may have.
pub(crate) fn give(view: &View, reserved: &[Descriptor], sink: &mut dyn Sink) {
    let mut families = collect(view);
    if !are_distinct(&families, reserved) {
        settle(&mut families, reserved);
    }
    families.retain(|family| !family.parts.is_empty());
    families.sort_by(|a, b| a.name().cmp(b.name()));
    for family in &families {
        family.give(sink);
    }
}

/// Returns whether no name is claimed twice, which is usual.
fn are_distinct(families: &[Merged<'_>], reserved: &[Descriptor]) -> bool {
    let mut claimed: HashSet<Box<str>> = HashSet::new();
    let descriptors = families.iter().map(Merged::descriptor).chain(reserved);
    let have_values = families.iter().all(|family| {
        let parts = &mut family.parts.iter();
        parts.all(|(_, part)| part.descriptor().composition() == Composition::Values)
    });
    have_values
        && descriptors
            .flat_map(sample_names)
            .all(|name| claimed.insert(name))
}

/// Loosens families that claim a name of another one, or leaves out the later one.
fn settle(families: &mut [Merged<'_>], reserved: &[Descriptor]) {
    let names: Vec<_> = families.iter().map(Merged::names).collect();
    let contested = contested(&names);
    let mut held: HashMap<Box<str>, Holder> = HashMap::new();
    for name in reserved.iter().flat_map(sample_names) {
        held.insert(name, Holder::Strict);
    }
    for ((family, names), is_contested) in families.iter_mut().zip(names).zip(contested) {
        family.is_loose |= is_contested;
        let (holder, names): (_, Vec<Box<str>>) = if family.is_loose {
            (Holder::Loose, names.actual.into_iter().collect())
        } else {
            (Holder::Strict, names.claimed)
        };
        let is_free = |name: &str| match held.get(name) {
            None => true,
            Some(other) => *other == Holder::Loose && holder == Holder::Loose,
        };
        if names.iter().all(|it| is_free(it)) {
            held.extend(names.into_iter().map(|name| (name, holder)));
            continue;
        }
        for (shown, part) in family.parts.drain(..) {
            count_conflict(shown, part.descriptor().name());
        }
    }
}

/// Collects the families of all sources by name, in the order of the sources.
fn collect(view: &View) -> Vec<Merged<'_>> {
    let mut families: Vec<Merged<'_>> = Vec::new();
    let mut places: HashMap<&str, usize> = HashMap::new();
    for shown in &view.0 {
        let snapshots = shown.good.as_ref().map(|good| good.fetched.snapshot());
        for family in snapshots
            .into_iter()
            .flat_map(|snapshot| snapshot.families())
        {
            let descriptor = family.descriptor();
            let is_loose = descriptor.composition() == Composition::Loose;
            match places.get(descriptor.name()).map(|at| &mut families[*at]) {
                Some(known) if known.descriptor().metric_type() == descriptor.metric_type() => {
                    known.is_loose |= is_loose;
                    known.parts.push((shown, family));
                }
                Some(_) => count_conflict(shown, descriptor.name()),
                None => {
                    places.insert(descriptor.name(), families.len());
                    families.push(Merged {
                        parts: vec![(shown, family)],
                        is_loose,
                    });
                }
            }
        }
    }
    families
}

impl<'v> Merged<'v> {
    fn descriptor(&self) -> &'v Descriptor {
        self.parts[0].1.descriptor()
    }

    fn name(&self) -> &'v str {
        self.descriptor().name()
    }

    fn names(&self) -> FamilyNames {
        let mut names = FamilyNames::new(self.descriptor());
        for (_, part) in &self.parts {
            part.add_names_to(&mut names);
        }
        names
    }

    fn give(&self, sink: &mut dyn Sink) {
        let mut descriptor = Cow::Borrowed(self.descriptor());
        if self.is_loose || self.parts.len() > 1 {
            let parts = self.parts.iter();
            let joined = parts.fold(descriptor.into_owned(), |joined, (_, part)| {
                joined.joined(part.descriptor())
            });
            descriptor = Cow::Owned(if self.is_loose {
                joined.composed(Composition::Loose)
            } else {
                joined
            });
        }
        if !sink.family(&descriptor) {
            return;
        }
        match &*self.parts {
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
            let hash = index.hash_of(head, &point);
            let known = index.find(hash, |at| {
                given[at].1.timestamp == point.timestamp
                    && given[at].0.name() == head.name()
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
            "`{}` contradicts what came before and is left out; rename it, or tell it apart by a label",
            cut(what)
        );
        shown.runner.count_conflict(good, &conflict);
    }
}
