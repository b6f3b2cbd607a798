//! Classic buckets of a definition: a list of bounds, or a rule that generates them.

use crate::metric::setup_error::SetupErrorKind;

/// The default upper bounds of a histogram's buckets, in seconds. Other Prometheus clients have the same defaults.
pub const DEFAULT_BUCKETS: [f64; 11] = [
    0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
];

/// Classic buckets of a definition.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Buckets<'a> {
    Bounds(&'a [f64]),
    Linear {
        start: f64,
        width: f64,
        count: usize,
    },
    Exponential {
        start: f64,
        factor: f64,
        count: usize,
    },
    ExponentialRange {
        min: f64,
        max: f64,
        count: usize,
    },
}

/// More buckets are not distinguishable, and a mistyped count must not exhaust the memory.
pub(super) const MAX_BUCKETS: usize = 10_000;

/// The minimum distance between the bounds of a range, relative to the bound: larger than a rounding error.
const LEAST_STEP: f64 = 1e-10;

impl Buckets<'_> {
    /// Checks that the bounds are finite and rise, also those that [`bounds`](Self::bounds) generates.
    pub(super) const fn check(self) -> Result<(), SetupErrorKind> {
        let (start, count, is_possible) = match self {
            Self::Bounds(bounds) => return check_bounds(bounds),
            Self::Linear { start, count, .. } => (start, count, start.is_finite()),
            Self::Exponential { start, count, .. } => {
                (start, count, start > 0.0 && start.is_finite())
            }
            Self::ExponentialRange { min, max, count } => {
                // Rounding makes bounds equal that are too close. The smallest step is at least this share of its
                // bound.
                let step = (max - min) / max / count as f64;
                let rises =
                    min >= f64::MIN_POSITIVE && (max / min).is_finite() && step > LEAST_STEP;
                (min, count, rises && count >= 3)
            }
        };
        if count == 0 {
            return Err(SetupErrorKind::NoBuckets);
        }
        if !is_possible || count > MAX_BUCKETS {
            return Err(SetupErrorKind::BucketRule);
        }
        // A step can be lost to rounding.
        let mut bound = start;
        let mut i = 1;
        while i < count - 1 {
            let next = match self {
                Self::Linear { start, width, .. } => start + width * i as f64,
                Self::Exponential { factor, .. } => bound * factor,
                _ => return Ok(()),
            };
            if !(next > bound && next.is_finite()) {
                return Err(SetupErrorKind::BucketRule);
            }
            bound = next;
            i += 1;
        }
        Ok(())
    }

    /// Returns the bounds, the last one +Inf. Invariant: `check` has accepted them.
    pub(super) fn bounds(self) -> Vec<f64> {
        let mut bounds = match self {
            Self::Bounds(bounds) => bounds.to_vec(),
            Self::Linear {
                start,
                width,
                count,
            } => (0..count - 1).map(|i| start + width * i as f64).collect(),
            Self::Exponential {
                start,
                factor,
                count,
            } => std::iter::successors(Some(start), |bound| Some(bound * factor))
                .take(count - 1)
                .collect(),
            Self::ExponentialRange { min, max, count } => {
                let last = count - 2;
                let between = (1..last).map(|i| {
                    let share = i as f64 / last as f64;
                    round(min * (max / min).powf(share))
                });
                std::iter::once(min)
                    .chain(between)
                    .chain(std::iter::once(max))
                    .collect()
            }
        };
        if bounds.last() != Some(&f64::INFINITY) {
            bounds.push(f64::INFINITY);
        }
        bounds
    }
}

/// Rounds to 12 digits. A bound is a label, and the root of 1000 gives 9.999999999999998 instead of 10.
fn round(bound: f64) -> f64 {
    format!("{bound:.11e}").parse().unwrap_or(bound)
}

const fn check_bounds(bounds: &[f64]) -> Result<(), SetupErrorKind> {
    if bounds.is_empty() {
        return Err(SetupErrorKind::NoBuckets);
    }
    let mut i = 0;
    while i < bounds.len() {
        // +Inf is valid as the last bound: it would be added anyway.
        let last = i + 1 == bounds.len() && i > 0;
        if !(bounds[i].is_finite() || (last && bounds[i] == f64::INFINITY)) {
            return Err(SetupErrorKind::BoundNotFinite);
        }
        if i > 0 && bounds[i] <= bounds[i - 1] {
            return Err(SetupErrorKind::BoundsNotRising);
        }
        i += 1;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bounds(buckets: Buckets<'_>) -> Result<Vec<f64>, SetupErrorKind> {
        buckets.check().map(|()| buckets.bounds())
    }

    #[test]
    fn rules_count_the_infinite_bucket_in() {
        let infinity = f64::INFINITY;
        assert_eq!(
            bounds(Buckets::Linear {
                start: 1.0,
                width: 2.0,
                count: 4
            }),
            Ok(vec![1.0, 3.0, 5.0, infinity])
        );
        assert_eq!(
            bounds(Buckets::Exponential {
                start: 1.0,
                factor: 10.0,
                count: 3
            }),
            Ok(vec![1.0, 10.0, infinity])
        );
        assert_eq!(
            bounds(Buckets::Linear {
                start: 1.0,
                width: 2.0,
                count: 1
            }),
            Ok(vec![infinity])
        );
        assert_eq!(
            bounds(Buckets::Bounds(&[1.0, infinity])),
            Ok(vec![1.0, infinity])
        );
    }

    #[test]
    fn a_range_ends_at_its_ends() {
        let range = |min, max, count| bounds(Buckets::ExponentialRange { min, max, count });
        let infinity = f64::INFINITY;
        assert_eq!(
            range(1.0, 1000.0, 5),
            Ok(vec![1.0, 10.0, 100.0, 1000.0, infinity])
        );
        assert_eq!(range(0.3, 0.7, 3), Ok(vec![0.3, 0.7, infinity]));
        for (min, max) in [
            (1.0, 1.000_002),
            (f64::MIN_POSITIVE, 1e-10),
            (1e300, f64::MAX),
        ] {
            let bounds = range(min, max, MAX_BUCKETS).unwrap();
            assert_eq!(bounds.len(), MAX_BUCKETS);
            assert_eq!(check_bounds(&bounds), Ok(()), "{min} to {max}");
        }
        for (min, max, count) in [
            (0.0, 1.0, 5),
            (2.0, 1.0, 5),
            (1.0, 1.0, 5),
            (1.0, 1.000_000_1, MAX_BUCKETS),
            (f64::NAN, 1.0, 5),
            (1.0, infinity, 5),
            (1e-300, 1e300, 5),
            (1.0, 2.0, 2),
            (1.0, 2.0, MAX_BUCKETS + 1),
        ] {
            let fault = SetupErrorKind::BucketRule;
            assert_eq!(
                range(min, max, count),
                Err(fault),
                "{min} to {max}, {count}"
            );
        }
        assert_eq!(range(1.0, 2.0, 0), Err(SetupErrorKind::NoBuckets));
    }

    #[test]
    fn what_makes_no_buckets_is_refused() {
        let cases: [(Buckets<'_>, SetupErrorKind); 10] = [
            // Steps lost to rounding.
            (
                Buckets::Linear {
                    start: 1e17,
                    width: 1.0,
                    count: 4,
                },
                SetupErrorKind::BucketRule,
            ),
            (
                Buckets::Exponential {
                    start: 5e-324,
                    factor: 1.2,
                    count: 4,
                },
                SetupErrorKind::BucketRule,
            ),
            (Buckets::Bounds(&[]), SetupErrorKind::NoBuckets),
            (
                Buckets::Bounds(&[1.0, 1.0]),
                SetupErrorKind::BoundsNotRising,
            ),
            (
                Buckets::Bounds(&[2.0, 1.0]),
                SetupErrorKind::BoundsNotRising,
            ),
            (Buckets::Bounds(&[f64::NAN]), SetupErrorKind::BoundNotFinite),
            (
                Buckets::Bounds(&[f64::INFINITY, 1.0]),
                SetupErrorKind::BoundNotFinite,
            ),
            (
                Buckets::Linear {
                    start: 0.0,
                    width: 0.0,
                    count: 3,
                },
                SetupErrorKind::BucketRule,
            ),
            (
                Buckets::Exponential {
                    start: 0.0,
                    factor: 2.0,
                    count: 3,
                },
                SetupErrorKind::BucketRule,
            ),
            (
                Buckets::Exponential {
                    start: 1.0,
                    factor: 2.0,
                    count: 2000,
                },
                SetupErrorKind::BucketRule,
            ),
        ];
        for (buckets, fault) in cases {
            assert_eq!(bounds(buckets), Err(fault), "{buckets:?}");
        }
    }
}
