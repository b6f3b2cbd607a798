//! Errors of collectors.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use crate::error::cut;
use crate::model::{MetricType, Number};
use crate::name::NameError;

/// The error of a collector: some of its families are missing.
#[non_exhaustive]
pub enum CollectError {
    /// Invalid name.
    Name(NameError),
    /// A value of another type than its family.
    WrongType {
        /// The family.
        family: Box<str>,
        /// The family's type.
        expected: MetricType,
        /// The value's type.
        given: MetricType,
    },
    /// A counter's value that is negative or NaN.
    NotACount {
        /// The family.
        family: Box<str>,
        /// The value.
        value: f64,
    },
    /// A duplicate series.
    Repeated {
        /// The series, as the text formats write it.
        series: Box<str>,
    },
    /// The collector's own source failed.
    Source(Box<dyn Error + Send + Sync>),
}

impl CollectError {
    /// Wraps an error of the collector's own source.
    pub fn source(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Source(error.into())
    }

    /// Rejects a negative value and NaN.
    pub(crate) fn unless_count(family: &str, value: Number) -> Result<(), Self> {
        let value = value.as_f64();
        if value >= 0.0 {
            return Ok(());
        }
        let family = family.into();
        Err(Self::NotACount { family, value })
    }

    /// Rejects a duplicate state. States are few, so the search is quadratic.
    pub(crate) fn unless_repeated(family: &str, states: &[(Arc<str>, bool)]) -> Result<(), Self> {
        for (at, (state, _)) in states.iter().enumerate() {
            if states[..at].iter().any(|(before, _)| before == state) {
                let series = format!("{family}{{{family}={state:?}}}").into();
                return Err(Self::Repeated { series });
            }
        }
        Ok(())
    }
}

impl fmt::Display for CollectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(error) => error.fmt(f),
            Self::WrongType {
                family,
                expected,
                given,
            } => {
                write!(
                    f,
                    "family `{family}` is a {expected}, but the value is of a {given}; write a value of the family's type"
                )
            }
            Self::NotACount { family, value } => {
                write!(
                    f,
                    "counter `{family}` cannot be {value}: a counter is at least 0; use a gauge for numbers that can be less"
                )
            }
            Self::Repeated { series } => {
                let family = series.split('{').next().unwrap_or(series);
                let (family, series) = (cut(family), cut(series));
                write!(
                    f,
                    "family `{family}` has the series `{series}` twice; write each series once"
                )
            }
            Self::Source(error) => error.fmt(f),
        }
    }
}

crate::error::debug_by_display!(CollectError);

impl Error for CollectError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Name(error) => Some(error),
            Self::Source(error) => Some(error.as_ref()),
            _ => None,
        }
    }
}

impl From<NameError> for CollectError {
    fn from(error: NameError) -> Self {
        Self::Name(error)
    }
}
