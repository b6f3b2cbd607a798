//! Native buckets: exponential bounds, only the buckets that are hit.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use crate::model::NativeBuckets;
use crate::sync::OnceLock;
use crate::sync::atomic::{AtomicI32, AtomicI64, AtomicU64, Ordering};

/// The coarsest resolution: bounds grow by 2^16.
pub(crate) const MIN_SCHEMA: i32 = -4;
/// The finest resolution: 256 buckets for each power of two.
pub(crate) const MAX_SCHEMA: i32 = 8;
const LEVELS: usize = (MAX_SCHEMA - MIN_SCHEMA + 1) as usize;

/// Buckets that all finite numbers can fall in at the coarsest resolution, of both signs, fit in this many.
const COARSEST_CAPACITY: usize = if cfg!(exporter_kit_loom) { 4 } else { 512 };

/// How native buckets are set up.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct NativeSettings {
    pub(crate) schema: i32,
    pub(crate) zero_threshold: f64,
    pub(crate) bucket_limit: usize,
}

/// The side of a [`HotCold`](super::hot_cold::HotCold) that holds native buckets until they are drained.
pub(crate) struct NativeSide {
    zero_threshold: f64,
    bucket_limit: usize,
    schema: AtomicI32,
    zero: AtomicU64,
    nan: AtomicU64,
    /// A table per resolution: when one is full, recording goes on in the next coarser one.
    levels: [OnceLock<Table>; LEVELS],
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
            let key = Key::of(value, schema);
            if self.table(schema).add(key) || schema <= MIN_SCHEMA {
                return;
            }
            self.lower_schema_to(schema - 1);
        }
    }

    pub(crate) fn lower_schema_to(&self, schema: i32) {
        self.schema.fetch_min(schema, Ordering::Relaxed);
    }

    fn table(&self, schema: i32) -> &Table {
        let level = usize::try_from(schema - MIN_SCHEMA)
            .unwrap_or(0)
            .min(LEVELS - 1);
        self.levels[level].get_or_init(|| {
            Table::new(if level == 0 {
                COARSEST_CAPACITY
            } else {
                (self.bucket_limit * 2).next_power_of_two()
            })
        })
    }

    /// Moves everything into `totals`. No update may be under way on this side.
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

/// A bucket: its index, and whether it counts negative observations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Key {
    index: i32,
    negative: bool,
}

impl Key {
    /// The bucket of a number that is neither NaN nor 0: the smallest index whose upper bound
    /// 2^(index · 2^-schema) is not less than the absolute value.
    fn of(value: f64, schema: i32) -> Self {
        let infinite = value.is_infinite();
        let (fraction, exponent) = frexp(if infinite { f64::MAX } else { value.abs() });
        let index = if schema > 0 {
            let bounds = &BOUNDS[schema as usize];
            let within = bounds.partition_point(|bound| *bound < fraction);
            i32::try_from(within).unwrap_or(0) + ((exponent - 1) << schema)
        } else {
            let exponent = if fraction == 0.5 {
                exponent - 1
            } else {
                exponent
            };
            (exponent + (1 << -schema) - 1) >> -schema
        };
        // Infinity is beyond the bucket of the largest finite number.
        Self {
            index: index + i32::from(infinite),
            negative: value < 0.0,
        }
    }

    fn pack(self) -> i64 {
        i64::from(self.index) << 1 | i64::from(self.negative)
    }

    fn unpack(packed: i64) -> Self {
        Self {
            index: (packed >> 1) as i32,
            negative: packed & 1 == 1,
        }
    }
}

/// The fractions in [0.5, 1) at which buckets end, by schema.
static BOUNDS: LazyLock<Vec<Vec<f64>>> = LazyLock::new(|| {
    (0..=MAX_SCHEMA)
        .map(|schema| {
            let buckets = 1 << schema;
            (0..buckets)
                .map(|i| 0.5 * (f64::from(i) / f64::from(buckets)).exp2())
                .collect()
        })
        .collect()
});

/// Splits a positive finite number into a fraction in [0.5, 1) and a power of two.
fn frexp(value: f64) -> (f64, i32) {
    const SUBNORMAL_SHIFT: i32 = 54;
    if value < f64::MIN_POSITIVE {
        let (fraction, exponent) = frexp(value * f64::from(SUBNORMAL_SHIFT).exp2());
        return (fraction, exponent - SUBNORMAL_SHIFT);
    }
    let bits = value.to_bits();
    let exponent = ((bits >> 52) & 0x7ff) as i32 - 1022;
    (f64::from_bits(bits & !(0x7ff << 52) | 1022 << 52), exponent)
}

/// A hash table of counts that threads add to without locks; keys go in and never out.
struct Table {
    keys: Box<[AtomicI64]>,
    counts: Box<[AtomicU64]>,
}

const NO_KEY: i64 = i64::MIN;

impl Table {
    /// `capacity` is a power of two.
    fn new(capacity: usize) -> Self {
        Self {
            keys: (0..capacity).map(|_| AtomicI64::new(NO_KEY)).collect(),
            counts: (0..capacity).map(|_| AtomicU64::new(0)).collect(),
        }
    }

    /// Counts one for `key`; false if there is no room for another key.
    fn add(&self, key: Key) -> bool {
        let packed = key.pack();
        let mask = self.keys.len() - 1;
        // Neighbouring indexes are often hit together: Fibonacci hashing spreads them.
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

    /// Takes everything out, keys included. No update may be under way.
    fn drain(&self, mut take: impl FnMut(Key, u64)) {
        for (key, count) in self.keys.iter().zip(&self.counts) {
            let packed = key.swap(NO_KEY, Ordering::Relaxed);
            let count = count.swap(0, Ordering::Relaxed);
            if count > 0 {
                take(Key::unpack(packed), count);
            }
        }
    }
}

/// Native buckets as a reader adds them up: sparse, at one resolution, no more than a limit.
#[derive(Clone, Debug)]
pub(crate) struct SparseBuckets {
    settings: NativeSettings,
    schema: i32,
    pub(crate) zero_count: u64,
    pub(crate) nan_count: u64,
    positive: BTreeMap<i32, u64>,
    negative: BTreeMap<i32, u64>,
}

impl SparseBuckets {
    pub(crate) fn new(settings: &NativeSettings) -> Self {
        Self {
            settings: *settings,
            schema: settings.schema,
            zero_count: 0,
            nan_count: 0,
            positive: BTreeMap::new(),
            negative: BTreeMap::new(),
        }
    }

    pub(crate) fn schema(&self) -> i32 {
        self.schema
    }

    /// Adds everything that another one of the same settings counted.
    pub(crate) fn merge(&mut self, other: &Self) {
        self.zero_count += other.zero_count;
        self.nan_count += other.nan_count;
        for (negative, buckets) in [(false, &other.positive), (true, &other.negative)] {
            for (index, count) in buckets {
                self.add(
                    other.schema,
                    Key {
                        index: *index,
                        negative,
                    },
                    *count,
                );
            }
        }
        self.keep_limit();
    }

    fn add(&mut self, schema: i32, key: Key, count: u64) {
        while self.schema > schema {
            self.halve_resolution();
        }
        let index = (self.schema..schema).fold(key.index, |index, _| coarser(index));
        let buckets = if key.negative {
            &mut self.negative
        } else {
            &mut self.positive
        };
        *buckets.entry(index).or_insert(0) += count;
    }

    /// Halves the resolution until there are no more buckets than allowed.
    fn keep_limit(&mut self) {
        while self.positive.len() + self.negative.len() > self.settings.bucket_limit
            && self.schema > MIN_SCHEMA
        {
            self.halve_resolution();
        }
    }

    fn halve_resolution(&mut self) {
        self.schema -= 1;
        for buckets in [&mut self.positive, &mut self.negative] {
            let mut halved = BTreeMap::new();
            for (index, count) in std::mem::take(buckets) {
                *halved.entry(coarser(index)).or_insert(0) += count;
            }
            *buckets = halved;
        }
    }

    /// All observations.
    pub(crate) fn count(&self) -> u64 {
        self.zero_count
            + self.nan_count
            + self.positive.values().sum::<u64>()
            + self.negative.values().sum::<u64>()
    }

    /// The buckets as the model has them.
    pub(crate) fn to_model(&self) -> NativeBuckets {
        NativeBuckets {
            schema: self.schema,
            zero_threshold: self.settings.zero_threshold,
            zero_count: self.zero_count,
            positive: self
                .positive
                .iter()
                .map(|(index, count)| (*index, *count))
                .collect(),
            negative: self
                .negative
                .iter()
                .map(|(index, count)| (*index, *count))
                .collect(),
            ..NativeBuckets::default()
        }
    }

    /// The value below which the share `quantile` of the observations lies: the middle, in the geometric
    /// sense, of the bucket it falls in. NaN if nothing was observed.
    pub(crate) fn quantile(&self, quantile: f64) -> f64 {
        let ranked = self.count() - self.nan_count;
        if ranked == 0 {
            return f64::NAN;
        }
        let rank = (quantile * ranked as f64).ceil().max(1.0);
        let growth = (-f64::from(self.schema)).exp2();
        let middle = |index: i32| ((f64::from(index) - 0.5) * growth).exp2();
        let negative = self
            .negative
            .iter()
            .rev()
            .map(|(index, count)| (-middle(*index), *count));
        let positive = self
            .positive
            .iter()
            .map(|(index, count)| (middle(*index), *count));
        let mut seen = 0_u64;
        for (value, count) in negative.chain([(0.0, self.zero_count)]).chain(positive) {
            seen += count;
            if seen as f64 >= rank {
                return value;
            }
        }
        f64::NAN
    }
}

/// The bucket that holds bucket `index` at half the resolution.
fn coarser(index: i32) -> i32 {
    (index + 1) >> 1
}

#[cfg(test)]
mod tests {
    use super::*;

    impl SparseBuckets {
        fn observe(&mut self, value: f64) {
            self.add(self.schema, Key::of(value, self.schema), 1);
            self.keep_limit();
        }
    }

    #[test]
    fn a_number_falls_in_the_bucket_whose_bounds_enclose_it() {
        for schema in MIN_SCHEMA..=MAX_SCHEMA {
            let growth = (-f64::from(schema)).exp2();
            for value in [
                1e-300, 5e-324, 0.1, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 1e10, 1.7e308,
            ] {
                let key = Key::of(value, schema);
                let upper = (f64::from(key.index) * growth).exp2();
                let lower = (f64::from(key.index - 1) * growth).exp2();
                assert!(
                    value <= upper * 1.000_000_1 && value >= lower * 0.999_999_9,
                    "{value} at {schema}: {lower}..{upper}"
                );
                assert_eq!(
                    Key::of(-value, schema),
                    Key {
                        index: key.index,
                        negative: true
                    }
                );
            }
        }
        assert_eq!(Key::of(1.0, 3).index, 0);
        assert_eq!(Key::of(2.0, 3).index, 8);
        assert_eq!(Key::of(f64::INFINITY, 0).index, 1025);
        assert_eq!(Key::unpack(Key::of(-0.3, 8).pack()), Key::of(-0.3, 8));
    }

    #[test]
    fn halving_the_resolution_keeps_every_count_in_its_bounds() {
        let settings = NativeSettings {
            schema: 5,
            zero_threshold: 0.0,
            bucket_limit: 8,
        };
        let mut buckets = SparseBuckets::new(&settings);
        let mut expected = Vec::new();
        for i in 1..200 {
            buckets.observe(f64::from(i));
            expected.push(f64::from(i));
        }
        assert!(buckets.positive.len() <= 8 && buckets.schema() < 5);
        assert_eq!(buckets.count(), 199);
        let mut again = BTreeMap::new();
        for value in expected {
            *again
                .entry(Key::of(value, buckets.schema()).index)
                .or_insert(0) += 1;
        }
        assert_eq!(buckets.positive, again);
    }

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

    #[test]
    fn quantiles_are_within_the_error_of_their_resolution() {
        let settings = NativeSettings {
            schema: 6,
            zero_threshold: 0.0,
            bucket_limit: 10_000,
        };
        let mut buckets = SparseBuckets::new(&settings);
        (1..=10_000).for_each(|i| buckets.observe(f64::from(i) / 100.0));
        for (quantile, exact) in [(0.5, 50.0), (0.9, 90.0), (0.99, 99.0), (1.0, 100.0)] {
            let estimate = buckets.quantile(quantile);
            assert!(
                (estimate / exact - 1.0).abs() < 0.0055,
                "{quantile}: {estimate}"
            );
        }
        assert!(SparseBuckets::new(&settings).quantile(0.5).is_nan());
    }
}
