//! How a metric is set up beside its names: buckets, quantiles, states. Checked like names: once, and at
//! compile time where the definition is a `static`.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::metric::bounds::Bounds;
use crate::metric::cell::{MAX_SCHEMA, MIN_SCHEMA, NativeSettings};
use crate::metric::histogram::DEFAULT_BUCKETS;
use crate::model::Kind;

/// What a definition says; each type of metric uses its part.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Setup<'a> {
    pub(crate) buckets: Option<Buckets<'a>>,
    pub(crate) native: Option<NativeSettings>,
    pub(crate) quantiles: &'a [f64],
    pub(crate) window: Duration,
    pub(crate) states: &'a [&'a str],
}

/// Classic buckets as they were asked for.
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

/// What the cells of a family share.
#[derive(Debug)]
pub struct Settings {
    pub(crate) bounds: Bounds,
    pub(crate) native: Option<NativeSettings>,
    pub(crate) quantiles: Vec<f64>,
    pub(crate) window: Duration,
    pub(crate) states: Vec<Arc<str>>,
}

/// Why a set-up is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SetupFault {
    /// No bucket at all.
    NoBuckets,
    /// A bound that is NaN or -Inf, or +Inf before the end.
    BoundNotFinite,
    /// A bound that is not greater than the one before.
    BoundsNotRising,
    /// A linear or exponential rule that does not make rising bounds.
    BucketRule,
    /// A resolution outside -4 to 8.
    Schema,
    /// A zero threshold that is negative or not finite.
    ZeroThreshold,
    /// A limit of no buckets.
    BucketLimit,
    /// A quantile outside 0 to 1, or not greater than the one before.
    Quantiles,
    /// Quantiles of a window without length.
    Window,
    /// No state at all, or one state twice.
    States,
}

impl SetupFault {
    /// One sentence: the rule and the remedy.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::NoBuckets => {
                "a histogram needs at least one bucket; name a bound, or use native buckets"
            }
            Self::BoundNotFinite => {
                "the bounds of buckets are finite numbers; +Inf is added at the end, leave it out"
            }
            Self::BoundsNotRising => {
                "each bound of a bucket is greater than the one before; sort them and drop doubles"
            }
            Self::BucketRule => {
                "linear buckets need a finite start and a width above 0, exponential ones a start above 0 and a factor \
                 above 1, those of a range a lowest bound above 0, a highest one well above it and at least 3 buckets, \
                 and all at most 10000 buckets with finite bounds"
            }
            Self::Schema => "the schema of native buckets is a whole number from -4 to 8",
            Self::ZeroThreshold => {
                "the zero threshold of native buckets is 0 or greater, and finite"
            }
            Self::BucketLimit => "the limit of native buckets is at least 1",
            Self::Quantiles => {
                "quantiles are numbers from 0 to 1, each greater than the one before"
            }
            Self::Window => "the window of quantiles is at least one second long",
            Self::States => "a state set has at least one state, and each state once",
        }
    }
}

impl fmt::Display for SetupFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.reason())
    }
}

/// No one can tell more buckets apart, and a mistyped count must not take the memory.
const MAX_RULE_BUCKETS: usize = 10_000;

/// How far apart the bounds of a range are at least, as a share of the bound: more than rounding takes.
const LEAST_STEP: f64 = 1e-10;

impl<'a> Setup<'a> {
    pub(crate) const NONE: Setup<'static> = Setup {
        buckets: None,
        native: None,
        quantiles: &[],
        window: Duration::ZERO,
        states: &[],
    };

    pub(crate) const fn check(&self, kind: Kind) -> Result<(), SetupFault> {
        match kind {
            Kind::Histogram => self.check_histogram(),
            Kind::Summary => self.check_quantiles(),
            Kind::StateSet => self.check_states(),
            _ => Ok(()),
        }
    }

    const fn check_histogram(&self) -> Result<(), SetupFault> {
        if let Some(native) = self.native {
            if native.schema < MIN_SCHEMA || native.schema > MAX_SCHEMA {
                return Err(SetupFault::Schema);
            }
            if !(native.zero_threshold >= 0.0 && native.zero_threshold.is_finite()) {
                return Err(SetupFault::ZeroThreshold);
            }
            if native.bucket_limit == 0 {
                return Err(SetupFault::BucketLimit);
            }
        }
        match self.buckets {
            None => Ok(()),
            Some(Buckets::Bounds(bounds)) => check_bounds(bounds),
            Some(Buckets::Linear {
                start,
                width,
                count,
            }) => {
                let last = start + width * count as f64;
                if count == 0 {
                    Err(SetupFault::NoBuckets)
                } else if start.is_finite()
                    && width > 0.0
                    && last.is_finite()
                    && count <= MAX_RULE_BUCKETS
                {
                    Ok(())
                } else {
                    Err(SetupFault::BucketRule)
                }
            }
            Some(Buckets::Exponential {
                start,
                factor,
                count,
            }) => {
                if count == 0 {
                    return Err(SetupFault::NoBuckets);
                }
                if !(start > 0.0 && factor > 1.0 && factor.is_finite() && count <= MAX_RULE_BUCKETS)
                {
                    return Err(SetupFault::BucketRule);
                }
                let mut bound = start;
                let mut i = 0;
                while i < count {
                    bound *= factor;
                    i += 1;
                }
                if bound.is_finite() {
                    Ok(())
                } else {
                    Err(SetupFault::BucketRule)
                }
            }
            Some(Buckets::ExponentialRange { min, max, count }) => {
                if count == 0 {
                    return Err(SetupFault::NoBuckets);
                }
                // Bounds closer than rounding could tell apart would not rise; the least step is no greater
                // than this share of the way.
                let step = (max - min) / max / count as f64;
                if min >= f64::MIN_POSITIVE
                    && (max / min).is_finite()
                    && step > LEAST_STEP
                    && count >= 3
                    && count <= MAX_RULE_BUCKETS
                {
                    Ok(())
                } else {
                    Err(SetupFault::BucketRule)
                }
            }
        }
    }

    const fn check_quantiles(&self) -> Result<(), SetupFault> {
        let mut i = 0;
        while i < self.quantiles.len() {
            let quantile = self.quantiles[i];
            if !(quantile >= 0.0 && quantile <= 1.0) || (i > 0 && quantile <= self.quantiles[i - 1])
            {
                return Err(SetupFault::Quantiles);
            }
            i += 1;
        }
        if i > 0 && self.window.as_secs() == 0 {
            Err(SetupFault::Window)
        } else {
            Ok(())
        }
    }

    const fn check_states(&self) -> Result<(), SetupFault> {
        let mut i = 0;
        while i < self.states.len() {
            let mut j = 0;
            while j < i {
                if crate::name::equal(self.states[i].as_bytes(), self.states[j].as_bytes()) {
                    return Err(SetupFault::States);
                }
                j += 1;
            }
            i += 1;
        }
        if i == 0 {
            Err(SetupFault::States)
        } else {
            Ok(())
        }
    }

    /// Invariant: the set-up has been checked.
    pub(crate) fn settings(&self, kind: Kind) -> Settings {
        let bounds = if kind == Kind::Histogram {
            self.bounds()
        } else {
            Vec::new()
        };
        Settings {
            bounds: Bounds::new(bounds),
            native: self.native,
            quantiles: self.quantiles.to_vec(),
            window: self.window,
            states: self.states.iter().map(|state| (*state).into()).collect(),
        }
    }

    fn bounds(&self) -> Vec<f64> {
        let mut bounds = match self.buckets {
            None if self.native.is_some() => return Vec::new(),
            None => DEFAULT_BUCKETS.to_vec(),
            Some(Buckets::Bounds(bounds)) => bounds.to_vec(),
            Some(Buckets::Linear {
                start,
                width,
                count,
            }) => (0..count - 1).map(|i| start + width * i as f64).collect(),
            Some(Buckets::Exponential {
                start,
                factor,
                count,
            }) => std::iter::successors(Some(start), |bound| Some(bound * factor))
                .take(count - 1)
                .collect(),
            Some(Buckets::ExponentialRange { min, max, count }) => {
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

/// To 12 digits: a bound is a label, and 10 is meant where the root of 1000 gives 9.999999999999998.
fn round(bound: f64) -> f64 {
    format!("{bound:.11e}").parse().unwrap_or(bound)
}

const fn check_bounds(bounds: &[f64]) -> Result<(), SetupFault> {
    if bounds.is_empty() {
        return Err(SetupFault::NoBuckets);
    }
    let mut i = 0;
    while i < bounds.len() {
        // +Inf as the last bound is what would be added; it does no harm.
        let last = i + 1 == bounds.len() && i > 0;
        if !(bounds[i].is_finite() || (last && bounds[i] == f64::INFINITY)) {
            return Err(SetupFault::BoundNotFinite);
        }
        if i > 0 && bounds[i] <= bounds[i - 1] {
            return Err(SetupFault::BoundsNotRising);
        }
        i += 1;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bounds(buckets: Buckets<'_>) -> Result<Vec<f64>, SetupFault> {
        let setup = Setup {
            buckets: Some(buckets),
            ..Setup::NONE
        };
        setup.check(Kind::Histogram).map(|()| setup.bounds())
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
            let bounds = range(min, max, MAX_RULE_BUCKETS).unwrap();
            assert_eq!(bounds.len(), MAX_RULE_BUCKETS);
            assert_eq!(check_bounds(&bounds), Ok(()), "{min} to {max}");
        }
        for (min, max, count) in [
            (0.0, 1.0, 5),
            (2.0, 1.0, 5),
            (1.0, 1.0, 5),
            (1.0, 1.000_000_1, MAX_RULE_BUCKETS),
            (f64::NAN, 1.0, 5),
            (1.0, infinity, 5),
            (1e-300, 1e300, 5),
            (1.0, 2.0, 2),
            (1.0, 2.0, MAX_RULE_BUCKETS + 1),
        ] {
            let fault = SetupFault::BucketRule;
            assert_eq!(
                range(min, max, count),
                Err(fault),
                "{min} to {max}, {count}"
            );
        }
        assert_eq!(range(1.0, 2.0, 0), Err(SetupFault::NoBuckets));
    }

    #[test]
    fn what_makes_no_buckets_is_refused() {
        let cases: [(Buckets<'_>, SetupFault); 8] = [
            (Buckets::Bounds(&[]), SetupFault::NoBuckets),
            (Buckets::Bounds(&[1.0, 1.0]), SetupFault::BoundsNotRising),
            (Buckets::Bounds(&[2.0, 1.0]), SetupFault::BoundsNotRising),
            (Buckets::Bounds(&[f64::NAN]), SetupFault::BoundNotFinite),
            (
                Buckets::Bounds(&[f64::INFINITY, 1.0]),
                SetupFault::BoundNotFinite,
            ),
            (
                Buckets::Linear {
                    start: 0.0,
                    width: 0.0,
                    count: 3,
                },
                SetupFault::BucketRule,
            ),
            (
                Buckets::Exponential {
                    start: 0.0,
                    factor: 2.0,
                    count: 3,
                },
                SetupFault::BucketRule,
            ),
            (
                Buckets::Exponential {
                    start: 1.0,
                    factor: 2.0,
                    count: 2000,
                },
                SetupFault::BucketRule,
            ),
        ];
        for (buckets, fault) in cases {
            assert_eq!(bounds(buckets), Err(fault), "{buckets:?}");
        }
    }
}
