//! Errors of registering.

use std::fmt;

use crate::metric::DefinitionError;
use crate::model::MetricType;

/// The reason why a metric or collector can't be added to a registry.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub enum RegisterError {
    /// The definition is not valid.
    Definition(DefinitionError),
    /// Another family has the name, or samples of that name.
    Taken {
        /// The family that was to be added.
        name: Box<str>,
        /// The name that is taken.
        sample: Box<str>,
        /// The family that has it.
        by: Box<str>,
        /// That family's type.
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
                    "family `{name}` is there already, as a {metric_type}; keep its handle and use it again, or choose another name"
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
