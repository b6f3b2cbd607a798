//! The names that families claim.

use std::hash::BuildHasher;
use std::sync::Arc;

use hashbrown::{DefaultHashBuilder, HashTable};

use crate::encode::{ALL_SUFFIXES, claimed_base};
use crate::model::Descriptor;

/// The names that the samples of the registered families may have.
///
/// One entry for each family, at the beginning that all its names share: each is that name with a suffix of the family's
/// type. Adding, finding and removing a family takes the same time for any number of families.
pub(super) struct Claims<O> {
    hasher: DefaultHashBuilder,
    claims: HashTable<Claim<O>>,
}

/// A family of a collector.
pub(super) struct Claim<O> {
    pub(super) owner: Arc<O>,
    /// The position among the families of the owner.
    at: u32,
}

impl<O: AsRef<[Descriptor]>> Claim<O> {
    /// The family that claims the name.
    pub(super) fn family(&self) -> Option<&Descriptor> {
        (*self.owner).as_ref().get(self.at as usize)
    }
}

impl<O> Default for Claims<O> {
    fn default() -> Self {
        Self {
            hasher: DefaultHashBuilder::default(),
            claims: HashTable::new(),
        }
    }
}

impl<O: AsRef<[Descriptor]>> Claims<O> {
    /// Adds the families of a collector. The caller has checked that their names are free.
    pub(super) fn add(&mut self, owner: &Arc<O>) {
        for (at, family) in (0..).zip((**owner).as_ref()) {
            let hash = self.hasher.hash_one(&*claimed_base(family));
            let owner = Arc::clone(owner);
            let hasher = &self.hasher;
            self.claims
                .insert_unique(hash, Claim { owner, at }, |claim| {
                    let base = claim.family().map(claimed_base);
                    hasher.hash_one(&*base.unwrap_or_default())
                });
        }
    }

    /// Removes the families of a collector.
    pub(super) fn remove(&mut self, owner: &Arc<O>) {
        for (at, family) in (0..).zip((**owner).as_ref()) {
            let hash = self.hasher.hash_one(&*claimed_base(family));
            let is = |claim: &Claim<O>| claim.at == at && Arc::ptr_eq(&claim.owner, owner);
            if let Ok(entry) = self.claims.find_entry(hash, is) {
                entry.remove();
            }
        }
    }

    /// Finds a family that claims the name of a sample, and that `is` accepts.
    pub(super) fn find(&self, sample: &str, is: impl Fn(&Descriptor) -> bool) -> Option<&Claim<O>> {
        ALL_SUFFIXES.iter().find_map(|suffix| {
            let base = sample.strip_suffix(suffix)?;
            self.claims.find(self.hasher.hash_one(base), |claim| {
                claim.family().is_some_and(|family| {
                    let suffixes = family.metric_type().claimed_suffixes();
                    suffixes.contains(suffix) && *claimed_base(family) == *base && is(family)
                })
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use crate::encode::sample_names;
    use crate::model::{Descriptor, MetricType};
    use crate::{Collect, CollectError, Registry, Sink};

    struct Declared(Vec<Descriptor>);

    impl Collect for Declared {
        fn descriptors(&self) -> Vec<Descriptor> {
            self.0.clone()
        }

        fn collect(&self, _: &mut dyn Sink) -> Result<(), CollectError> {
            Ok(())
        }
    }

    /// Names that clash through the suffixes of their types, or once they are escaped.
    const NAMES: [&str; 10] = [
        "a",
        "a_total",
        "a_sum",
        "a_info",
        "a_bucket",
        "a_total_sum",
        "é",
        "_",
        "_sum",
        "é_sum",
    ];

    fn families() -> impl Strategy<Value = Vec<Descriptor>> {
        let name = prop::sample::select(&NAMES[..]);
        let metric_type = prop::sample::select(&MetricType::ALL[..]);
        let family = (name, metric_type)
            .prop_map(|(name, metric_type)| Descriptor::unchecked(metric_type, name, "h", ""));
        prop::collection::vec(family, 0..4)
    }

    proptest! {
        #[test]
        fn the_names_that_are_taken_are_those_of_the_families_that_are_there(
            steps in prop::collection::vec((any::<bool>(), families()), 1..40)
        ) {
            let registry = Registry::new();
            // Each name of a sample, with the number of the collector and the family.
            let mut taken: BTreeMap<Box<str>, (usize, String)> = BTreeMap::new();
            for (number, (removes, families)) in steps.into_iter().enumerate() {
                if let (true, Some(family)) = (removes, families.first()) {
                    let owner = taken.values().find(|(_, name)| name == family.name());
                    let owner = owner.map(|(owner, _)| *owner);
                    prop_assert_eq!(registry.unregister(family.name()), owner.is_some());
                    taken.retain(|_, (of, _)| Some(*of) != owner);
                    continue;
                }
                let mut own: BTreeMap<Box<str>, (usize, String)> = BTreeMap::new();
                let mut is_free = true;
                for family in &families {
                    for sample in sample_names(family) {
                        is_free &= !taken.contains_key(&sample);
                        let claim = (number, family.name().to_owned());
                        let before = own.insert(sample, claim);
                        is_free &= before.is_none_or(|(_, name)| name == family.name());
                    }
                }
                prop_assert_eq!(registry.register(Declared(families)).is_ok(), is_free);
                if is_free {
                    taken.append(&mut own);
                }
            }
        }
    }
}
