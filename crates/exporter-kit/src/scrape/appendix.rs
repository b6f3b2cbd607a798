//! Families of the library itself, which come after those of a registry and give way to them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::walk::Walk;
use crate::collect::Sink;
use crate::registry::{InOrder, Registry};

/// Families that come after those of another registry, always the same one.
#[derive(Debug)]
pub(crate) struct Appendix {
    families: Registry,
    /// How often both registries had changed when none of the families had a name that is taken. Both numbers only grow, so
    /// neither has changed since if their sum has not. To find out anew takes longer than a small scrape.
    free_as_of: AtomicU64,
}

/// As often no registry changes.
const NEVER: u64 = u64::MAX;

impl Appendix {
    pub(crate) fn new(families: Registry) -> Arc<Self> {
        Arc::new(Self {
            families,
            free_as_of: AtomicU64::new(NEVER),
        })
    }

    /// Gives those whose names are not taken in `registry`, which the gate's scrape walks over `in_order`.
    pub(super) fn give<S: Sink + ?Sized>(
        &self,
        registry: &Registry,
        in_order: &InOrder,
        walk: &mut Walk<'_, S>,
    ) {
        let own = self.families.in_order();
        let now = own.change() + in_order.change();
        let mut are_free = self.free_as_of.load(Ordering::Relaxed) == now;
        if !are_free {
            let collectors = own.collectors().iter();
            let mut families = collectors.flat_map(|own| own.collector.descriptors());
            are_free = families.all(|family| registry.may_show(None, &family));
            if are_free && registry.is_current(in_order) {
                self.free_as_of.store(now, Ordering::Relaxed);
            }
        }
        walk.begin_own(are_free);
        for own in own.collectors() {
            // These are metrics, which do not fail.
            let _ = own.collector.collect(walk);
        }
    }
}
