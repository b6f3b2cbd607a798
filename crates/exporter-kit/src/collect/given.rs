//! The label sets already written in a family.

use std::hash::BuildHasher;

use hashbrown::hash_table::Entry;
use hashbrown::{DefaultHashBuilder, HashTable};

/// The label sets already written in a family, to find duplicates. Stores a 128-bit hash of each, with keys of this
/// process. Two label sets do not collide by chance, and an attacker cannot make them collide.
#[derive(Default)]
pub(crate) struct Given {
    hashers: [DefaultHashBuilder; 2],
    hashes: HashTable<[u64; 2]>,
}

impl Given {
    /// Adds a label set; returns `false` if it is a duplicate.
    pub(crate) fn insert(&mut self, labels: &str) -> bool {
        let hashes = [
            self.hashers[0].hash_one(labels),
            self.hashers[1].hash_one(labels),
        ];
        match self
            .hashes
            .entry(hashes[0], |other| *other == hashes, |other| other[0])
        {
            Entry::Occupied(_) => false,
            Entry::Vacant(entry) => {
                entry.insert(hashes);
                true
            }
        }
    }
}
