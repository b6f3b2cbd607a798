//! Why a source gave no numbers, and why a set of sources can't be had.

use std::error::Error;
use std::fmt;

/// What kind of failure it was: the `reason` in `…_source_errors_total`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SourceErrorReason {
    /// It can't be reached: no such host, refused, no such file.
    Connect,
    /// It was reached and does not let us in.
    Login,
    /// It was not done in time.
    Timeout,
    /// It refused or failed at what it was asked.
    Query,
    /// Its answer can't be read.
    Decode,
    /// Its answer is larger than allowed.
    Limit,
    /// It panicked.
    Panic,
    /// Its families or series are those of another source, or their types contradict. Found by the runner.
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

/// Why a source gave no numbers, or not all.
///
/// Its text is logged and shown on the page of the exporter: it must hold no secret.
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
    /// A failure of that kind: an error, or a text.
    pub fn new(reason: SourceErrorReason, error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self {
            reason,
            error: error.into(),
        }
    }

    constructors! {
        /// It can't be reached.
        connect: Connect;
        /// It does not let us in.
        login: Login;
        /// It was not done in time. The runner says so by itself once the deadline is there.
        timeout: Timeout;
        /// It refused or failed at what it was asked.
        query: Query;
        /// Its answer can't be read.
        decode: Decode;
        /// Its answer is larger than allowed.
        limit: Limit;
        /// Anything else.
        other: Other;
    }

    /// What kind of failure it was.
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

/// Why a set of sources was refused. Nothing has changed then.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReplaceError {
    /// Two sources have one name.
    Repeated {
        /// The name.
        name: Box<str>,
    },
    /// A source has no name.
    Nameless,
}

impl fmt::Display for ReplaceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Repeated { name } => {
                write!(
                    f,
                    "there are two sources named `{name}`; give each a name of its own"
                )
            }
            Self::Nameless => f.write_str("a source is named ``; give it a name"),
        }
    }
}

crate::error::debug_by_display!(ReplaceError);

impl Error for ReplaceError {}
