//! Errors of registration.

use std::fmt;

use crate::metric::DefinitionError;
use crate::model::MetricType;

/// The reason for rejecting a metric or collector.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub enum RegisterError {
    /// An invalid definition.
    Definition(DefinitionError),
    /// A name that another family, or one of its samples, already has.
    Taken {
        /// The new family.
        name: Box<str>,
        /// The name that is taken.
        sample: Box<str>,
        /// The existing family with that name.
        by: Box<str>,
        /// The existing family's type.
        metric_type: MetricType,
    },
}

impl fmt::Display for RegisterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Definition(error) => error.fmt(f),
            Self::Taken {
                name,
                by,
                metric_type,
                ..
            } if name == by => {
                write!(
                    f,
                    "family `{name}` is already registered, as a {metric_type}; keep its handle and use it again, or choose another name"
                )
            }
            Self::Taken {
                name,
                sample,
                by,
                metric_type,
            } => write!(
                f,
                "family `{name}` and the {metric_type} `{by}` would both have samples named `{sample}`; choose another name"
            ),
        }
    }
}

crate::error::debug_by_display!(RegisterError);

impl std::error::Error for RegisterError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Definition(error) => Some(error),
            Self::Taken { .. } => None,
        }
    }
}

impl From<DefinitionError> for RegisterError {
    fn from(error: DefinitionError) -> Self {
        Self::Definition(error)
    }
}
