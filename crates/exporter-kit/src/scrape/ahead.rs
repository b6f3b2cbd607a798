//! Collects from what may wait or hold a lock before an answer is written: on threads of its own, once for all scrapes
//! that arrive together, until the deadline and no longer.
//!
//! A collector that hangs keeps the thread that it is on, is not begun again while it does, and costs the others at most
//! a moment.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use hashbrown::HashSet;

use crate::collect::context::ScrapeContext;
use crate::collect::{Failure, Sink};
use crate::registry::{Registered, Registry};
use crate::scrape::Ahead;
use crate::scrape::recording::{Budget, Cut, Recorded, Recording};
use crate::sync::lock;

/// How many bytes of recorded families one handler holds at most, for all scrapes together.
const MEMORY: usize = 64 * 1024 * 1024;

/// After how long without progress another thread takes on the collectors that wait.
const STALL: Duration = Duration::from_millis(50);

/// How many threads one round has at most.
const MAX_THREADS: usize = 8;

/// Collects ahead of scrapes, for one handler.
pub(crate) struct Collecting {
    budget: Arc<Budget>,
    /// The round that scrapes may join.
    current: Mutex<Option<Arc<Round>>>,
    /// Collectors at work, by their numbers in the registry: those of the round, and those that hang.
    at_work: Arc<Mutex<HashSet<u64>>>,
}

impl Default for Collecting {
    fn default() -> Self {
        Self {
            budget: Budget::new(MEMORY),
            current: Mutex::default(),
            at_work: Arc::default(),
        }
    }
}

/// Whether something has to be collected ahead.
pub(crate) fn has_waiting(registry: &Registry) -> bool {
    let in_order = registry.in_order();
    in_order
        .collectors()
        .iter()
        .any(|registered| !registered.collector.streams())
}

impl Collecting {
    /// Collects what may wait, or waits for those who do so already, at the latest until the deadline. `is_wanted` is
    /// asked now and then.
    pub(crate) fn collect(
        &self,
        registry: &Registry,
        deadline: Option<Instant>,
        is_wanted: &dyn Fn() -> bool,
    ) -> Arc<dyn Ahead> {
        let in_order = registry.in_order();
        let round = self.join(in_order.collectors(), deadline);
        round.wait(deadline, is_wanted, self);
        let mut state = lock(&round.state);
        state.waiting -= 1;
        if state.waiting == 0 {
            // Whoever still works does so for nobody.
            round.is_closed.store(true, Ordering::Relaxed);
        }
        let given = round.collectors.iter().zip(&state.results);
        let given = given.map(|(registered, result)| (registered.id, result.clone()));
        let mut given: Vec<_> = given.collect();
        drop(state);
        given.sort_unstable_by_key(|(id, _)| *id);
        self.forget(&round);
        Arc::new(Given(given))
    }

    /// The round under way if it is for the same collectors, or a new one.
    fn join(&self, in_order: &[Arc<Registered>], deadline: Option<Instant>) -> Arc<Round> {
        let collectors: Vec<_> = in_order
            .iter()
            .filter(|registered| !registered.collector.streams())
            .map(Arc::clone)
            .collect();
        let mut current = lock(&self.current);
        if let Some(round) = &*current
            && !round.is_closed.load(Ordering::Relaxed)
            && round.is_for(&collectors)
        {
            let mut state = lock(&round.state);
            // It may have been closed meanwhile by the last who waited.
            if state.waiting > 0 {
                state.waiting += 1;
                state.deadline = state.deadline.zip(deadline).map(|(a, b)| a.max(b));
                drop(state);
                return Arc::clone(round);
            }
        }
        let round = Arc::new(Round {
            state: Mutex::new(State {
                next: 0,
                ended: 0,
                threads: 0,
                waiting: 1,
                deadline,
                results: vec![Outcome::Late; collectors.len()],
            }),
            collectors,
            changed: Condvar::new(),
            is_closed: AtomicBool::new(false),
        });
        *current = Some(Arc::clone(&round));
        round
    }

    /// Lets go of a round that nobody may join any more.
    fn forget(&self, round: &Arc<Round>) {
        let mut current = lock(&self.current);
        let is_current = current
            .as_ref()
            .is_some_and(|other| Arc::ptr_eq(other, round));
        if is_current && round.is_closed.load(Ordering::Relaxed) {
            let old = current.take();
            drop(current);
            drop(old);
        }
    }

    fn start_thread(&self, round: &Arc<Round>) -> bool {
        let budget = Arc::clone(&self.budget);
        let at_work = Arc::clone(&self.at_work);
        let round = Arc::clone(round);
        // A thread of its own and not of a pool: one that hangs is missed by nobody.
        let thread = std::thread::Builder::new().name("exporter-collect".to_owned());
        thread.spawn(move || round.work(&budget, &at_work)).is_ok()
    }
}

/// One collection of everything that may wait.
struct Round {
    collectors: Vec<Arc<Registered>>,
    state: Mutex<State>,
    changed: Condvar,
    /// Whether nobody may join any more, and what still works should stop.
    is_closed: AtomicBool,
}

struct State {
    /// The first collector that has not begun.
    next: usize,
    /// How many have ended.
    ended: usize,
    threads: usize,
    /// How many scrapes wait.
    waiting: usize,
    /// The latest of those of the scrapes; none if one has none.
    deadline: Option<Instant>,
    /// Invariant: one for each collector.
    results: Vec<Outcome>,
}

/// What became of a collector.
#[derive(Clone)]
enum Outcome {
    /// It has not ended, or not begun.
    Late,
    /// It is still at work for an earlier round.
    Hanging,
    /// It has given this, and perhaps failed then.
    Ended(Arc<Recorded>, Option<Failure>),
}

impl Round {
    fn is_for(&self, collectors: &[Arc<Registered>]) -> bool {
        self.collectors.len() == collectors.len()
            && self
                .collectors
                .iter()
                .zip(collectors)
                .all(|(own, other)| Arc::ptr_eq(own, other))
    }

    /// Waits until all have ended, or the deadline has passed, or nobody wants the answer any more.
    fn wait(
        self: &Arc<Self>,
        deadline: Option<Instant>,
        is_wanted: &dyn Fn() -> bool,
        collecting: &Collecting,
    ) {
        let mut state = lock(&self.state);
        let mut ended_before = state.ended;
        loop {
            if state.ended == self.collectors.len() {
                // Who comes from now on wants newer numbers.
                self.is_closed.store(true, Ordering::Relaxed);
                return;
            }
            let now = Instant::now();
            let left = deadline.map(|deadline| deadline.saturating_duration_since(now));
            if left == Some(Duration::ZERO) || !is_wanted() {
                return;
            }
            let is_stalled = state.threads == 0 || state.ended == ended_before;
            if is_stalled && state.next < self.collectors.len() && state.threads < MAX_THREADS {
                state.threads += 1;
                drop(state);
                let started = collecting.start_thread(self);
                state = lock(&self.state);
                if !started {
                    state.threads -= 1;
                }
            }
            ended_before = state.ended;
            let pause = left.map_or(STALL, |left| left.min(STALL));
            let is_waiting = |state: &mut State| state.ended < self.collectors.len();
            let (after, _) = self
                .changed
                .wait_timeout_while(state, pause, is_waiting)
                .unwrap_or_else(PoisonError::into_inner);
            state = after;
        }
    }

    /// Collects one after the other, until none is left or it is too late to begin.
    fn work(&self, budget: &Arc<Budget>, at_work: &Mutex<HashSet<u64>>) {
        while let Some((at, registered, deadline)) = self.begin() {
            let outcome = if lock(at_work).insert(registered.id) {
                let outcome = self.run(registered, deadline, budget);
                lock(at_work).remove(&registered.id);
                outcome
            } else {
                Outcome::Hanging
            };
            let mut state = lock(&self.state);
            state.ended += 1;
            if let Some(result) = state.results.get_mut(at) {
                *result = outcome;
            }
            let is_last = state.ended == self.collectors.len();
            drop(state);
            if is_last {
                self.changed.notify_all();
            }
        }
        lock(&self.state).threads -= 1;
    }

    fn begin(&self) -> Option<(usize, &Arc<Registered>, Option<Instant>)> {
        let mut state = lock(&self.state);
        if self.is_over(state.deadline) {
            return None;
        }
        let at = state.next;
        let registered = self.collectors.get(at)?;
        state.next += 1;
        Some((at, registered, state.deadline))
    }

    fn is_over(&self, deadline: Option<Instant>) -> bool {
        self.is_closed.load(Ordering::Relaxed)
            || deadline.is_some_and(|deadline| deadline <= Instant::now())
    }

    fn run(
        &self,
        registered: &Registered,
        deadline: Option<Instant>,
        budget: &Arc<Budget>,
    ) -> Outcome {
        let context = ScrapeContext {
            deadline,
            views: Vec::new(),
        };
        let is_over = || self.is_over(deadline);
        let mut recording = Recording::new(budget, context, &is_over);
        // What a collector leaves behind when it panics is its own; the recording takes whole points only.
        let failure = match catch_unwind(AssertUnwindSafe(|| {
            registered.collector.collect(&mut recording)
        })) {
            Ok(Ok(())) => None,
            Ok(Err(error)) => {
                log::warn!("collector `{}` failed: {error}", registered.name);
                Some(Failure::Error)
            }
            // The panic has told standard error about itself.
            Err(_) => Some(Failure::Panic),
        };
        let recorded = recording.finish();
        let failure = failure.or(recorded.cut().map(|cut| match cut {
            Cut::Deadline => Failure::Deadline,
            Cut::Limit => Failure::Limit,
        }));
        Outcome::Ended(Arc::new(recorded), failure)
    }
}

/// What a round gave one scrape, in the order of the collectors' numbers.
struct Given(Vec<(u64, Outcome)>);

impl Ahead for Given {
    fn give(&self, registered: &Registered, sink: &mut dyn Sink) -> Option<Option<Failure>> {
        let at = self.0.binary_search_by_key(&registered.id, |(id, _)| *id);
        let Some((_, outcome)) = at.ok().and_then(|at| self.0.get(at)) else {
            // One that was registered since the round began, and may wait, is not waited for.
            let streams = registered.collector.streams();
            return (!streams).then_some(Some(Failure::Deadline));
        };
        Some(match outcome {
            Outcome::Late => Some(Failure::Deadline),
            Outcome::Hanging => Some(Failure::Hanging),
            Outcome::Ended(recorded, failure) => {
                recorded.give(sink);
                *failure
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;
    use std::sync::mpsc::channel;
    use std::thread;

    use super::*;

    #[test]
    fn scrapes_that_wait_together_share_one_collection() {
        const SCRAPES: usize = 30;
        let registry = Registry::new();
        let runs = Arc::new(AtomicUsize::new(0));
        let (go_on, may_go_on) = channel::<()>();
        let (counted, may_go_on) = (Arc::clone(&runs), Mutex::new(may_go_on));
        let collect = move || {
            counted.fetch_add(1, Ordering::SeqCst);
            // The other end is dropped to let everything through.
            let _ = lock(&may_go_on).recv();
            1
        };
        registry.gauge_function("waits", "Help.", collect).unwrap();
        let collecting = Collecting::default();
        let waiting = || {
            let current = lock(&collecting.current);
            let round = current.as_ref();
            round.map_or(0, |round| lock(&round.state).waiting)
        };
        thread::scope(|scrapes| {
            for _ in 0..SCRAPES {
                scrapes.spawn(|| collecting.collect(&registry, None, &|| true));
            }
            while waiting() < SCRAPES {
                thread::yield_now();
            }
            drop(go_on);
        });
        assert_eq!(runs.load(Ordering::SeqCst), 1);
    }
}
