//! The collectors of a registry, the names they claim, and their order in a scrape.

use std::collections::BTreeMap;
use std::mem;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::RegisterError;
use super::failures::Failures;
use crate::collect::{Collect, CollectError, Scope, ScopedSink, Sink};
use crate::encode::{Escaping, sample_names};
use crate::model::{Descriptor, MetricType};
use crate::sync::{Mutex, caught, lock};

/// The state that the clones of a registry share.
#[derive(Default)]
pub(super) struct Core {
    contents: Mutex<Contents>,
    /// The number of collectors added and removed so far. Written under the lock, read without it.
    changes: AtomicU64,
    pub(super) created_samples: AtomicBool,
}

#[derive(Default)]
struct Contents {
    next_id: u64,
    /// Every name that a family's samples may have, and the family.
    claims: BTreeMap<Box<str>, Claim>,
    collectors: BTreeMap<Position, Arc<Registered>>,
    /// The collectors in scrape order; rebuilt after a change.
    in_order: Option<Arc<InOrder>>,
}

/// The collectors in scrape order, as of one change.
pub(crate) struct InOrder {
    change: u64,
    collectors: Box<[Arc<Registered>]>,
    /// The positions of the collectors that a scrape may have to wait for.
    #[cfg(feature = "http")]
    waiting: Box<[usize]>,
}

impl InOrder {
    /// The registry's number of changes when this order was built.
    pub(crate) fn change(&self) -> u64 {
        self.change
    }

    pub(crate) fn collectors(&self) -> &[Arc<Registered>] {
        &self.collectors
    }

    /// The collectors that a scrape may have to wait for, and their positions among all.
    #[cfg(feature = "http")]
    pub(crate) fn waiting(&self) -> impl Iterator<Item = (usize, &Arc<Registered>)> {
        let waiting = self.waiting.iter();
        waiting.filter_map(|at| Some((*at, self.collectors.get(*at)?)))
    }
}

/// The position of a collector in a scrape. `target_info` comes first because OpenMetrics requires it; the others
/// follow by the first family's name, then by age.
type Position = (bool, Arc<str>, u64);

struct Claim {
    id: u64,
    family: Box<str>,
    metric_type: MetricType,
}

/// A registered collector.
pub(crate) struct Registered {
    id: u64,
    /// Its first family; `None` if it names no family.
    pub(crate) name: Arc<str>,
    /// True if this registry created it from a definition. It then writes exactly the one family that it names, with
    /// distinct series.
    pub(crate) trusted: bool,
    pub(crate) collector: Arc<dyn Collect>,
    pub(crate) access: Access,
    /// The prefix and labels of the handle that it was registered through.
    scope: Option<Scope>,
    pub(crate) failures: Failures,
}

impl Registered {
    pub(crate) fn descriptors(&self) -> Vec<Descriptor> {
        descriptors(&*self.collector, self.scope.as_ref())
    }

    /// The number of recordings rejected by a limit on series; 0 if the collector panics.
    pub(crate) fn refused(&self) -> u64 {
        if self.trusted {
            return self.collector.refused();
        }
        caught(|| self.collector.refused()).unwrap_or(0)
    }

    /// Collects now, on this thread.
    pub(crate) fn collect(&self, sink: &mut dyn Sink) -> Result<(), CollectError> {
        self.give(sink, |sink| self.collector.collect(sink))
    }

    /// Writes the families that this collector has collected, with the prefix and labels of its scope.
    #[inline]
    pub(crate) fn give<T>(&self, sink: &mut dyn Sink, give: impl FnOnce(&mut dyn Sink) -> T) -> T {
        match &self.scope {
            None => give(sink),
            Some(scope) => give(&mut ScopedSink::new(sink, scope)),
        }
    }
}

/// A panic of the collector's destructor costs neither the program nor a scrape that held the collector last.
impl Drop for Registered {
    fn drop(&mut self) {
        let collector = mem::replace(&mut self.collector, Arc::new(Gone));
        let _ = caught(|| drop(collector));
    }
}

/// Takes the place of a collector while it is dropped.
struct Gone;

impl Collect for Gone {
    fn collect(&self, _: &mut dyn Sink) -> Result<(), CollectError> {
        Ok(())
    }
}

fn descriptors(collector: &dyn Collect, scope: Option<&Scope>) -> Vec<Descriptor> {
    let descriptors = collector.descriptors();
    match scope {
        None => descriptors,
        Some(scope) => descriptors.iter().map(|it| scope.descriptor(it)).collect(),
    }
}

/// A collector, and the way a scrape calls it.
#[doc(hidden)]
pub struct Member {
    /// Writes the families that need no wait.
    pub(super) collector: Arc<dyn Collect>,
    pub(super) access: Access,
}

/// The way a server's scrape calls a collector. Other scrapes call every collector in place.
pub(crate) enum Access {
    /// The collector waits for nothing. The scrape calls it while it writes the response.
    InPlace,
    /// The collector may wait. The scrape calls it on a thread that it can leave behind.
    #[cfg(feature = "http")]
    OnThread(crate::source::CollectorRuns),
    /// The scrape fetches from the sources.
    #[cfg(feature = "http")]
    Sources(crate::source::Sources),
    /// The scrape calls each member of the registry in its own way.
    #[cfg(feature = "http")]
    Registry(super::handle::Registry),
    #[cfg(not(feature = "http"))]
    MayWait,
}

impl Access {
    #[cfg(feature = "http")]
    pub(super) fn may_wait() -> Self {
        Self::OnThread(crate::source::CollectorRuns::default())
    }

    #[cfg(not(feature = "http"))]
    pub(super) fn may_wait() -> Self {
        Self::MayWait
    }

    pub(crate) fn is_in_place(&self) -> bool {
        matches!(self, Self::InPlace)
    }
}

impl Member {
    /// A collector that waits for nothing.
    pub(super) fn in_place(collector: impl Collect + 'static) -> Self {
        Self {
            collector: Arc::new(collector),
            access: Access::InPlace,
        }
    }

    /// A collector that may wait.
    pub(super) fn may_wait(collector: impl Collect + 'static) -> Self {
        Self {
            collector: Arc::new(collector),
            access: Access::may_wait(),
        }
    }
}

impl std::fmt::Debug for Member {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Member").finish_non_exhaustive()
    }
}

impl Core {
    /// Adds a collector, unless one of its names is taken.
    pub(super) fn insert(
        &self,
        member: Member,
        trusted: bool,
        scope: Option<Scope>,
    ) -> Result<(), RegisterError> {
        let Member { collector, access } = member;
        let descriptors = descriptors(&*collector, scope.as_ref());
        let mut contents = lock(&self.contents);
        let id = contents.next_id;
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
                if let Some(taken) = own.as_ref().or_else(|| contents.claims.get(&sample)) {
                    return Err(RegisterError::Taken {
                        name: descriptor.name().into(),
                        sample,
                        by: taken.family.clone(),
                        metric_type: taken.metric_type,
                    });
                }
            }
        }
        contents.next_id += 1;
        contents.claims.append(&mut claims);
        let name: Arc<str> = descriptors
            .iter()
            .map(Descriptor::name)
            .min()
            .unwrap_or("")
            .into();
        let registered = Registered {
            id,
            name: name.clone(),
            trusted,
            collector,
            access,
            scope,
            failures: Failures::default(),
        };
        contents
            .collectors
            .insert((&*name != "target_info", name, id), Arc::new(registered));
        let outdated = self.note_change(&mut contents);
        drop(contents);
        drop(outdated);
        Ok(())
    }

    /// Removes the collector of the family `name`; returns whether there was one.
    pub(super) fn unregister(&self, name: &str) -> bool {
        let mut contents = lock(&self.contents);
        let escaped = Escaping::Underscores.metric_name(name);
        let Some(id) = contents
            .claims
            .get(&*escaped)
            .filter(|claim| &*claim.family == name)
            .map(|claim| claim.id)
        else {
            return false;
        };
        contents.claims.retain(|_, claim| claim.id != id);
        let (removed, kept): (BTreeMap<_, _>, _) = mem::take(&mut contents.collectors)
            .into_iter()
            .partition(|((_, _, other), _)| *other == id);
        contents.collectors = kept;
        let outdated = self.note_change(&mut contents);
        // Run the collector's destructor after the lock is released.
        drop(contents);
        drop(outdated);
        !removed.is_empty()
    }

    /// Returns whether a family's names are free, or claimed by this collector.
    pub(super) fn may_show(
        &self,
        registered: Option<&Registered>,
        descriptor: &Descriptor,
    ) -> bool {
        let contents = lock(&self.contents);
        sample_names(descriptor).iter().all(|name| {
            contents
                .claims
                .get(name)
                .is_none_or(|claim| registered.is_some_and(|registered| claim.id == registered.id))
        })
    }

    /// The collectors of a scrape.
    pub(super) fn in_order(&self) -> Arc<InOrder> {
        let mut contents = lock(&self.contents);
        match &contents.in_order {
            Some(in_order) => Arc::clone(in_order),
            None => {
                let collectors: Box<[_]> = contents.collectors.values().cloned().collect();
                let in_order = Arc::new(InOrder {
                    change: self.changes.load(Ordering::Relaxed),
                    #[cfg(feature = "http")]
                    waiting: (0..collectors.len())
                        .filter(|at| !collectors[*at].access.is_in_place())
                        .collect(),
                    collectors,
                });
                contents.in_order = Some(Arc::clone(&in_order));
                in_order
            }
        }
    }

    /// Returns whether the registry has not changed since.
    pub(super) fn is_current(&self, in_order: &InOrder) -> bool {
        in_order.change == self.changes.load(Ordering::Acquire)
    }

    /// Returns the outdated order; drop it after the lock is released.
    fn note_change(&self, contents: &mut Contents) -> Option<Arc<InOrder>> {
        self.changes.fetch_add(1, Ordering::Release);
        contents.in_order.take()
    }

    /// The first families of the collectors.
    pub(super) fn names(&self) -> Vec<Arc<str>> {
        let contents = lock(&self.contents);
        let collectors = contents.collectors.values();
        collectors
            .map(|registered| Arc::clone(&registered.name))
            .collect()
    }
}
