//! The reason why a collector's families are missing from a scrape.

/// The reason why a collector's families are missing from a scrape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    Error,
    Panic,
    Duplicate,
    /// Too little time for all its families.
    Deadline,
    /// It still runs for a scrape that has ended without it.
    Hanging,
    /// Its families exceed the memory limit.
    Limit,
}

impl Failure {
    pub(crate) const ALL: [Self; 6] = [
        Self::Error,
        Self::Panic,
        Self::Duplicate,
        Self::Deadline,
        Self::Hanging,
        Self::Limit,
    ];

    pub(crate) fn reason(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Panic => "panic",
            Self::Duplicate => "duplicate_family",
            Self::Deadline => "deadline",
            Self::Hanging => "still_running",
            Self::Limit => "limit",
        }
    }
}
