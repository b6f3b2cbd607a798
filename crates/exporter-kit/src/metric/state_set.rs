//! The state set.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crate::collect::Sink;
use crate::metric::definition::Definition;
use crate::metric::series::{Series, instrument, sealed};
use crate::metric::setup::Settings;
use crate::model::{Head, Kind, Point, Value};

/// Which of some named states hold: `starting`, `running`, `stopping`. At first none does.
///
/// Shown as one series for each state, 1 if it holds and 0 if not, the state in a label named like the
/// metric. Cheap to clone; clones are the same series.
///
/// ```
/// use exporter_kit::{Registry, StateSet};
///
/// let registry = Registry::new();
/// let phase = registry.add(StateSet::define("job_phase", "Where the job is.", &["waiting", "running"]))?;
/// assert!(phase.set("running"));
/// assert!(registry.to_text().contains("job_phase{job_phase=\"running\"} 1.0\n"));
/// assert!(!phase.set("flying"));
/// # Ok::<(), exporter_kit::RegisterError>(())
/// ```
///
/// When to use it, what a scrape shows and what to look out for: [its page](crate::docs::state_set).
#[derive(Clone)]
pub struct StateSet(Arc<Series<StateCell>>);

instrument!(StateSet);

/// One state of several, or any of them: most have one, which is set at once for all.
#[derive(Debug)]
pub struct StateCell {
    /// The index of the one state that holds; `MANY` if `on` says it.
    one: AtomicUsize,
    on: Box<[AtomicBool]>,
}

/// No state's index: each state stands for itself.
const MANY: usize = usize::MAX;

impl StateSet {
    /// Begins the definition of a state set with these states, at least one, each once.
    pub const fn define<'a>(
        name: &'a str,
        help: &'a str,
        states: &'a [&'a str],
    ) -> Definition<'a, Self> {
        let mut definition = Definition::new(name, help);
        definition.setup.states = states;
        definition
    }

    /// Makes `state` the one that holds; false, and nothing changes, if there is no such state.
    pub fn set(&self, state: &str) -> bool {
        match self.index(state) {
            Some(index) => {
                self.0.cell.one.store(index, Ordering::Relaxed);
                true
            }
            None => false,
        }
    }

    /// Says whether `state` holds, whatever the others do; false, and nothing changes, if there is no such state.
    pub fn set_state(&self, state: &str, on: bool) -> bool {
        let Some(index) = self.index(state) else {
            return false;
        };
        let one = self.0.cell.one.swap(MANY, Ordering::Relaxed);
        if one != MANY {
            for (other, flag) in self.0.cell.on.iter().enumerate() {
                flag.store(other == one, Ordering::Relaxed);
            }
        }
        self.0.cell.on[index].store(on, Ordering::Relaxed);
        true
    }

    /// Whether `state` holds.
    pub fn is(&self, state: &str) -> bool {
        self.index(state)
            .is_some_and(|index| self.0.cell.is_on(index))
    }

    fn index(&self, state: &str) -> Option<usize> {
        self.0
            .shared
            .settings
            .states
            .iter()
            .position(|known| **known == *state)
    }
}

impl StateCell {
    fn is_on(&self, index: usize) -> bool {
        match self.one.load(Ordering::Relaxed) {
            MANY => self.on[index].load(Ordering::Relaxed),
            one => one == index,
        }
    }
}

impl sealed::Sealed for StateSet {
    const KIND: Kind = Kind::StateSet;
    type Cell = StateCell;
    type Scratch = Vec<(Arc<str>, bool)>;

    fn cell(settings: &Settings) -> StateCell {
        let on = settings
            .states
            .iter()
            .map(|_| AtomicBool::new(false))
            .collect();
        StateCell {
            one: AtomicUsize::new(MANY),
            on,
        }
    }

    fn from_series(series: Arc<Series<StateCell>>) -> Self {
        Self(series)
    }

    fn series(&self) -> &Arc<Series<StateCell>> {
        &self.0
    }

    fn show(
        series: &Series<StateCell>,
        head: Head<'_>,
        scratch: &mut Self::Scratch,
        sink: &mut dyn Sink,
    ) -> bool {
        let states = series.shared.settings.states.iter();
        scratch.clear();
        // One reading of which one holds, so that never two do.
        let one = series.cell.one.load(Ordering::Relaxed);
        scratch.extend(states.enumerate().map(|(i, state)| {
            let on = if one == MANY {
                series.cell.on[i].load(Ordering::Relaxed)
            } else {
                one == i
            };
            (Arc::clone(state), on)
        }));
        sink.point(head, &Point::new(Value::StateSet(scratch)))
    }
}
