//! Native buckets: exponential bounds, and memory only for buckets with observations.

use crate::metric::cell::sparse_buckets::{BucketKey, SparseBuckets};
use crate::sync::OnceLock;
use crate::sync::atomic::{AtomicI32, AtomicI64, AtomicU64, Ordering};

/// The coarsest resolution: bounds grow by a factor of 2^16.
pub(crate) const MIN_SCHEMA: i32 = -4;
/// The finest resolution: 256 buckets for each power of two.
pub(crate) const MAX_SCHEMA: i32 = 8;
const LEVELS: usize = (MAX_SCHEMA - MIN_SCHEMA + 1) as usize;

/// The capacity for all buckets of finite numbers, of both signs, at the coarsest resolution.
const COARSEST_CAPACITY: usize = if cfg!(exporter_kit_loom) { 4 } else { 512 };

/// The settings of native buckets.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct NativeSettings {
    pub(crate) schema: i32,
    pub(crate) zero_threshold: f64,
    pub(crate) bucket_limit: usize,
}

/// The part of a [`HotCold`](super::hot_cold::HotCold) side that holds native buckets until a reader drains them.
pub(crate) struct NativeSide {
    zero_threshold: f64,
    bucket_limit: usize,
    schema: AtomicI32,
    zero: AtomicU64,
    nan: AtomicU64,
    /// A table per resolution: when one is full, recording continues in the next coarser one.
    levels: [OnceLock<CountTable>; LEVELS],
}

impl NativeSide {
    pub(crate) fn new(settings: &NativeSettings) -> Self {
        Self {
            zero_threshold: settings.zero_threshold,
            bucket_limit: settings.bucket_limit,
            schema: AtomicI32::new(settings.schema),
            zero: AtomicU64::new(0),
            nan: AtomicU64::new(0),
            levels: std::array::from_fn(|_| OnceLock::new()),
        }
    }

    pub(crate) fn observe(&self, value: f64) {
        if value.is_nan() {
            self.nan.fetch_add(1, Ordering::Relaxed);
            return;
        }
        if value.abs() <= self.zero_threshold {
            self.zero.fetch_add(1, Ordering::Relaxed);
            return;
        }
        loop {
            let schema = self.schema.load(Ordering::Relaxed);
            let key = BucketKey::of(value, schema);
            if self.table(schema).add(key) || schema <= MIN_SCHEMA {
                return;
            }
            self.lower_schema_to(schema - 1);
        }
    }

    pub(crate) fn lower_schema_to(&self, schema: i32) {
        self.schema.fetch_min(schema, Ordering::Relaxed);
    }

    fn table(&self, schema: i32) -> &CountTable {
        let level = usize::try_from(schema - MIN_SCHEMA)
            .unwrap_or(0)
            .min(LEVELS - 1);
        self.levels[level].get_or_init(|| {
            CountTable::new(if level == 0 {
                COARSEST_CAPACITY
            } else {
                (self.bucket_limit * 2).next_power_of_two()
            })
        })
    }

    /// Moves everything into `totals`. The caller ensures that no update is under way on this side.
    pub(crate) fn drain_into(&self, totals: &mut SparseBuckets) {
        totals.zero_count += self.zero.swap(0, Ordering::Relaxed);
        totals.nan_count += self.nan.swap(0, Ordering::Relaxed);
        for (schema, table) in (MIN_SCHEMA..).zip(&self.levels) {
            if let Some(table) = table.get() {
                table.drain(|key, count| totals.add(schema, key, count));
            }
        }
        totals.keep_limit();
    }
}

/// A hash table of counts that threads add to without locks. Adding never removes a key.
struct CountTable {
    keys: Box<[AtomicI64]>,
    counts: Box<[AtomicU64]>,
}

const NO_KEY: i64 = i64::MIN;

impl CountTable {
    /// Makes an empty table; `capacity` is a power of two.
    fn new(capacity: usize) -> Self {
        Self {
            keys: (0..capacity).map(|_| AtomicI64::new(NO_KEY)).collect(),
            counts: (0..capacity).map(|_| AtomicU64::new(0)).collect(),
        }
    }

    /// Counts one for `key`; returns false if another key does not fit.
    fn add(&self, key: BucketKey) -> bool {
        let packed = key.pack();
        let mask = self.keys.len() - 1;
        // Fibonacci hashing spreads neighbouring indexes, which are often hit together.
        let start = (packed.cast_unsigned().wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as usize;
        for at in (0..=mask).map(|step| (start + step) & mask) {
            let mut there = self.keys[at].load(Ordering::Relaxed);
            if there == NO_KEY {
                let claim = self.keys[at].compare_exchange(
                    NO_KEY,
                    packed,
                    Ordering::Relaxed,
                    Ordering::Relaxed,
                );
                there = claim.map_or_else(|other| other, |_| packed);
            }
            if there == packed {
                self.counts[at].fetch_add(1, Ordering::Relaxed);
                return true;
            }
        }
        false
    }

    /// Takes out everything, keys included. The caller ensures that no update is under way.
    fn drain(&self, mut take: impl FnMut(BucketKey, u64)) {
        for (key, count) in self.keys.iter().zip(&self.counts) {
            let packed = key.swap(NO_KEY, Ordering::Relaxed);
            let count = count.swap(0, Ordering::Relaxed);
            if count > 0 {
                take(BucketKey::unpack(packed), count);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_table_goes_on_at_a_coarser_resolution() {
        let settings = NativeSettings {
            schema: 8,
            zero_threshold: 0.0,
            bucket_limit: 4,
        };
        let side = NativeSide::new(&settings);
        (1..1000).for_each(|i| side.observe(f64::from(i)));
        side.observe(f64::NAN);
        side.observe(0.0);
        let mut totals = SparseBuckets::new(&settings);
        side.drain_into(&mut totals);
        assert_eq!(totals.count(), 1001);
        assert!(totals.positive.len() <= 4);
    }
}
