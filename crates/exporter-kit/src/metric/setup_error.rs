//! The rules for buckets, quantiles and states.

use std::fmt;

/// A rule that a setup breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SetupErrorKind {
    /// No buckets.
    NoBuckets,
    /// A bound that is NaN, -Inf, or +Inf before the end.
    BoundNotFinite,
    /// A bound that is not greater than the previous one.
    BoundsNotRising,
    /// A linear or exponential rule that does not generate rising bounds.
    BucketRule,
    /// A resolution outside -4 to 8.
    Schema,
    /// A zero threshold that is negative or not finite.
    ZeroThreshold,
    /// A limit of 0 native buckets, or of more than 10 000.
    BucketLimit,
    /// A quantile outside 0 to 1, or not greater than the previous one.
    Quantiles,
    /// A quantile window shorter than one second.
    Window,
    /// No states, more than 65 535 states, or a duplicate state.
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
