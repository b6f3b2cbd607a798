//! The runner of sources: a set of them that can be replaced, asked together, shown together.

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hashbrown::HashSet;
use tokio::runtime::Handle;
use tokio::sync::Semaphore;

use super::error::ReplaceError;
use super::fetch::Deadline;
use super::health::Health;
use super::merge;
use super::run::{Deadlines, Run};
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

/// The longest time that a scrape reserves after the sources' deadline. It is at most a tenth of the whole.
const LAST_MOMENT: Duration = Duration::from_millis(50);

/// Runs sources, and shows what they give.
///
/// Cheap to clone; clones are the same set. The work of all sources stops when the last clone is dropped.
///
/// [Register](crate::Registry::register) it, and each scrape of a server asks the sources within its deadline. A scrape
/// without a server shows the last numbers; [`refresh`](Self::refresh) fetches them.
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
    inner: Arc<Inner>,
}

struct Inner {
    runtime: Handle,
    health: Health,
    permits: Arc<Semaphore>,
    running: Mutex<Arc<[Running]>>,
    /// Held while the set is replaced, which happens one at a time.
    replacing: Mutex<()>,
}

/// A source of the set. Its work in the background ends when the last set that it is in is dropped.
#[derive(Clone)]
struct Running {
    runner: Arc<Runner>,
    _background: Arc<Background>,
}

/// Options of [`Sources`]; made by [`Sources::builder`].
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing until it is started"]
pub struct SourcesBuilder {
    prefix: String,
    concurrency: usize,
}

impl SourcesBuilder {
    /// Deadlines how many sources start at once. The others wait, and their time runs meanwhile. If one does not answer
    /// within a second, another may start beside it, so that hung sources do not delay the others. 16 by default, at
    /// least 1.
    pub fn concurrency(mut self, concurrency: usize) -> Self {
        self.concurrency = concurrency.clamp(1, Semaphore::MAX_PERMITS);
        self
    }

    /// Makes the runner, without sources yet. They work on that runtime, which has its time enabled, and should not be
    /// the one thread that also answers requests.
    ///
    /// # Errors
    /// When the prefix can't begin the name of a metric.
    pub fn start(self, runtime: &Handle) -> Result<Sources, NameError> {
        Ok(Sources {
            inner: Arc::new(Inner {
                runtime: runtime.clone(),
                health: Health::new(&self.prefix)?,
                permits: Arc::new(Semaphore::new(self.concurrency)),
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
    /// Sources that were begun.
    pub begun: usize,
    /// Sources that were ended.
    pub ended: usize,
    /// Sources that kept running.
    pub kept: usize,
}

impl Sources {
    /// Describes a runner; the names of its own metrics begin with `prefix` and `_source_`.
    pub fn builder(prefix: impl Into<String>) -> SourcesBuilder {
        SourcesBuilder {
            prefix: prefix.into(),
            concurrency: DEFAULT_CONCURRENCY,
        }
    }

    /// Makes these the sources, all or nothing. A source whose name, [`config`](SourceSpec::config) and options are
    /// what they were keeps running, with its numbers and its counts; others end, and the work they were at stops.
    ///
    /// # Errors
    /// When two have the same name, or one has none. Nothing changes then.
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
                let runtime = self.inner.runtime.clone();
                let runner = Arc::new(Runner::new(spec, runtime, Arc::clone(&self.inner.permits)));
                Running {
                    _background: Arc::new(runner.start()),
                    runner,
                }
            })
            .collect();
        replaced.ended = before.len() - replaced.kept;
        let old = std::mem::replace(&mut *lock(&self.inner.running), after);
        drop(replacing);
        // What a source's destructor does must not happen under a lock.
        drop((old, before));
        Ok(replaced)
    }

    /// Asks the sources as a scrape with this deadline does: those with the schedule `AtScrape`, those whose numbers are
    /// too old, and those that have not answered yet. Returns once all are done, at the latest at the deadline. Work that
    /// no scrape waits for is stopped, and so is all of it when this future is dropped.
    pub async fn refresh(&self, deadline: Deadline) {
        self.view(deadline).await;
    }

    /// Returns the status of each source, in their order.
    pub fn status(&self) -> Vec<SourceStatus> {
        let running = self.running();
        running
            .iter()
            .map(|source| source.runner.status())
            .collect()
    }

    /// Asks the sources, and gives what a scrape with this deadline shows.
    pub(crate) async fn view(&self, deadline: Deadline) -> View {
        self.begin(deadline).wait().await
    }

    /// Begins to ask the sources.
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

    /// The last numbers, without asking.
    fn now(&self) -> View {
        let running = self.running();
        View(running.iter().map(|source| source.runner.now()).collect())
    }

    /// Gives the health of every source, and the families that they fetched. Families that several sources have become
    /// one; where their types or series contradict, the later source's is left out and counted as its `conflict`.
    pub(crate) fn give(&self, view: &View, sink: &mut dyn Sink) -> Result<(), CollectError> {
        merge::give(view, &self.inner.health.descriptors(), sink);
        // After the families, because what contradicts is found with them.
        self.inner.health.give(view, sink)
    }

    fn running(&self) -> Arc<[Running]> {
        Arc::clone(&lock(&self.inner.running))
    }
}

/// Sources that are being asked. Dropping it gives up.
pub(crate) struct Fetches {
    runs: Vec<(Arc<Runner>, Option<Arc<Run>>)>,
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

    /// The same on this thread. The sources' runtime may be stuck or gone: the wait ends all the same.
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

/// The last numbers of sources, without asking them: what a scrape shows that waits for nothing.
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
