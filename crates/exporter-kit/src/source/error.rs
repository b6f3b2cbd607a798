//! Errors of a source, and of a set of sources.

use std::error::Error;
use std::fmt;

/// The reason for a failure: the `reason` in `…_source_errors_total`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SourceErrorReason {
    /// The connection failed: no such host, refused, no such file.
    Connect,
    /// The source rejects the credentials.
    Login,
    /// The fetch was too slow.
    Timeout,
    /// The query failed.
    Query,
    /// The response can't be decoded.
    Decode,
    /// The response exceeds the size limit.
    Limit,
    /// The source panicked.
    Panic,
    /// Families or series that belong to another source, or differ in type. The runner finds this.
    Conflict,
    /// Anything else.
    Other,
}

impl SourceErrorReason {
    /// All reasons.
    pub const ALL: &'static [Self] = &[
        Self::Connect,
        Self::Login,
        Self::Timeout,
        Self::Query,
        Self::Decode,
        Self::Limit,
        Self::Panic,
        Self::Conflict,
        Self::Other,
    ];

    /// The value of the label `reason`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::Login => "login",
            Self::Timeout => "timeout",
            Self::Query => "query",
            Self::Decode => "decode",
            Self::Limit => "limit",
            Self::Panic => "panic",
            Self::Conflict => "conflict",
            Self::Other => "other",
        }
    }
}

impl fmt::Display for SourceErrorReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The failure of a fetch, or of a part of it.
///
/// The text is logged and shown on the exporter's web page: keep secrets out of it.
///
/// ```
/// use exporter_kit::source::{SourceError, SourceErrorReason};
///
/// let error = SourceError::query("relation `sessions` does not exist");
/// assert_eq!(error.reason(), SourceErrorReason::Query);
/// assert_eq!(error.to_string(), "relation `sessions` does not exist");
/// ```
pub struct SourceError {
    reason: SourceErrorReason,
    error: Box<dyn Error + Send + Sync>,
}

macro_rules! constructors {
    ($($(#[$doc:meta])* $name:ident: $reason:ident;)+) => { $(
        $(#[$doc])*
        pub fn $name(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
            Self::new(SourceErrorReason::$reason, error)
        }
    )+ };
}

impl SourceError {
    /// Creates an error with that reason from an error or a text.
    pub fn new(reason: SourceErrorReason, error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self {
            reason,
            error: error.into(),
        }
    }

    constructors! {
        /// The connection failed.
        connect: Connect;
        /// The source rejects the credentials.
        login: Login;
        /// The fetch was too slow. The runner reports this itself at the deadline.
        timeout: Timeout;
        /// The query failed.
        query: Query;
        /// The response can't be decoded.
        decode: Decode;
        /// The response exceeds the size limit.
        limit: Limit;
        /// Anything else.
        other: Other;
    }

    /// The reason for the failure.
    pub fn reason(&self) -> SourceErrorReason {
        self.reason
    }
}

impl fmt::Display for SourceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

crate::error::debug_by_display!(SourceError);

impl Error for SourceError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.error.source()
    }
}

/// The reason for rejecting a set of sources. The previous set stays.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReplaceError {
    /// Two sources with the same name.
    Repeated {
        /// The name.
        name: Box<str>,
    },
    /// A source without a name.
    Nameless,
}

impl fmt::Display for ReplaceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Repeated { name } => {
                write!(f, "two sources are named `{name}`; rename one of them")
            }
            Self::Nameless => f.write_str("a source is named ``; give it a name"),
        }
    }
}

crate::error::debug_by_display!(ReplaceError);

impl Error for ReplaceError {}
