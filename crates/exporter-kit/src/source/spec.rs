//! One source with its options: name, schedule, timeout, and handling of errors.

use std::any::Any;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::fetch::{AnySource, Source};

/// The default timeout of a source, which is Prometheus' default scrape timeout.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);

/// The schedule of a source.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Schedule {
    /// At each scrape, within its deadline. Scrapes that arrive meanwhile share the run.
    #[default]
    AtScrape,
    /// At a scrape, unless the last numbers are younger than the cache TTL.
    Cached {
        /// The cache TTL: the age up to which the numbers are shown again.
        time_to_live: Duration,
    },
    /// In the background, from one start to the next. A scrape shows the last numbers, and waits only for the first
    /// ones. A failing source is retried after 1 s, 2 s, 4 s and so on with jitter. The longest wait is a minute or the
    /// interval, whichever is longer.
    Every {
        /// The time from one start to the next; at least 10 ms.
        interval: Duration,
    },
}

/// The handling of the last numbers after a failure.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum OnError {
    /// Removes them from the exposition: a missing number is better than an outdated one.
    #[default]
    Drop,
    /// Keeps them for this long after their fetch.
    Keep {
        /// The age up to which they are shown.
        at_most: Duration,
    },
}

/// A source and its options.
///
/// ```
/// use std::time::Duration;
/// use exporter_kit::source::{Deadline, Fetched, OnError, Schedule, Source, SourceError, SourceSpec};
///
/// struct Nothing;
///
/// impl Source for Nothing {
///     async fn fetch(&self, _: Deadline) -> Result<Fetched, SourceError> {
///         Ok(Fetched::nothing())
///     }
/// }
///
/// let spec = SourceSpec::new("sessions-db", Nothing)
///     .timeout(Duration::from_secs(3))
///     .schedule(Schedule::Every { interval: Duration::from_secs(15) })
///     .on_error(OnError::Keep { at_most: Duration::from_secs(60) })
///     .config("postgres://db/app, 15 s".to_owned());
/// assert_eq!(spec.name(), "sessions-db");
/// ```
pub struct SourceSpec {
    pub(crate) name: Arc<str>,
    pub(crate) source: Arc<dyn AnySource>,
    pub(crate) timeout: Duration,
    pub(crate) schedule: Schedule,
    pub(crate) on_error: OnError,
    config: Option<Box<dyn Config>>,
}

impl SourceSpec {
    /// Creates a source that is fetched at each scrape, for at most 10 s. A failure drops its numbers.
    pub fn new(name: impl Into<Arc<str>>, source: impl Source) -> Self {
        Self {
            name: name.into(),
            source: Arc::new(source),
            timeout: DEFAULT_TIMEOUT,
            schedule: Schedule::default(),
            on_error: OnError::default(),
            config: None,
        }
    }

    /// Limits the time of one run; a scrape's deadline may end it earlier. At least 1 ms.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout.max(Duration::from_millis(1));
        self
    }

    /// Sets the schedule.
    #[must_use]
    pub fn schedule(mut self, schedule: Schedule) -> Self {
        self.schedule = match schedule {
            Schedule::Every { interval } => Schedule::Every {
                interval: interval.max(Duration::from_millis(10)),
            },
            other => other,
        };
        self
    }

    /// Sets the handling of the last numbers after a failure.
    #[must_use]
    pub fn on_error(mut self, on_error: OnError) -> Self {
        self.on_error = on_error;
        self
    }

    /// Sets the configuration behind the source. When the set of sources is replaced, a source with the same name, an
    /// equal `config` and equal options keeps running. A source without `config` always restarts.
    #[must_use]
    pub fn config<C: PartialEq + Send + Sync + 'static>(mut self, config: C) -> Self {
        self.config = Some(Box::new(config));
        self
    }

    /// The value of the label `source`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns whether the other source would run in the same way.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        let same_config = match (&self.config, &other.config) {
            (Some(own), Some(others)) => own.equals(&**others),
            _ => false,
        };
        same_config
            && self.name == other.name
            && self.timeout == other.timeout
            && self.schedule == other.schedule
            && self.on_error == other.on_error
    }
}

impl fmt::Debug for SourceSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The configuration may hold secrets.
        f.debug_struct("SourceSpec")
            .field("name", &self.name)
            .field("timeout", &self.timeout)
            .field("schedule", &self.schedule)
            .field("on_error", &self.on_error)
            .finish_non_exhaustive()
    }
}

/// A value that can be compared with another of the same type.
trait Config: Send + Sync {
    fn equals(&self, other: &dyn Config) -> bool;
    fn as_any(&self) -> &dyn Any;
}

impl<C: PartialEq + Send + Sync + 'static> Config for C {
    fn equals(&self, other: &dyn Config) -> bool {
        other.as_any().downcast_ref::<C>() == Some(self)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
