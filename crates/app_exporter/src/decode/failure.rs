//! Failures at run time.

use std::fmt;

use exporter_kit::CollectError;
use exporter_kit::source::{SourceError, SourceErrorReason as Reason};

/// A failed fetch, row or metric. The reason labels the failure count; the message names the offending value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) reason: Reason,
    pub(crate) message: String,
}

/// The limit of characters of a message.
const MAX_MESSAGE: usize = 2000;

impl Failure {
    /// Creates a failure. A message that is too long is cut.
    pub(crate) fn new(reason: Reason, message: impl Into<String>) -> Self {
        let mut message = message.into();
        if let Some((end, _)) = message.char_indices().nth(MAX_MESSAGE) {
            message.truncate(end);
            message.push('…');
        }
        Self { reason, message }
    }

    /// The source cannot be reached or read.
    pub(crate) fn connect(message: impl Into<String>) -> Self {
        Self::new(Reason::Connect, message)
    }

    /// The source reported an error.
    pub(crate) fn query(message: impl Into<String>) -> Self {
        Self::new(Reason::Query, message)
    }

    /// The result is invalid: format, column or number.
    pub(crate) fn decode(message: impl Into<String>) -> Self {
        Self::new(Reason::Decode, message)
    }

    /// The result exceeds a limit.
    pub(crate) fn limit(message: impl Into<String>) -> Self {
        Self::new(Reason::Limit, message)
    }

    /// The result has more bytes than `max_bytes`.
    pub(crate) fn too_large(what: impl fmt::Display, bytes: usize) -> Self {
        Self::limit(format!(
            "{what}: more than {bytes} bytes; fetch less, or raise `max_bytes`"
        ))
    }

    /// Several failures as one, with the reason of the first. Equal messages appear once.
    pub(crate) fn all<'f>(failures: impl IntoIterator<Item = &'f Self>) -> Self {
        /// The limit of messages.
        const MOST: usize = 10;
        let mut reason = None;
        let mut messages: Vec<&str> = Vec::new();
        for failure in failures {
            reason.get_or_insert(failure.reason);
            if messages.len() > MOST {
                break;
            }
            let is_known = messages.contains(&failure.message.as_str());
            if !is_known {
                messages.push(&failure.message);
            }
        }
        if messages.len() > MOST {
            messages[MOST] = "and others";
        }
        Self::new(reason.unwrap_or(Reason::Other), messages.join("; "))
    }

    /// Prefixes the message with one of several items.
    #[must_use]
    pub(crate) fn about(self, what: impl fmt::Display) -> Self {
        Self::new(self.reason, format!("{what}: {}", self.message))
    }
}

impl From<Failure> for SourceError {
    fn from(failure: Failure) -> Self {
        Self::new(failure.reason, failure.message)
    }
}

impl From<CollectError> for Failure {
    fn from(error: CollectError) -> Self {
        let reason = match error {
            CollectError::Repeated { .. } => Reason::Conflict,
            _ => Reason::Decode,
        };
        Self::new(reason, error.to_string())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}
