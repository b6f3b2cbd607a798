//! Families of the library itself, which follow those of a registry. A family of the same name in the registry replaces
//! the library's.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::walk::Walk;
use crate::collect::Sink;
use crate::registry::{InOrder, Registry};

/// Families that follow those of another registry, always the same one.
#[derive(Debug)]
pub(crate) struct Appendix {
    families: Registry,
    /// The sum of both registries' changes when all names were last found free. Both numbers only increase, so an equal
    /// sum means that neither has changed. Checking again takes longer than a small scrape.
    free_as_of: AtomicU64,
}

/// A number of changes that no registry reaches.
const NEVER: u64 = u64::MAX;

impl Appendix {
    pub(crate) fn new(families: Registry) -> Arc<Self> {
        Arc::new(Self {
            families,
            free_as_of: AtomicU64::new(NEVER),
        })
    }

    /// Writes the families whose names are free in `registry`. The scrape walks over its collectors `in_order`.
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
            let mut families = collectors.flat_map(|own| own.descriptors());
            are_free = families.all(|family| registry.may_show(None, &family));
            if are_free && registry.is_current(in_order) {
                self.free_as_of.store(now, Ordering::Relaxed);
            }
        }
        walk.begin_own(are_free);
        for own in own.collectors() {
            // Metrics never fail.
            let _ = own.collect(walk);
        }
    }
}
