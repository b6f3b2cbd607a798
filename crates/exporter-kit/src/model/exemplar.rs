//! Exemplars: examples for a number.

use std::fmt;

use crate::model::series_key::{Labels, render_key};
use crate::model::{MetricType, Timestamp};
use crate::name::{self, NameError, NameScheme};

/// An example for a number: some labels (such as a trace id), the value, and the time.
#[derive(Clone, Debug, PartialEq)]
pub struct Exemplar {
    /// Invariant: `a="b",c="d"`, escaped, names checked, at most 128 code points of names and values.
    labels: Box<str>,
    value: f64,
    timestamp: Option<Timestamp>,
}

/// The most code points that an exemplar's label names and values may have together (OpenMetrics 1.0).
pub const EXEMPLAR_MAX_CHARS: usize = 128;

impl Exemplar {
    /// Creates an exemplar of `value` with these labels.
    ///
    /// # Errors
    /// When a label name is invalid or a duplicate, or names and values have more than [`EXEMPLAR_MAX_CHARS`] code
    /// points together.
    pub fn new(
        labels: &[(&str, &str)],
        value: f64,
        timestamp: Option<Timestamp>,
    ) -> Result<Self, ExemplarError> {
        let names: Vec<&str> = labels.iter().map(|(name, _)| *name).collect();
        name::check_label_names(&names, "", MetricType::Unknown, NameScheme::Utf8)
            .map_err(|(i, fault)| ExemplarError::Name(NameError::new(names[i], fault)))?;
        let chars = labels
            .iter()
            .map(|(name, value)| name.chars().count() + value.chars().count())
            .sum();
        if chars > EXEMPLAR_MAX_CHARS {
            return Err(ExemplarError::TooLong { chars });
        }
        let mut text = String::new();
        render_key(&mut text, "", labels.iter().copied());
        let inner = text.get(1..text.len().saturating_sub(2)).unwrap_or("");
        Ok(Self {
            labels: inner.into(),
            value,
            timestamp,
        })
    }

    /// The labels, unescaped.
    pub fn labels(&self) -> Labels<'_> {
        Labels::of(&self.labels)
    }

    /// The labels as the text formats write them, without braces.
    pub(crate) fn label_text(&self) -> &str {
        &self.labels
    }

    /// The observed value or the amount counted.
    pub fn value(&self) -> f64 {
        self.value
    }

    /// The time of the recording.
    pub fn timestamp(&self) -> Option<Timestamp> {
        self.timestamp
    }
}

/// The reason for rejecting an exemplar.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ExemplarError {
    /// A label name that is invalid or a duplicate.
    Name(NameError),
    /// Names and values have more than [`EXEMPLAR_MAX_CHARS`] code points together.
    TooLong {
        /// Their number of code points.
        chars: usize,
    },
}

impl fmt::Display for ExemplarError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(error) => error.fmt(f),
            Self::TooLong { chars } => write!(
                f,
                "the exemplar's label names and values have {chars} characters; OpenMetrics allows {EXEMPLAR_MAX_CHARS}, shorten them"
            ),
        }
    }
}

crate::error::debug_by_display!(ExemplarError);

impl std::error::Error for ExemplarError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Name(error) => Some(error),
            Self::TooLong { .. } => None,
        }
    }
}
