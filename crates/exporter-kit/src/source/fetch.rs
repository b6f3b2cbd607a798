//! The trait of a source, and the result of a fetch.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use tokio::time::Instant;

use super::error::SourceError;
use crate::snapshot::Snapshot;

/// Fetches numbers from where they are kept: a database, a service, a file.
///
/// [`Sources`](super::Sources) calls [`fetch`](Self::fetch), never twice at once for the same source, and at the
/// deadline drops the future, which must end the work: close or return the connection, kill the process. Blocking calls go
/// through [`BlockingThreads`](super::BlockingThreads).
///
/// A source reports numbers, never its own health: the library measures duration, success and the time of the last
/// success. An error means that the numbers are unknown; [`Fetched::nothing`] is an empty result. A panic costs this run of this source and nothing else.
///
/// ```
/// use exporter_kit::source::{Deadline, Fetched, Source, SourceError};
/// use exporter_kit::{Descriptor, FamilyWriter, MetricType, Snapshot};
///
/// struct Sessions { file: std::path::PathBuf }
///
/// impl Source for Sessions {
///     async fn fetch(&self, _: Deadline) -> Result<Fetched, SourceError> {
///         let text = std::fs::read_to_string(&self.file).map_err(SourceError::connect)?;
///         let sessions: u64 = text.trim().parse().map_err(SourceError::decode)?;
///         let mut snapshot = Snapshot::new();
///         let family = Descriptor::new(MetricType::Gauge, "app_active_sessions", "Number of active user sessions")
///             .map_err(SourceError::other)?;
///         FamilyWriter::begin(&mut snapshot, &family, [])
///             .and_then(|mut family| family.gauge([], sessions).map(drop))
///             .map_err(SourceError::other)?;
///         Ok(Fetched::new(snapshot, 1))
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a source of numbers",
    note = "implement `Source` for it: `async fn fetch(&self, deadline: Deadline) -> Result<Fetched, SourceError>`"
)]
pub trait Source: Send + Sync + 'static {
    /// Fetches the current numbers.
    ///
    /// # Errors
    /// When the numbers are unknown. If only a part is, return the rest with [`Fetched::with_problem`].
    fn fetch(
        &self,
        deadline: Deadline,
    ) -> impl Future<Output = Result<Fetched, SourceError>> + Send;
}

/// A fetch under way.
pub(crate) type FetchFuture<'a> =
    Pin<Box<dyn Future<Output = Result<Fetched, SourceError>> + Send + 'a>>;

/// A [`Source`] whose type is forgotten.
pub(crate) trait AnySource: Send + Sync {
    fn fetch(&self, deadline: Deadline) -> FetchFuture<'_>;
}

impl<S: Source> AnySource for S {
    fn fetch(&self, deadline: Deadline) -> FetchFuture<'_> {
        Box::pin(Source::fetch(self, deadline))
    }
}

/// The moment by which something must be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Deadline(Instant);

impl Deadline {
    /// That moment.
    pub fn at(instant: Instant) -> Self {
        Self(instant)
    }

    /// In that time from now; at most about 30 years.
    pub fn after(time: Duration) -> Self {
        let now = Instant::now();
        // Further away than anybody waits, and what every clock can say.
        let far = now + Duration::from_secs(30 * 365 * 24 * 3600);
        Self(
            now.checked_add(time)
                .map_or(far, |instant| instant.min(far)),
        )
    }

    /// A moment that is never reached.
    #[cfg(feature = "http")]
    pub(crate) fn never() -> Self {
        Self::after(Duration::MAX)
    }

    /// The moment, for timers: it is tokio's.
    pub fn instant(self) -> Instant {
        self.0
    }

    /// The time that is left; zero once it has passed. Pass it on to everything with a time limit of its own.
    pub fn remaining(self) -> Duration {
        self.0.saturating_duration_since(Instant::now())
    }

    /// Returns whether it has passed.
    pub fn has_passed(self) -> bool {
        self.0 <= Instant::now()
    }
}

/// The result of a fetch: the numbers, and from how many rows they were made.
#[derive(Clone)]
pub struct Fetched {
    pub(crate) snapshot: Snapshot,
    pub(crate) rows: u64,
    pub(crate) problems: Vec<std::sync::Arc<SourceError>>,
}

impl Fetched {
    /// These families, made from that many rows: lines, records, replies, whatever the source counts in.
    pub fn new(snapshot: Snapshot, rows: u64) -> Self {
        Self {
            snapshot,
            rows,
            problems: Vec::new(),
        }
    }

    /// An empty result, which is not a failure.
    pub fn nothing() -> Self {
        Self::new(Snapshot::new(), 0)
    }

    /// Adds what went wrong with a part of it: one query of several, rows that could not be read. It is counted and
    /// shown with the source's status; the rest is used, and the source counts as up.
    #[must_use]
    pub fn with_problem(mut self, problem: SourceError) -> Self {
        self.problems.push(std::sync::Arc::new(problem));
        self
    }

    /// The families.
    pub fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    /// From how many rows they were made.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// The failures of parts of it.
    pub fn problems(&self) -> impl ExactSizeIterator<Item = &SourceError> {
        self.problems.iter().map(|problem| &**problem)
    }
}

impl fmt::Debug for Fetched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fetched")
            .field("families", &self.snapshot.families().len())
            .field("rows", &self.rows)
            .field("problems", &self.problems)
            .finish()
    }
}
