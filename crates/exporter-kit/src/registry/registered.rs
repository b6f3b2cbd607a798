//! A collector in a registry, and the way a scrape calls it.

use std::mem;
use std::sync::Arc;

use super::failures::Failures;
use crate::collect::{Collect, CollectError, Scope, ScopedSink, Sink};
use crate::model::Descriptor;
use crate::sync::caught;

/// A registered collector.
pub(crate) struct Registered {
    /// Its age: a later collector has a higher number.
    pub(super) id: u64,
    /// The families that it names, in the order of their names.
    pub(super) families: Box<[Descriptor]>,
    /// True if this registry created it from a definition. It then writes exactly the one family that it names, with
    /// distinct series.
    pub(crate) trusted: bool,
    pub(crate) collector: Arc<dyn Collect>,
    pub(crate) access: Access,
    /// The prefix and labels of the handle that it was registered through.
    scope: Option<Arc<Scope>>,
    pub(crate) failures: Failures,
}

impl Registered {
    /// Calls the collector for its families.
    pub(super) fn new(member: Member, trusted: bool, scope: Option<Arc<Scope>>, id: u64) -> Self {
        let Member { collector, access } = member;
        let mut families = descriptors(&*collector, scope.as_deref());
        families.sort_by(|a, b| a.name().cmp(b.name()));
        Self {
            id,
            families: families.into(),
            trusted,
            collector,
            access,
            scope,
            failures: Failures::default(),
        }
    }

    /// The name of its first family; empty if it names no family.
    pub(crate) fn name(&self) -> &str {
        self.families.first().map_or("", Descriptor::name)
    }

    pub(crate) fn descriptors(&self) -> Vec<Descriptor> {
        descriptors(&*self.collector, self.scope.as_deref())
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

/// The families that it names.
impl AsRef<[Descriptor]> for Registered {
    fn as_ref(&self) -> &[Descriptor] {
        &self.families
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
    OnThread(Box<crate::source::CollectorRuns>),
    /// The scrape fetches from the sources.
    #[cfg(feature = "http")]
    Sources(crate::source::Sources),
    /// The scrape calls each member of the registry in its own way.
    #[cfg(feature = "http")]
    Registry(Box<super::core::Registry>),
    #[cfg(not(feature = "http"))]
    MayWait,
}

impl Access {
    #[cfg(feature = "http")]
    pub(super) fn may_wait() -> Self {
        Self::OnThread(Box::default())
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
