//! What is registered, under which names, and in which order it is scraped.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::RegisterError;
use super::failures::Failures;
use crate::collect::Collect;
use crate::encode::{Escaping, sample_names};
use crate::model::{Descriptor, MetricType};
use crate::sync::{Mutex, lock};

/// What the clones of a registry share.
#[derive(Default)]
pub(super) struct Core {
    state: Mutex<State>,
    /// How often a collector has been added or removed. Changed under the lock, looked at without it.
    changes: AtomicU64,
    pub(super) created_samples: AtomicBool,
}

#[derive(Default)]
struct State {
    next_id: u64,
    /// Every name that a family's samples may have, and whose it is.
    claims: BTreeMap<Box<str>, Claim>,
    collectors: BTreeMap<Position, Arc<Registered>>,
    /// What a scrape walks over; made anew after a change.
    in_order: Option<Arc<InOrder>>,
}

/// The collectors in the order of a scrape, as of one change.
pub(crate) struct InOrder {
    change: u64,
    collectors: Box<[Arc<Registered>]>,
}

impl InOrder {
    /// How often a collector had been added or removed.
    pub(crate) fn change(&self) -> u64 {
        self.change
    }

    pub(crate) fn collectors(&self) -> &[Arc<Registered>] {
        &self.collectors
    }
}

/// Where a collector stands in a scrape: `target_info` first, as OpenMetrics wants it, then by the first
/// family's name, then by age.
type Position = (bool, Box<str>, u64);

struct Claim {
    id: u64,
    family: Box<str>,
    metric_type: MetricType,
}

/// A collector, with what the registry knows of it.
pub(crate) struct Registered {
    pub(crate) id: u64,
    /// Its first family, or nothing if it names none.
    pub(crate) name: Box<str>,
    /// Made by this registry from a definition: it gives the one family that it names, with distinct series.
    pub(crate) trusted: bool,
    /// It is a metric of this library, which waits for nothing.
    pub(crate) is_quick: bool,
    pub(crate) collector: Box<dyn Collect>,
    pub(crate) failures: Failures,
}

impl Core {
    /// Adds a collector, unless one of its names is taken.
    pub(super) fn insert(
        &self,
        collector: Box<dyn Collect>,
        trusted: bool,
    ) -> Result<(), RegisterError> {
        let descriptors = collector.descriptors();
        let is_quick = trusted && collector.streams();
        let mut state = lock(&self.state);
        let id = state.next_id;
        let mut claims = BTreeMap::new();
        for descriptor in &descriptors {
            for sample in sample_names(descriptor) {
                let claim = Claim {
                    id,
                    family: descriptor.name().into(),
                    metric_type: descriptor.metric_type(),
                };
                let own = claims
                    .insert(sample.clone(), claim)
                    .filter(|own: &Claim| *own.family != *descriptor.name());
                if let Some(taken) = own.as_ref().or_else(|| state.claims.get(&sample)) {
                    return Err(RegisterError::Taken {
                        name: descriptor.name().into(),
                        sample,
                        by: taken.family.clone(),
                        metric_type: taken.metric_type,
                    });
                }
            }
        }
        state.next_id += 1;
        state.claims.append(&mut claims);
        let name: Box<str> = descriptors
            .iter()
            .map(Descriptor::name)
            .min()
            .unwrap_or("")
            .into();
        let registered = Registered {
            id,
            name: name.clone(),
            trusted,
            is_quick,
            collector,
            failures: Failures::default(),
        };
        state
            .collectors
            .insert((&*name != "target_info", name, id), Arc::new(registered));
        let outdated = self.note_change(&mut state);
        drop(state);
        drop(outdated);
        Ok(())
    }

    /// Removes the collector that gives the family `name`; says whether there was one.
    pub(super) fn unregister(&self, name: &str) -> bool {
        let mut state = lock(&self.state);
        let escaped = Escaping::Underscores.metric_name(name);
        let Some(id) = state
            .claims
            .get(&*escaped)
            .filter(|claim| &*claim.family == name)
            .map(|claim| claim.id)
        else {
            return false;
        };
        state.claims.retain(|_, claim| claim.id != id);
        let (removed, kept): (BTreeMap<_, _>, _) = std::mem::take(&mut state.collectors)
            .into_iter()
            .partition(|((_, _, other), _)| *other == id);
        state.collectors = kept;
        let outdated = self.note_change(&mut state);
        // What a collector's destructor does must not happen under the lock.
        drop(state);
        drop(outdated);
        !removed.is_empty()
    }

    /// Whether a family that a collector had not named before may be shown by it, or by nobody in particular.
    pub(super) fn may_show(
        &self,
        registered: Option<&Registered>,
        descriptor: &Descriptor,
    ) -> bool {
        let state = lock(&self.state);
        sample_names(descriptor).iter().all(|name| {
            state
                .claims
                .get(name)
                .is_none_or(|claim| registered.is_some_and(|registered| claim.id == registered.id))
        })
    }

    /// What a scrape walks over.
    pub(super) fn in_order(&self) -> Arc<InOrder> {
        let mut state = lock(&self.state);
        match &state.in_order {
            Some(in_order) => Arc::clone(in_order),
            None => {
                let in_order = Arc::new(InOrder {
                    change: self.changes.load(Ordering::Relaxed),
                    collectors: state.collectors.values().cloned().collect(),
                });
                state.in_order = Some(Arc::clone(&in_order));
                in_order
            }
        }
    }

    /// Whether nothing has been added or removed since.
    pub(super) fn is_current(&self, in_order: &InOrder) -> bool {
        in_order.change == self.changes.load(Ordering::Acquire)
    }

    /// Gives what has come out of date, to be dropped when the lock is no longer held.
    fn note_change(&self, state: &mut State) -> Option<Arc<InOrder>> {
        self.changes.fetch_add(1, Ordering::Release);
        state.in_order.take()
    }

    /// The first families of the collectors.
    pub(super) fn names(&self) -> Vec<Box<str>> {
        let state = lock(&self.state);
        let collectors = state.collectors.values();
        collectors
            .map(|registered| registered.name.clone())
            .collect()
    }
}
