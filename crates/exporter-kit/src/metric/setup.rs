//! How a metric is set up beside its names: buckets, quantiles, states. Checked like names: once, and at
//! compile time where the definition is a `static`.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::metric::bounds::Bounds;
use crate::metric::buckets::{Buckets, MAX_BUCKETS};
use crate::metric::cell::{MAX_SCHEMA, MIN_SCHEMA, NativeSettings};
use crate::metric::histogram::DEFAULT_BUCKETS;
use crate::metric::state_set::MAX_STATES;
use crate::model::MetricType;

/// What a definition says; each type of metric uses its part.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Setup<'a> {
    pub(crate) buckets: Option<Buckets<'a>>,
    pub(crate) native: Option<NativeSettings>,
    pub(crate) quantiles: &'a [f64],
    pub(crate) window: Duration,
    pub(crate) states: &'a [&'a str],
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
pub enum SetupErrorKind {
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
    /// A limit of no native buckets, or of more than 10 000.
    BucketLimit,
    /// A quantile outside 0 to 1, or not greater than the one before.
    Quantiles,
    /// Quantiles of a window without length.
    Window,
    /// No state at all, more than 65 535, or one state twice.
    States,
}

impl SetupErrorKind {
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
                 and all at most 10000 buckets with finite bounds that rounding does not make equal"
            }
            Self::Schema => "the schema of native buckets is a whole number from -4 to 8",
            Self::ZeroThreshold => {
                "the zero threshold of native buckets is 0 or greater, and finite"
            }
            Self::BucketLimit => "the limit of native buckets is from 1 to 10000",
            Self::Quantiles => {
                "quantiles are numbers from 0 to 1, each greater than the one before"
            }
            Self::Window => "the window of quantiles is at least one second long",
            Self::States => "a state set has from 1 to 65535 states, and each state once",
        }
    }
}

impl fmt::Display for SetupErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.reason())
    }
}

impl<'a> Setup<'a> {
    pub(crate) const NONE: Setup<'static> = Setup {
        buckets: None,
        native: None,
        quantiles: &[],
        window: Duration::ZERO,
        states: &[],
    };

    pub(crate) const fn check(&self, kind: MetricType) -> Result<(), SetupErrorKind> {
        match kind {
            MetricType::Histogram => self.check_histogram(),
            MetricType::Summary => self.check_quantiles(),
            MetricType::StateSet => self.check_states(),
            _ => Ok(()),
        }
    }

    const fn check_histogram(&self) -> Result<(), SetupErrorKind> {
        if let Some(native) = self.native {
            if native.schema < MIN_SCHEMA || native.schema > MAX_SCHEMA {
                return Err(SetupErrorKind::Schema);
            }
            if !(native.zero_threshold >= 0.0 && native.zero_threshold.is_finite()) {
                return Err(SetupErrorKind::ZeroThreshold);
            }
            if native.bucket_limit == 0 || native.bucket_limit > MAX_BUCKETS {
                return Err(SetupErrorKind::BucketLimit);
            }
        }
        match self.buckets {
            Some(buckets) => buckets.check(),
            None => Ok(()),
        }
    }

    const fn check_quantiles(&self) -> Result<(), SetupErrorKind> {
        let mut i = 0;
        while i < self.quantiles.len() {
            let quantile = self.quantiles[i];
            if !(quantile >= 0.0 && quantile <= 1.0) || (i > 0 && quantile <= self.quantiles[i - 1])
            {
                return Err(SetupErrorKind::Quantiles);
            }
            i += 1;
        }
        if i > 0 && self.window.as_secs() == 0 {
            Err(SetupErrorKind::Window)
        } else {
            Ok(())
        }
    }

    const fn check_states(&self) -> Result<(), SetupErrorKind> {
        if self.states.len() > MAX_STATES {
            return Err(SetupErrorKind::States);
        }
        let mut i = 0;
        while i < self.states.len() {
            let mut j = 0;
            while j < i {
                if crate::name::equal(self.states[i].as_bytes(), self.states[j].as_bytes()) {
                    return Err(SetupErrorKind::States);
                }
                j += 1;
            }
            i += 1;
        }
        if i == 0 {
            Err(SetupErrorKind::States)
        } else {
            Ok(())
        }
    }

    /// Invariant: the set-up has been checked.
    pub(crate) fn settings(&self, kind: MetricType) -> Settings {
        let bounds = if kind == MetricType::Histogram {
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
        match self.buckets {
            Some(buckets) => buckets.bounds(),
            // The default ones are for who chooses nothing.
            None if self.native.is_some() => Vec::new(),
            None => Buckets::Bounds(&DEFAULT_BUCKETS).bounds(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Histogram;

    #[test]
    fn a_limit_of_native_buckets_is_one_that_there_is_memory_for() {
        let check = |limit| {
            let definition = Histogram::define("h", "h").native_bucket_limit(limit);
            definition.setup.check(MetricType::Histogram)
        };
        assert_eq!(check(1), Ok(()));
        assert_eq!(check(10_000), Ok(()));
        for limit in [0, 10_001, usize::MAX] {
            assert_eq!(check(limit), Err(SetupErrorKind::BucketLimit), "{limit}");
        }
    }
}
