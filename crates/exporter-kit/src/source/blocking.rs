//! Collectors that may wait. They run like sources: on threads that can be left behind, once for all scrapes that
//! arrive together, at most until the deadline.
//!
//! A hung collector keeps its thread, is not called again meanwhile, and delays the others only briefly.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, Weak};
use std::time::{Duration, Instant};

use super::buffer::{BufferWriter, FamilyBuffer};
use super::flight::{Flight, FlightEnd};
use super::memory::MemoryLimit;
use super::threads::BlockingThreads;
use super::{patience, pool};
use crate::collect::context::ScrapeContext;
use crate::collect::{Collect, CollectError, Failure, Sink};
use crate::sync::{caught, lock};

/// The time without progress after which another thread runs the waiting collectors.
const STALL: Duration = Duration::from_millis(50);

/// The largest number of threads of one batch.
const MAX_THREADS: usize = 8;

/// The runs of one collector, one at a time.
#[derive(Debug, Default)]
pub(crate) struct CollectorRuns {
    threads: BlockingThreads,
    current: Mutex<Weak<CollectorRun>>,
}

/// A run of a collector. Dropping it stops the work at the next series.
#[derive(Debug)]
pub(crate) struct CollectorRun {
    flight: Flight<Collected>,
    /// The latest deadline of the waiting scrapes; `None` if one of them has no deadline.
    until: Arc<Mutex<Option<Instant>>>,
    batch: Arc<Batch>,
}

/// The families of one run.
#[derive(Clone, Debug)]
pub(crate) struct Collected {
    families: Option<Arc<FamilyBuffer>>,
    /// The reason why the families are incomplete.
    pub(crate) failure: Option<Failure>,
}

impl Collected {
    fn nothing(failure: Failure) -> Self {
        Self {
            families: None,
            failure: Some(failure),
        }
    }

    pub(crate) fn give(&self, sink: &mut dyn Sink) {
        if let Some(families) = &self.families {
            families.give(sink);
        }
    }
}

impl CollectorRuns {
    /// Returns the run under way, or adds a new one to the batch.
    pub(crate) fn join(
        &self,
        name: &str,
        collector: &Arc<dyn Collect>,
        until: Option<Instant>,
        batch: &Arc<Batch>,
    ) -> Arc<CollectorRun> {
        let mut current = lock(&self.current);
        if let Some(run) = current.upgrade()
            && !run.flight.is_over()
        {
            let mut latest = lock(&run.until);
            *latest = latest.zip(until).map(|(latest, until)| latest.max(until));
            drop(latest);
            return run;
        }
        let (flight, landing) = Flight::new();
        let until = Arc::new(Mutex::new(until));
        batch.add(Call {
            name: name.into(),
            collector: Arc::clone(collector),
            threads: self.threads.clone(),
            until: Arc::clone(&until),
            landing,
        });
        let run = Arc::new(CollectorRun {
            flight,
            until,
            batch: Arc::clone(batch),
        });
        *current = Arc::downgrade(&run);
        run
    }
}

impl CollectorRun {
    /// Waits on this thread until the run has ended, the deadline has passed, or the scrape has gone.
    pub(crate) fn wait(&self, until: Option<Instant>, is_wanted: &dyn Fn() -> bool) -> Collected {
        let look = || {
            self.batch.advance();
            is_wanted()
        };
        match patience::wait(self.flight.result(), until, look) {
            Ok(Some(collected)) => collected,
            _ => Collected::nothing(Failure::Deadline),
        }
    }
}

/// The collectors that one scrape has started. A thread runs one after the other, so that many fast ones share a
/// thread.
#[derive(Debug)]
pub(crate) struct Batch {
    memory: MemoryLimit,
    state: Mutex<BatchState>,
}

#[derive(Debug)]
struct BatchState {
    /// The collectors not started yet.
    calls: VecDeque<Call>,
    threads: usize,
    /// The start of the last collector.
    since: Instant,
}

impl Batch {
    pub(crate) fn new(memory: &MemoryLimit) -> Arc<Self> {
        Arc::new(Self {
            memory: memory.clone(),
            state: Mutex::new(BatchState {
                calls: VecDeque::new(),
                threads: 0,
                since: Instant::now(),
            }),
        })
    }

    fn add(&self, call: Call) {
        lock(&self.state).calls.push_back(call);
    }

    /// Starts the first thread, and another one if the running threads have made no progress for a moment.
    pub(crate) fn advance(self: &Arc<Self>) {
        let mut state = lock(&self.state);
        let is_stalled = state.threads == 0 || state.since.elapsed() >= STALL;
        if state.calls.is_empty() || state.threads >= MAX_THREADS || !is_stalled {
            return;
        }
        state.threads += 1;
        state.since = Instant::now();
        drop(state);
        let batch = Arc::clone(self);
        if pool::run(move || batch.work()).is_err() {
            lock(&self.state).threads -= 1;
        }
    }

    fn work(&self) {
        while let Some(call) = self.next() {
            call.run(&self.memory);
        }
    }

    fn next(&self) -> Option<Call> {
        let mut state = lock(&self.state);
        let call = state.calls.pop_front();
        match &call {
            Some(_) => state.since = Instant::now(),
            None => state.threads -= 1,
        }
        call
    }
}

/// One run of one collector, on its thread.
struct Call {
    name: Box<str>,
    collector: Arc<dyn Collect>,
    threads: BlockingThreads,
    until: Arc<Mutex<Option<Instant>>>,
    landing: FlightEnd<Collected>,
}

impl Call {
    fn run(self, memory: &MemoryLimit) {
        if !self.landing.is_wanted() {
            return;
        }
        let Some(turn) = self.threads.turn_now() else {
            // It still runs for scrapes that have ended without it.
            return self.landing.land(Collected::nothing(Failure::Hanging));
        };
        let collected = self.collect(memory);
        // Before the result arrives: a scrape that receives it may start the next run.
        drop(turn);
        self.landing.land(collected);
    }

    fn collect(&self, memory: &MemoryLimit) -> Collected {
        let deadline = || *lock(&self.until);
        let is_over =
            || !self.landing.is_wanted() || deadline().is_some_and(|until| until <= Instant::now());
        let context = ScrapeContext {
            deadline: deadline(),
        };
        let mut writer = BufferWriter::new(memory, context, &is_over);
        let failure = catch(&self.name, || self.collector.collect(&mut writer));
        let families = writer.finish();
        Collected {
            failure: failure.or(families.cut()),
            families: Some(Arc::new(families)),
        }
    }
}

impl std::fmt::Debug for Call {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Call").field(&self.name).finish()
    }
}

/// Calls a collector and catches its panic. The sink stays valid: it accepts whole series only.
fn catch(name: &str, collect: impl FnOnce() -> Result<(), CollectError>) -> Option<Failure> {
    match caught(collect) {
        Some(Ok(())) => None,
        Some(Err(error)) => {
            log::warn!("collector `{name}` failed: {error}");
            Some(Failure::Error)
        }
        None => Some(Failure::Panic),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc::channel;
    use std::thread;

    use super::*;

    struct Waits<F>(F);

    impl<F: Fn() + Send + Sync> Collect for Waits<F> {
        fn collect(&self, _: &mut dyn Sink) -> Result<(), CollectError> {
            (self.0)();
            Ok(())
        }
    }

    fn memory() -> MemoryLimit {
        MemoryLimit::new(1024 * 1024)
    }

    fn begin(
        runs: &CollectorRuns,
        collector: &Arc<dyn Collect>,
        until: Option<Instant>,
    ) -> Arc<CollectorRun> {
        let batch = Batch::new(&memory());
        let run = runs.join("waits", collector, until, &batch);
        batch.advance();
        run
    }

    #[test]
    fn scrapes_that_arrive_together_share_one_run() {
        let count = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&count);
        let (go_on, may_go_on) = channel::<()>();
        let may_go_on = Mutex::new(may_go_on);
        let collector: Arc<dyn Collect> = Arc::new(Waits(move || {
            counted.fetch_add(1, Ordering::SeqCst);
            // The other end is dropped to let everything through.
            let _ = lock(&may_go_on).recv();
        }));
        let runs = CollectorRuns::default();
        let begun: Vec<_> = (0..30).map(|_| begin(&runs, &collector, None)).collect();
        thread::scope(|scrapes| {
            for run in begun {
                scrapes.spawn(move || assert_eq!(run.wait(None, &|| true).failure, None));
            }
            drop(go_on);
        });
        assert_eq!(count.load(Ordering::SeqCst), 1);
        begin(&runs, &collector, None).wait(None, &|| true);
        assert_eq!(count.load(Ordering::SeqCst), 2);
    }

    #[test]
    fn a_collector_that_hangs_is_not_called_again() {
        let count = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&count);
        let (end, hangs) = channel::<()>();
        let hangs = Mutex::new(hangs);
        let collector: Arc<dyn Collect> = Arc::new(Waits(move || {
            counted.fetch_add(1, Ordering::SeqCst);
            let _ = lock(&hangs).recv();
        }));
        let runs = CollectorRuns::default();
        let scrape = |time| {
            let until = Some(Instant::now() + time);
            begin(&runs, &collector, until).wait(until, &|| true)
        };
        while count.load(Ordering::SeqCst) == 0 {
            let failure = scrape(Duration::from_millis(50)).failure;
            assert_eq!(failure, Some(Failure::Deadline));
        }
        let long = Duration::from_secs(60);
        assert_eq!(scrape(long).failure, Some(Failure::Hanging));
        assert_eq!(count.load(Ordering::SeqCst), 1);
        drop(end);
        while scrape(long).failure.is_some() {
            thread::yield_now();
        }
        assert_eq!(count.load(Ordering::SeqCst), 2);
    }

    #[test]
    fn who_waits_longer_gets_more_time() {
        let (go_on, may_go_on) = channel::<()>();
        let may_go_on = Mutex::new(may_go_on);
        let collector: Arc<dyn Collect> = Arc::new(Waits(move || {
            let _ = lock(&may_go_on).recv();
        }));
        let runs = CollectorRuns::default();
        let soon = Some(Instant::now() + Duration::from_millis(10));
        let short = begin(&runs, &collector, soon);
        let long = begin(&runs, &collector, None);
        assert_eq!(short.wait(soon, &|| true).failure, Some(Failure::Deadline));
        drop(short);
        go_on.send(()).unwrap();
        assert_eq!(long.wait(None, &|| true).failure, None);
    }
}
