//! The label sets already written in a family.

use std::hash::BuildHasher;

use hashbrown::hash_table::Entry;
use hashbrown::{DefaultHashBuilder, HashTable};

use crate::model::{Timestamp, render_labels};

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

    /// Adds labels in any order, with the timestamp of their sample; returns `false` if both are a duplicate.
    pub(crate) fn insert_sorted(
        &mut self,
        labels: &[(&str, &str)],
        timestamp: Option<Timestamp>,
    ) -> bool {
        let mut labels = labels.to_vec();
        labels.sort_unstable();
        let mut key = String::new();
        render_labels(&mut key, labels.into_iter());
        if let Some(timestamp) = timestamp {
            let (seconds, nanos) = (timestamp.seconds(), timestamp.subsec_nanos());
            key.push_str(&format!("{seconds}.{nanos}"));
        }
        self.insert(&key)
    }
}
