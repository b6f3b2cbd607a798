//! Runs one source: limits, counts and remembers its runs.

use std::future::Future;
use std::ops::ControlFlow;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep_until, timeout, timeout_at};

use super::backoff;
use super::caught::{Caught, Panicked};
use super::error::{SourceError, SourceErrorReason};
use super::fetch::{Deadline, Fetched};
use super::flight::Flight;
use super::history::{Ended, History};
use super::memory::MemoryLimit;
#[cfg(feature = "http")]
use super::patience::{self, GivenUp};
use super::run::{Deadlines, Good, RunResult, SourceRun};
use super::spec::{Schedule, SourceSpec};
use super::status::SourceStatus;
use super::view::Shown;
use crate::model::Timestamp;
use crate::sync::lock;

const REASONS: usize = SourceErrorReason::ALL.len();

/// A source with its history.
pub(crate) struct Runner {
    pub(crate) spec: SourceSpec,
    runtime: Handle,
    /// The permits to start, shared by all sources.
    permits: Arc<Semaphore>,
    /// The limit of memory for the numbers of all sources.
    memory: MemoryLimit,
    errors: [AtomicU64; REASONS],
    past: Mutex<History>,
}

/// The minimum pause between two runs in the background, unless the interval is shorter.
const MIN_PAUSE: Duration = Duration::from_millis(100);

/// The longest time for which a source delays the start of others: a hung source does no work.
const TURN: Duration = Duration::from_secs(1);

impl Runner {
    pub(crate) fn new(
        spec: SourceSpec,
        runtime: Handle,
        permits: Arc<Semaphore>,
        memory: MemoryLimit,
    ) -> Self {
        Self {
            spec,
            runtime,
            permits,
            memory,
            errors: Default::default(),
            past: Mutex::default(),
        }
    }

    /// Returns the run that a scrape has to wait for, if any.
    pub(crate) fn begin(self: &Arc<Self>, deadline: Deadline) -> Option<Arc<SourceRun>> {
        match self.spec.schedule {
            Schedule::AtScrape => Some(self.join(deadline)),
            Schedule::Cached { time_to_live } => self.join_unless(deadline, |past| {
                let good = past.good.as_ref();
                good.is_some_and(|good| good.at.elapsed() < time_to_live)
            }),
            // A scrape waits only for the first numbers.
            Schedule::Every { .. } => {
                let first = lock(&self.past).last.is_none();
                first.then(|| self.join(self.own_deadline()))
            }
        }
    }

    /// Waits for a run until the deadline, and returns the source as the scrape shows it.
    pub(crate) async fn wait(
        self: &Arc<Self>,
        run: Option<Arc<SourceRun>>,
        deadlines: Deadlines,
    ) -> Shown {
        let Some(mut run) = run else {
            return self.now();
        };
        loop {
            let result = timeout_at(deadlines.scrape.instant(), run.flight.result()).await;
            match self.conclude(&run, result.ok(), deadlines) {
                ControlFlow::Break(shown) => return shown,
                ControlFlow::Continue(next) => run = next,
            }
        }
    }

    /// Waits on this thread, which needs no runtime, while the scrape is wanted.
    #[cfg(feature = "http")]
    pub(crate) fn wait_here(
        self: &Arc<Self>,
        run: Option<Arc<SourceRun>>,
        deadlines: Deadlines,
        until: Option<std::time::Instant>,
        is_wanted: &dyn Fn() -> bool,
    ) -> Shown {
        let Some(mut run) = run else {
            return self.now();
        };
        loop {
            let result = match patience::wait(run.flight.result(), until, is_wanted) {
                Ok(result) => Some(result),
                Err(GivenUp::Late) => None,
                Err(GivenUp::Unwanted) => return Shown::failed(self, self.kept()),
            };
            match self.conclude(&run, result, deadlines) {
                ControlFlow::Break(shown) => return shown,
                ControlFlow::Continue(next) => run = next,
            }
        }
    }

    /// Returns the source as the scrape shows it after a wait, or the next run to wait for. `result` is `None` after
    /// the scrape's deadline. It is `Some(None)` if the run ended without a result because its runtime shut down.
    fn conclude(
        self: &Arc<Self>,
        run: &SourceRun,
        result: Option<Option<RunResult>>,
        deadlines: Deadlines,
    ) -> ControlFlow<Shown, Arc<SourceRun>> {
        match result {
            Some(Some(Ok(good))) => ControlFlow::Break(Shown::fresh(self, good)),
            // The run had less time than this scrape, which may still get a result.
            Some(Some(Err(SourceErrorReason::Timeout)))
                if run.is_cut_short
                    && run.deadline < deadlines.work
                    && !deadlines.work.has_passed() =>
            {
                ControlFlow::Continue(self.join(deadlines.work))
            }
            Some(_) => ControlFlow::Break(Shown::failed(self, self.kept())),
            None => {
                if run.deadline > deadlines.scrape {
                    // The run's own time is not over, so nothing else counts this failure.
                    self.count(SourceErrorReason::Timeout);
                }
                ControlFlow::Break(Shown::failed(self, self.kept()))
            }
        }
    }

    /// Returns the last numbers, without a fetch.
    pub(crate) fn now(self: &Arc<Self>) -> Shown {
        let past = lock(&self.past);
        match (&past.last, &past.good) {
            (Some(Ended { worked: true, .. }), Some(good)) => Shown::fresh(self, Arc::clone(good)),
            _ => {
                drop(past);
                Shown::failed(self, self.kept())
            }
        }
    }

    /// Fetches again and again.
    pub(crate) fn start(self: &Arc<Self>) -> Background {
        let Schedule::Every { interval } = self.spec.schedule else {
            return Background(None);
        };
        let runner = Arc::clone(self);
        let task = self.runtime.spawn(async move {
            loop {
                let started = Instant::now();
                runner.join(runner.own_deadline()).flight.result().await;
                let failures = lock(&runner.past).failures;
                let next = match failures {
                    0 => started + interval,
                    failures => Instant::now() + backoff::wait(failures, interval),
                };
                // After a run longer than the interval, a pause keeps the source from using all the time.
                sleep_until(next.max(Instant::now() + interval.min(MIN_PAUSE))).await;
            }
        });
        Background(Some(task.abort_handle()))
    }

    pub(crate) fn count(&self, reason: SourceErrorReason) {
        self.errors[reason as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a conflict with another source, once for each fetch. Logs it if it differs from the previous one.
    pub(crate) fn count_conflict(&self, good: &Good, conflict: &str) {
        let conflict: Arc<str> = conflict.into();
        if good.conflict.set(Arc::clone(&conflict)).is_err() {
            return;
        }
        self.count(SourceErrorReason::Conflict);
        let told = lock(&self.past).conflict.replace(Arc::clone(&conflict));
        if told.as_ref() != Some(&conflict) {
            let (name, reason) = (&self.spec.name, SourceErrorReason::Conflict.as_str());
            log::warn!(source:% = name, reason; "source `{name}` returned only a part: {conflict}");
        }
    }

    pub(crate) fn errors(&self, reason: SourceErrorReason) -> u64 {
        self.errors[reason as usize].load(Ordering::Relaxed)
    }

    pub(crate) fn status(&self) -> SourceStatus {
        let past = lock(&self.past);
        let running = past.run.upgrade();
        let good = past.good.as_ref();
        let conflict = || good.and_then(|good| good.conflict.get().cloned());
        let status = SourceStatus {
            name: Arc::clone(&self.spec.name),
            schedule: self.spec.schedule,
            up: past.last.as_ref().map(|run| run.worked),
            running: running.as_ref().is_some_and(|run| !run.flight.is_over()),
            last_run: past.last.as_ref().map(|run| run.ended),
            last_success: past.last_success,
            duration: past.last.as_ref().map(|run| run.duration),
            rows: past.good.as_ref().map(|good| good.fetched.rows()),
            failures: past.failures,
            error: past
                .last
                .as_ref()
                .and_then(|run| run.error.clone().or_else(conflict)),
        };
        // Dropping a run may stop it, which runs code of the source.
        drop(past);
        drop(running);
        status
    }

    /// Returns the run under way, or a new one.
    fn join(self: &Arc<Self>, deadline: Deadline) -> Arc<SourceRun> {
        self.join_locked(deadline, lock(&self.past))
    }

    /// Returns the run under way, or a new one, unless the history is enough. One lock covers the check and the join.
    /// Otherwise, a run that ends in between would be followed by a needless one.
    fn join_unless(
        self: &Arc<Self>,
        deadline: Deadline,
        is_enough: impl FnOnce(&History) -> bool,
    ) -> Option<Arc<SourceRun>> {
        let past = lock(&self.past);
        (!is_enough(&past)).then(|| self.join_locked(deadline, past))
    }

    fn join_locked(
        self: &Arc<Self>,
        deadline: Deadline,
        mut past: MutexGuard<'_, History>,
    ) -> Arc<SourceRun> {
        let under_way = past.run.upgrade();
        if let Some(run) = under_way.as_ref().filter(|run| !run.flight.is_over()) {
            return Arc::clone(run);
        }
        let own = self.own_deadline();
        let is_cut_short = deadline < own;
        let deadline = deadline.min(own);
        let runner = Arc::clone(self);
        let work = async move { runner.run(deadline).await };
        let run = Arc::new(SourceRun {
            flight: Flight::of_task(&self.runtime, work),
            deadline,
            is_cut_short,
        });
        past.run = Arc::downgrade(&run);
        drop(past);
        run
    }

    async fn run(self: Arc<Self>, deadline: Deadline) -> RunResult {
        let turn = timeout_at(deadline.instant(), self.permits.acquire()).await;
        let started = Instant::now();
        let result = match turn {
            Ok(permit) => {
                let mut fetch = pin!(self.fetch(deadline));
                match timeout(TURN, &mut fetch).await {
                    Ok(result) => result,
                    Err(_) => {
                        drop(permit);
                        fetch.await
                    }
                }
            }
            Err(_) => Err(SourceError::timeout(
                "its time was over before its turn came: too many other sources do not answer",
            )),
        };
        let result = result.and_then(|fetched| Good::hold(fetched, &self.memory));
        self.record(started.elapsed(), result)
    }

    async fn fetch(&self, deadline: Deadline) -> Result<Fetched, SourceError> {
        // The call itself runs when the future is polled, so that its panic is caught as well.
        let fetch: Pin<Box<dyn Future<Output = _> + Send + '_>> =
            Box::pin(async { self.spec.source.fetch(deadline).await });
        match timeout_at(deadline.instant(), Caught::new(fetch)).await {
            Ok(Ok(result)) => result,
            Ok(Err(Panicked)) => Err(SourceError::new(
                SourceErrorReason::Panic,
                "panicked; see the program's standard error",
            )),
            Err(_) => Err(SourceError::timeout("was not done in time and was stopped")),
        }
    }

    fn record(&self, duration: Duration, result: Result<Good, SourceError>) -> RunResult {
        let name = &self.spec.name;
        let ended = Timestamp::now();
        let (outcome, error) = match result {
            Ok(good) => {
                for problem in good.fetched.problems() {
                    self.count(problem.reason());
                }
                let error = good.fetched.problems().last().map(text);
                (Ok(Arc::new(good)), error)
            }
            Err(error) => {
                self.count(error.reason());
                (Err(error.reason()), Some(text(&error)))
            }
        };
        let end = Ended {
            worked: outcome.is_ok(),
            ended,
            duration,
            error: error.clone(),
        };
        let (before, replaced) = lock(&self.past).add(end, &outcome, self.spec.on_error);
        drop(replaced);
        let said_before = before.as_ref().and_then(|run| run.error.as_deref());
        match (&outcome, error.as_deref()) {
            // An unchanged error is not logged again.
            (_, error) if error == said_before => {}
            (Err(reason), Some(error)) => {
                log::warn!(source:% = name, reason = reason.as_str(); "source `{name}` failed ({reason}): {error}");
            }
            (_, Some(error)) => {
                log::warn!(source:% = name; "source `{name}` returned only a part: {error}")
            }
            (_, None) => log::info!(source:% = name; "source `{name}` works again"),
        }
        outcome
    }

    /// The numbers that may still be shown after a failure.
    fn kept(&self) -> Option<Arc<Good>> {
        lock(&self.past).kept(self.spec.on_error)
    }

    /// The duration of the last run, and the end of the last success.
    pub(crate) fn times(&self) -> (Option<Duration>, Option<Timestamp>) {
        let past = lock(&self.past);
        (
            past.last.as_ref().map(|run| run.duration),
            past.last_success,
        )
    }

    fn own_deadline(&self) -> Deadline {
        Deadline::after(self.spec.timeout)
    }
}

/// The text of an error for the log and the status. A source may build it from what it fetched, so it is cut.
fn text(error: &SourceError) -> Arc<str> {
    /// The limit of characters.
    const MAX_TEXT: usize = 4000;
    let mut text = error.to_string();
    if let Some((end, _)) = text.char_indices().nth(MAX_TEXT) {
        text.truncate(end);
        text.push('…');
    }
    text.into()
}

/// The task that fetches again and again, until this is dropped.
pub(crate) struct Background(Option<AbortHandle>);

impl Drop for Background {
    fn drop(&mut self) {
        if let Some(task) = &self.0 {
            task.abort();
        }
    }
}
