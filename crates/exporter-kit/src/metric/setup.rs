//! The setup of a metric: buckets, quantiles, states. The check runs once, and at compile time in a `static`
//! definition.

use std::sync::Arc;
use std::time::Duration;

use crate::metric::bounds::Bounds;
use crate::metric::buckets::{Buckets, DEFAULT_BUCKETS, MAX_BUCKETS};
use crate::metric::cell::{MAX_SCHEMA, MIN_SCHEMA, NativeSettings};
use crate::metric::setup_error::SetupErrorKind;
use crate::model::MetricType;

/// The maximum number of states in a state set: the indices and one value for "no state" have 16 bits.
pub(super) const MAX_STATES: usize = u16::MAX as usize;

/// The setup in a definition; each metric type uses its part.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Setup<'a> {
    pub(crate) buckets: Option<Buckets<'a>>,
    pub(crate) native: Option<NativeSettings>,
    pub(crate) quantiles: &'a [f64],
    pub(crate) window: Duration,
    pub(crate) states: &'a [&'a str],
}

/// The settings that the cells of a family share.
#[derive(Debug)]
pub struct Settings {
    pub(crate) bounds: Bounds,
    /// Boxed, because few families have native buckets.
    pub(crate) native: Option<Box<NativeSettings>>,
    pub(crate) quantiles: Box<[f64]>,
    pub(crate) window: Duration,
    pub(crate) states: Box<[Arc<str>]>,
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

    /// Invariant: `check` has accepted the setup.
    pub(crate) fn settings(&self, kind: MetricType) -> Settings {
        let bounds = if kind == MetricType::Histogram {
            self.bounds()
        } else {
            Vec::new()
        };
        Settings {
            bounds: Bounds::new(bounds),
            native: self.native.map(Box::new),
            quantiles: self.quantiles.into(),
            window: self.window,
            states: self.states.iter().map(|state| (*state).into()).collect(),
        }
    }

    fn bounds(&self) -> Vec<f64> {
        match self.buckets {
            Some(buckets) => buckets.bounds(),
            // The default buckets apply only if nothing else is set.
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
