//! The label sets of a family so far.

use std::hash::BuildHasher;

use hashbrown::hash_table::Entry;
use hashbrown::{DefaultHashBuilder, HashTable};

/// The label sets that a family has been given, so that none is given twice: 128 bits of hash of each, with
/// keys of this process, which no two label sets will share by chance or by intent.
#[derive(Default)]
pub(crate) struct Given {
    hashers: [DefaultHashBuilder; 2],
    hashes: HashTable<[u64; 2]>,
}

impl Given {
    /// Takes a label set; false if it is there already.
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
