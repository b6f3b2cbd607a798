//! The state set.

use std::sync::Arc;

use crate::collect::Sink;
use crate::metric::definition::Definition;
use crate::metric::series::{SeriesCell, metric, sealed};
use crate::metric::setup::{MAX_STATES, Settings};
use crate::model::{MetricType, Sample, SeriesKey, Value};
use crate::sync::atomic::{AtomicU64, Ordering};

/// Named states, each on or off: `starting`, `running`, `stopping`. At first all are off.
///
/// A scrape shows one series per state: 1 if the state is on, 0 if not. The label with the state has the metric's name.
/// Cheap to clone; clones are the same series.
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
/// Use, exposition and pitfalls: [the state set's page](crate::docs::state_set).
#[derive(Clone)]
pub struct StateSet(Arc<SeriesCell<StateCell>>);

metric!(StateSet);

/// The states that are on. Replacing all states begins a new epoch. Switching a single state sets a flag with the
/// number of the current epoch. Each change writes one atomic that alone defines its effect, so no change is lost or
/// seen in part.
#[derive(Debug)]
pub struct StateCell {
    /// The epoch; the lowest bits are the index of the one state that was on at its beginning.
    epoch: AtomicU64,
    /// For each state the epoch in which it was last switched alone; the lowest bit is its new value.
    flags: Box<[AtomicU64]>,
}

/// The number of bits of an index. The other 48 suffice for three years at three million epochs a second.
const INDEX_BITS: u32 = 16;

// The index after the last one means "no state".
const _: () = assert!(MAX_STATES == (1 << INDEX_BITS) - 1);

/// Initially, no state is on. Flags begin with epoch 0, so none belongs to this epoch.
const FIRST_EPOCH: u64 = 1 << INDEX_BITS | MAX_STATES as u64;

impl StateSet {
    /// Begins the definition of a state set with these states: at least one, without duplicates.
    pub const fn define<'a>(
        name: &'a str,
        help: &'a str,
        states: &'a [&'a str],
    ) -> Definition<'a, Self> {
        let mut definition = Definition::new(name, help, ());
        definition.setup.states = states;
        definition
    }

    /// Turns `state` on and all others off. Returns false and changes nothing for an unknown state.
    pub fn set(&self, state: &str) -> bool {
        let index = self.index(state);
        index.map(|index| self.0.cell.set(index)).is_some()
    }

    /// Turns `state` on or off and leaves the others unchanged. Returns false and changes nothing for an unknown state.
    pub fn set_state(&self, state: &str, on: bool) -> bool {
        let index = self.index(state);
        index.map(|index| self.0.cell.switch(index, on)).is_some()
    }

    /// Returns whether `state` is on.
    pub fn is(&self, state: &str) -> bool {
        let cell = &self.0.cell;
        self.index(state)
            .is_some_and(|index| cell.is_on(cell.epoch(), index))
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
    fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::Relaxed)
    }

    fn set(&self, index: usize) {
        let next = |epoch: u64| Some(((epoch >> INDEX_BITS) + 1) << INDEX_BITS | index as u64);
        // `next` always returns a value, so the update cannot fail.
        let _ = self
            .epoch
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, next);
    }

    fn switch(&self, index: usize, on: bool) {
        let epoch = self.epoch() >> INDEX_BITS;
        let flag = epoch << 1 | u64::from(on);
        // A flag of a later epoch stays: since then, all states were replaced and this one was switched again.
        let _ = self.flags[index].fetch_update(Ordering::Relaxed, Ordering::Relaxed, |before| {
            (before >> 1 <= epoch).then_some(flag)
        });
    }

    /// Returns whether the state is on in this epoch.
    fn is_on(&self, epoch: u64, index: usize) -> bool {
        let flag = self.flags[index].load(Ordering::Relaxed);
        if flag >> 1 == epoch >> INDEX_BITS {
            flag & 1 == 1
        } else {
            epoch & MAX_STATES as u64 == index as u64
        }
    }
}

impl sealed::Sealed for StateSet {
    const TYPE: MetricType = MetricType::StateSet;
    type Cell = StateCell;
    type Scratch = Vec<(Arc<str>, bool)>;

    fn cell(settings: &Settings) -> StateCell {
        StateCell {
            epoch: AtomicU64::new(FIRST_EPOCH),
            flags: settings.states.iter().map(|_| AtomicU64::new(0)).collect(),
        }
    }

    fn from_series(series: Arc<SeriesCell<StateCell>>) -> Self {
        Self(series)
    }

    fn series(&self) -> &Arc<SeriesCell<StateCell>> {
        &self.0
    }

    fn show(
        series: &SeriesCell<StateCell>,
        head: SeriesKey<'_>,
        scratch: &mut Self::Scratch,
        sink: &mut dyn Sink,
    ) -> bool {
        let states = series.shared.settings.states.iter();
        scratch.clear();
        // Read once: two readings could show two states as the one set by `set`.
        let epoch = series.cell.epoch();
        scratch.extend(
            states
                .enumerate()
                .map(|(i, state)| (Arc::clone(state), series.cell.is_on(epoch, i))),
        );
        sink.sample(head, &Sample::new(Value::StateSet(scratch)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Registry;

    #[test]
    fn states_are_set_alone_and_switched_one_by_one() {
        let definition = StateSet::define("p", "h", &["a", "b", "c"]);
        let phase = Registry::new().add(definition).unwrap();
        let on = || ["a", "b", "c"].map(|state| phase.is(state));
        assert_eq!(on(), [false; 3]);
        assert!(phase.set_state("b", true));
        assert_eq!(on(), [false, true, false]);
        assert!(phase.set("a"));
        assert_eq!(on(), [true, false, false]);
        assert!(phase.set_state("a", false) && phase.set_state("c", true));
        assert_eq!(on(), [false, false, true]);
        assert!(!phase.set("d") && !phase.set_state("d", true) && !phase.is("d"));
        assert!(phase.set("a"));
        assert_eq!(on(), [true, false, false]);
    }
}
