//! Finds a series by its labels, in any order.

use std::hash::{BuildHasher, Hash};

use hashbrown::{DefaultHashBuilder, HashTable};

use crate::model::{Sample, SeriesKey, Timestamp, Value};

/// Positions by the hash of a label set and a time. It holds no labels: the caller compares them.
#[derive(Clone, Default)]
pub(crate) struct SeriesIndex {
    hasher: DefaultHashBuilder,
    table: HashTable<(u64, usize)>,
}

impl SeriesIndex {
    /// Hashes labels so that their order does not matter.
    pub(crate) fn hash<N: AsRef<str>, V: AsRef<str>>(
        &self,
        labels: impl Iterator<Item = (N, V)>,
        timestamp: Option<Timestamp>,
    ) -> u64 {
        let labels = labels.fold(0u64, |sum, (name, value)| {
            sum.wrapping_add(self.one((name.as_ref(), value.as_ref())))
        });
        match timestamp {
            Some(time) => labels ^ self.one(time),
            None => labels,
        }
    }

    /// Hashes the labels and the time of a sample, and the name of a line, which its family's name does not determine.
    pub(crate) fn hash_of(&self, key: SeriesKey<'_>, sample: &Sample<'_>) -> u64 {
        let hash = self.hash(key.labels(), sample.timestamp);
        match sample.value {
            Value::Line(..) => hash ^ self.one(key.name()),
            _ => hash,
        }
    }

    fn one(&self, item: impl Hash) -> u64 {
        self.hasher.hash_one(item)
    }

    pub(crate) fn find(&self, hash: u64, mut is_it: impl FnMut(usize) -> bool) -> Option<usize> {
        self.table
            .find(hash, |(other, at)| *other == hash && is_it(*at))
            .map(|(_, at)| *at)
    }

    pub(crate) fn insert(&mut self, hash: u64, at: usize) {
        self.table
            .insert_unique(hash, (hash, at), |(hash, _)| *hash);
    }
}

/// Compares two label sets without duplicates, in any order.
pub(crate) fn same_labels<N, V, M, W>(
    a: impl Iterator<Item = (N, V)> + Clone,
    b: impl Iterator<Item = (M, W)> + Clone,
) -> bool
where
    N: AsRef<str>,
    V: AsRef<str>,
    M: AsRef<str>,
    W: AsRef<str>,
{
    // Nearly always the order is the same, and needs no sorting.
    let (mut left, mut right) = (a.clone(), b.clone());
    loop {
        match (left.next(), right.next()) {
            (None, None) => return true,
            (Some((n, v)), Some((m, w)))
                if n.as_ref() == m.as_ref() && v.as_ref() == w.as_ref() => {}
            (Some(_), Some(_)) => break,
            _ => return false,
        }
    }
    let mut a: Vec<(N, V)> = a.collect();
    let mut b: Vec<(M, W)> = b.collect();
    a.sort_unstable_by(|x, y| x.0.as_ref().cmp(y.0.as_ref()));
    b.sort_unstable_by(|x, y| x.0.as_ref().cmp(y.0.as_ref()));
    a.len() == b.len()
        && a.iter()
            .zip(&b)
            .all(|(x, y)| x.0.as_ref() == y.0.as_ref() && x.1.as_ref() == y.1.as_ref())
}
