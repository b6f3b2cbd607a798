//! Native buckets on the reader's side: sparse, at one resolution. Also the bucket of a number.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use crate::metric::cell::native::{MAX_SCHEMA, MIN_SCHEMA, NativeSettings};
use crate::model::NativeBuckets;

/// Native buckets that a reader adds up: sparse, at one resolution, and limited in number.
#[derive(Clone, Debug)]
pub(crate) struct SparseBuckets {
    settings: NativeSettings,
    schema: i32,
    pub(crate) zero_count: u64,
    pub(crate) nan_count: u64,
    pub(super) positive: BTreeMap<i32, u64>,
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

    /// Adds all counts of `other`, which has the same settings.
    pub(crate) fn merge(&mut self, other: &Self) {
        self.zero_count += other.zero_count;
        self.nan_count += other.nan_count;
        for (negative, buckets) in [(false, &other.positive), (true, &other.negative)] {
            for (index, count) in buckets {
                self.add(
                    other.schema,
                    BucketKey {
                        index: *index,
                        negative,
                    },
                    *count,
                );
            }
        }
        self.keep_limit();
    }

    pub(super) fn add(&mut self, schema: i32, key: BucketKey, count: u64) {
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

    /// Halves the resolution until the number of buckets is within the limit.
    pub(super) fn keep_limit(&mut self) {
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

    /// Returns the number of observations.
    pub(crate) fn count(&self) -> u64 {
        self.zero_count
            + self.nan_count
            + self.positive.values().sum::<u64>()
            + self.negative.values().sum::<u64>()
    }

    /// Returns the buckets in the form of the data model.
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

    /// Returns the value below which the share `quantile` of the observations lies: the geometric middle of its bucket.
    /// Returns NaN without observations.
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

/// Returns the bucket that contains bucket `index` at half the resolution.
fn coarser(index: i32) -> i32 {
    (index + 1) >> 1
}

/// A bucket: its index and its sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct BucketKey {
    index: i32,
    negative: bool,
}

impl BucketKey {
    /// Returns the bucket of a number that is neither NaN nor 0: the smallest index whose upper bound is not less than
    /// the absolute value. The upper bound is 2^(index · 2^-schema).
    pub(super) fn of(value: f64, schema: i32) -> Self {
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
        // Infinity belongs to the bucket after that of the largest finite number.
        Self {
            index: index + i32::from(infinite),
            negative: value < 0.0,
        }
    }

    pub(super) fn pack(self) -> i64 {
        i64::from(self.index) << 1 | i64::from(self.negative)
    }

    pub(super) fn unpack(packed: i64) -> Self {
        Self {
            index: (packed >> 1) as i32,
            negative: packed & 1 == 1,
        }
    }
}

/// The bucket bounds in [0.5, 1), by schema.
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

/// Splits a positive finite number into a fraction in [0.5, 1) and an exponent of two.
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

#[cfg(test)]
mod tests {
    use super::*;

    impl SparseBuckets {
        fn observe(&mut self, value: f64) {
            self.add(self.schema, BucketKey::of(value, self.schema), 1);
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
                let key = BucketKey::of(value, schema);
                let upper = (f64::from(key.index) * growth).exp2();
                let lower = (f64::from(key.index - 1) * growth).exp2();
                assert!(
                    value <= upper * 1.000_000_1 && value >= lower * 0.999_999_9,
                    "{value} at {schema}: {lower}..{upper}"
                );
                assert_eq!(
                    BucketKey::of(-value, schema),
                    BucketKey {
                        index: key.index,
                        negative: true
                    }
                );
            }
        }
        assert_eq!(BucketKey::of(1.0, 3).index, 0);
        assert_eq!(BucketKey::of(2.0, 3).index, 8);
        assert_eq!(BucketKey::of(f64::INFINITY, 0).index, 1025);
        assert_eq!(
            BucketKey::unpack(BucketKey::of(-0.3, 8).pack()),
            BucketKey::of(-0.3, 8)
        );
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
                .entry(BucketKey::of(value, buckets.schema()).index)
                .or_insert(0) += 1;
        }
        assert_eq!(buckets.positive, again);
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
