//! The trait of a source, and the result of a fetch.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use tokio::time::Instant;

use super::error::SourceError;
use crate::snapshot::Snapshot;

/// Fetches numbers from a database, a service or a file.
///
/// [`Sources`](super::Sources) calls [`fetch`](Self::fetch), never twice at once for the same source. At the deadline
/// it drops the future; the drop must end the work: close or return the connection, kill the process. Run blocking
/// calls in [`BlockingThreads`](super::BlockingThreads).
///
/// A source reports numbers, never its own health: the library measures duration, success and the time of the last
/// success. An error means that the numbers are unknown; [`Fetched::nothing`] is an empty result. A panic affects only
/// this run of this source.
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
    /// When the numbers are unknown. If only some are unknown, return the rest with [`Fetched::with_problem`].
    fn fetch(
        &self,
        deadline: Deadline,
    ) -> impl Future<Output = Result<Fetched, SourceError>> + Send;
}

/// A fetch under way.
pub(crate) type FetchFuture<'a> =
    Pin<Box<dyn Future<Output = Result<Fetched, SourceError>> + Send + 'a>>;

/// A [`Source`] with its type erased.
pub(crate) trait AnySource: Send + Sync {
    fn fetch(&self, deadline: Deadline) -> FetchFuture<'_>;
}

impl<S: Source> AnySource for S {
    fn fetch(&self, deadline: Deadline) -> FetchFuture<'_> {
        Box::pin(Source::fetch(self, deadline))
    }
}

/// A point in time by which work must be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Deadline(Instant);

impl Deadline {
    /// That point in time.
    pub fn at(instant: Instant) -> Self {
        Self(instant)
    }

    /// Creates a deadline that much time from now; at most about 30 years.
    pub fn after(time: Duration) -> Self {
        let now = Instant::now();
        // Longer than any wait, and within the range of every clock.
        let far = now + Duration::from_secs(30 * 365 * 24 * 3600);
        Self(
            now.checked_add(time)
                .map_or(far, |instant| instant.min(far)),
        )
    }

    /// A deadline that never passes.
    #[cfg(feature = "http")]
    pub(crate) fn never() -> Self {
        Self::after(Duration::MAX)
    }

    /// The deadline for timers, as tokio's instant.
    pub fn instant(self) -> Instant {
        self.0
    }

    /// The time left until the deadline; zero once it has passed. Pass it on to everything with a time limit of its
    /// own.
    pub fn remaining(self) -> Duration {
        self.0.saturating_duration_since(Instant::now())
    }

    /// Returns whether it has passed.
    pub fn has_passed(self) -> bool {
        self.0 <= Instant::now()
    }
}

/// The result of a fetch: the numbers, and the number of rows behind them.
#[derive(Clone)]
pub struct Fetched {
    pub(crate) snapshot: Snapshot,
    pub(crate) rows: u64,
    pub(crate) problems: Vec<std::sync::Arc<SourceError>>,
}

impl Fetched {
    /// Creates a result of these families, made from that many rows: lines, records, replies, or any other unit of the
    /// source.
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

    /// Adds the failure of a part: one query of several, unreadable rows. It is counted and shown in the source's
    /// status. The other numbers are used, and the source counts as up.
    #[must_use]
    pub fn with_problem(mut self, problem: SourceError) -> Self {
        self.problems.push(std::sync::Arc::new(problem));
        self
    }

    /// The families.
    pub fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    /// The number of rows behind the families.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// The failures of parts.
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
