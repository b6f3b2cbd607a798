//! The runner of sources: a replaceable set that is fetched and shown together.

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hashbrown::HashSet;
use tokio::runtime::Handle;
use tokio::sync::Semaphore;

use super::error::ReplaceError;
use super::fetch::Deadline;
use super::health::Health;
use super::memory::MemoryLimit;
use super::merge;
use super::run::{Deadlines, SourceRun};
use super::runner::{Background, Runner};
use super::spec::SourceSpec;
use super::status::SourceStatus;
use super::view::View;
use crate::collect::{Collect, CollectError, Sink};
use crate::model::Descriptor;
use crate::name::NameError;
use crate::sync::lock;

/// The default number of sources that start at once.
const DEFAULT_CONCURRENCY: usize = 16;

/// The default limit of memory for the numbers of all sources, in bytes.
const DEFAULT_MEMORY: usize = 1024 * 1024 * 1024;

/// The longest time that a scrape reserves after the sources' deadline. It is at most a tenth of the total.
const LAST_MOMENT: Duration = Duration::from_millis(50);

/// Runs sources, and shows their families.
///
/// Cheap to clone; clones share one set. The work of all sources stops when the last clone is dropped.
///
/// [Register](crate::Registry::register) it, and each scrape of a server fetches from the sources within its deadline.
/// A scrape without a server shows the last numbers; [`refresh`](Self::refresh) fetches new ones.
///
/// ```
/// use std::time::Duration;
/// use exporter_kit::Registry;
/// use exporter_kit::source::{Deadline, Fetched, Source, SourceError, SourceSpec, Sources};
///
/// struct Broken;
///
/// impl Source for Broken {
///     async fn fetch(&self, _: Deadline) -> Result<Fetched, SourceError> {
///         Err(SourceError::connect("connection refused"))
///     }
/// }
///
/// let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
/// let sources = Sources::builder("app").start(runtime.handle())?;
/// sources.replace(vec![SourceSpec::new("db", Broken)])?;
/// let registry = Registry::new();
/// registry.register(&sources)?;
///
/// runtime.block_on(sources.refresh(Deadline::after(Duration::from_secs(5))));
/// let text = registry.to_text();
/// assert!(text.contains("app_source_up{source=\"db\"} 0.0\n"));
/// assert!(text.contains("app_source_errors_total{source=\"db\",reason=\"connect\"} 1.0\n"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Sources {
    inner: Arc<SourcesState>,
}

struct SourcesState {
    runtime: Handle,
    health: Health,
    permits: Arc<Semaphore>,
    memory: MemoryLimit,
    running: Mutex<Arc<[Running]>>,
    /// Held during a replacement, so that only one runs at a time.
    replacing: Mutex<()>,
}

/// A source of the set. Its background work ends when the last set with it is dropped.
#[derive(Clone)]
struct Running {
    runner: Arc<Runner>,
    _background: Arc<Background>,
}

/// Options of [`Sources`], created by [`Sources::builder`].
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing until it is started"]
pub struct SourcesBuilder {
    prefix: String,
    concurrency: usize,
    memory: MemoryLimit,
}

impl SourcesBuilder {
    /// Limits the number of sources that start at once. The others wait, and their timeouts run meanwhile. If a source
    /// does not respond within a second, another may start beside it, so that hung sources do not delay the others. 16
    /// by default, at least 1.
    pub fn concurrency(mut self, concurrency: usize) -> Self {
        self.concurrency = concurrency.clamp(1, Semaphore::MAX_PERMITS);
        self
    }

    /// Limits the memory for the numbers of all sources. They take their share, an estimate from the length of their
    /// keys and the number of their values, until newer ones replace them, and a moment longer where a scrape still reads
    /// them. A source whose new numbers exceed the limit fails with the reason `limit`. 1 GiB by default; several runners
    /// can share one limit.
    pub fn memory_limit(mut self, limit: MemoryLimit) -> Self {
        self.memory = limit;
        self
    }

    /// Creates the runner, without sources yet. They run on that runtime, which needs its time driver enabled. Do not
    /// use a single-threaded runtime that also serves requests.
    ///
    /// # Errors
    /// When the prefix can't begin the name of a metric.
    pub fn start(self, runtime: &Handle) -> Result<Sources, NameError> {
        Ok(Sources {
            inner: Arc::new(SourcesState {
                runtime: runtime.clone(),
                health: Health::new(&self.prefix)?,
                permits: Arc::new(Semaphore::new(self.concurrency)),
                memory: self.memory,
                running: Mutex::new(Arc::new([])),
                replacing: Mutex::new(()),
            }),
        })
    }
}

/// The changes of a replacement.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Replaced {
    /// Started sources.
    pub begun: usize,
    /// Ended sources.
    pub ended: usize,
    /// Sources that kept running.
    pub kept: usize,
}

impl Sources {
    /// Creates options; the names of the runner's own metrics begin with `prefix` and `_source_`.
    pub fn builder(prefix: impl Into<String>) -> SourcesBuilder {
        SourcesBuilder {
            prefix: prefix.into(),
            concurrency: DEFAULT_CONCURRENCY,
            memory: MemoryLimit::new(DEFAULT_MEMORY),
        }
    }

    /// Replaces the set of sources, all or nothing. A source with unchanged name, [`config`](SourceSpec::config) and
    /// options keeps running, with its numbers and counts. Other sources end, and their work stops.
    ///
    /// # Errors
    /// When two sources have the same name, or a name is empty. The previous set stays.
    pub fn replace(&self, specs: Vec<SourceSpec>) -> Result<Replaced, ReplaceError> {
        let mut names = HashSet::new();
        for spec in &specs {
            if spec.name().is_empty() {
                return Err(ReplaceError::Nameless);
            }
            if !names.insert(spec.name()) {
                return Err(ReplaceError::Repeated {
                    name: spec.name().into(),
                });
            }
        }
        drop(names);
        let replacing = lock(&self.inner.replacing);
        let before = self.running();
        let mut replaced = Replaced::default();
        let after: Arc<[Running]> = specs
            .into_iter()
            .map(|spec| {
                let same = before.iter().find(|old| old.runner.spec.is_same(&spec));
                if let Some(same) = same {
                    replaced.kept += 1;
                    return same.clone();
                }
                replaced.begun += 1;
                let inner = &self.inner;
                let (runtime, permits) = (inner.runtime.clone(), Arc::clone(&inner.permits));
                let runner = Arc::new(Runner::new(spec, runtime, permits, inner.memory.clone()));
                Running {
                    _background: Arc::new(runner.start()),
                    runner,
                }
            })
            .collect();
        replaced.ended = before.len() - replaced.kept;
        let old = std::mem::replace(&mut *lock(&self.inner.running), after);
        drop(replacing);
        // Run the sources' destructors after the lock is released.
        drop((old, before));
        Ok(replaced)
    }

    /// Fetches like a scrape with this deadline: from sources with the schedule `AtScrape`, with expired numbers, or
    /// without a result yet. Returns once all are done, at the latest at the deadline. Work that no scrape waits for
    /// stops, and all of it stops when this future is dropped.
    pub async fn refresh(&self, deadline: Deadline) {
        self.view(deadline).await;
    }

    /// Returns the status of each source, in order.
    pub fn status(&self) -> Vec<SourceStatus> {
        let running = self.running();
        running
            .iter()
            .map(|source| source.runner.status())
            .collect()
    }

    /// Fetches, and returns the view of a scrape with this deadline.
    pub(crate) async fn view(&self, deadline: Deadline) -> View {
        self.begin(deadline).wait().await
    }

    /// Starts to fetch.
    pub(crate) fn begin(&self, deadline: Deadline) -> Fetches {
        let last_moment = (deadline.remaining() / 10).min(LAST_MOMENT);
        let instant = deadline.instant();
        let work = Deadline::at(instant.checked_sub(last_moment).unwrap_or(instant));
        let running = self.running();
        let runs = running.iter().map(|source| {
            let runner = Arc::clone(&source.runner);
            let run = runner.begin(work);
            (runner, run)
        });
        Fetches {
            runs: runs.collect(),
            deadlines: Deadlines {
                work,
                scrape: deadline,
            },
        }
    }

    /// Returns the last numbers, without a fetch.
    fn now(&self) -> View {
        let running = self.running();
        View(running.iter().map(|source| source.runner.now()).collect())
    }

    /// Writes the health of every source, and the families that they fetched. Families of the same name become one. On
    /// a contradiction of types or series, the later source's family or series is left out and counted as its
    /// `conflict`.
    pub(crate) fn give(&self, view: &View, sink: &mut dyn Sink) -> Result<(), CollectError> {
        merge::give(view, &self.inner.health.descriptors(), sink);
        // After the families, because writing them finds the conflicts.
        self.inner.health.give(view, sink)
    }

    fn running(&self) -> Arc<[Running]> {
        Arc::clone(&lock(&self.inner.running))
    }
}

/// Fetches under way. Dropping it stops the wait.
pub(crate) struct Fetches {
    runs: Vec<(Arc<Runner>, Option<Arc<SourceRun>>)>,
    deadlines: Deadlines,
}

impl Fetches {
    /// Waits until all are done, at the latest until the deadline.
    pub(crate) async fn wait(self) -> View {
        let mut shown = Vec::with_capacity(self.runs.len());
        for (runner, run) in self.runs {
            shown.push(runner.wait(run, self.deadlines).await);
        }
        View(shown)
    }

    /// Waits on this thread. The wait ends even if the sources' runtime is stuck or gone.
    #[cfg(feature = "http")]
    pub(crate) fn wait_here(
        self,
        until: Option<std::time::Instant>,
        is_wanted: &dyn Fn() -> bool,
    ) -> View {
        let runs = self.runs.into_iter();
        let shown =
            runs.map(|(runner, run)| runner.wait_here(run, self.deadlines, until, is_wanted));
        View(shown.collect())
    }
}

/// The last numbers of the sources, without a fetch: the view of a scrape that waits for nothing.
pub(crate) struct LastNumbers(pub(crate) Sources);

impl Collect for LastNumbers {
    fn descriptors(&self) -> Vec<Descriptor> {
        self.0.inner.health.descriptors()
    }

    fn collect(&self, sink: &mut dyn Sink) -> Result<(), CollectError> {
        self.0.give(&self.0.now(), sink)
    }
}

impl fmt::Debug for Sources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let running = self.running();
        let names = running.iter().map(|source| &*source.runner.spec.name);
        f.debug_list().entries(names).finish()
    }
}
