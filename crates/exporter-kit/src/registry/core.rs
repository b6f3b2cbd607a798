//! The collectors of a registry, the names they claim, and their order in a scrape.

use std::cmp::Ordering as Order;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::RegisterError;
use super::claims::{Claim, Claims};
use super::registered::{Member, Registered};
use crate::collect::Scope;
use crate::encode::{Escaping, sample_names};
use crate::model::Descriptor;
use crate::sync::{Mutex, lock};

/// A set of metrics that are scraped together.
///
/// Cheap to clone; clones share one registry. It creates metrics ([`gauge`](Self::gauge), [`counter`](Self::counter),
/// [`add`](Self::add)) and accepts existing ones ([`register`](Self::register)).
///
/// ```
/// use exporter_kit::Registry;
///
/// let registry = Registry::new();
/// registry.gauge("app_active_sessions", "Number of active user sessions")?.set(45);
/// assert!(registry.to_text().ends_with("app_active_sessions gauge\napp_active_sessions 45.0\n"));
/// # Ok::<(), exporter_kit::RegisterError>(())
/// ```
#[derive(Clone, Default)]
pub struct Registry {
    pub(super) core: Arc<Core>,
    pub(super) scope: Arc<Scope>,
}

/// The state that the clones of a registry share.
#[derive(Default)]
pub(super) struct Core {
    contents: Mutex<Contents>,
    next_id: AtomicU64,
    /// The number of collectors added and removed so far. Written under the lock, read without it.
    changes: AtomicU64,
    pub(super) created_samples: AtomicBool,
}

#[derive(Default)]
struct Contents {
    claims: Claims<Registered>,
    collectors: BTreeSet<InScrapeOrder>,
    /// The collectors in scrape order; rebuilt by the first scrape after a change.
    in_order: Option<Arc<InOrder>>,
}

/// A collector, sorted by its position in a scrape. `target_info` comes first because OpenMetrics requires it; the others
/// follow by the first family's name, then by age.
struct InScrapeOrder(Arc<Registered>);

impl InScrapeOrder {
    fn position(&self) -> (bool, &str, u64) {
        let name = self.0.name();
        (name != "target_info", name, self.0.id)
    }
}

impl Ord for InScrapeOrder {
    fn cmp(&self, other: &Self) -> Order {
        self.position().cmp(&other.position())
    }
}

impl PartialOrd for InScrapeOrder {
    fn partial_cmp(&self, other: &Self) -> Option<Order> {
        Some(self.cmp(other))
    }
}

impl Eq for InScrapeOrder {}

impl PartialEq for InScrapeOrder {
    fn eq(&self, other: &Self) -> bool {
        self.position() == other.position()
    }
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

impl Core {
    /// Adds a collector, unless one of its names is taken.
    pub(super) fn insert(
        &self,
        member: Member,
        trusted: bool,
        scope: Option<Arc<Scope>>,
    ) -> Result<(), RegisterError> {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let registered = Arc::new(Registered::new(member, trusted, scope, id));
        let families = &registered.families;
        // Its own claims, to find a conflict of its families with each other.
        let mut own = Claims::default();
        if families.len() > 1 {
            own.add(&registered);
            let is = |family: &Descriptor, other: &Descriptor| family.name() != other.name();
            check(&own, families, is)?;
        }
        let mut contents = lock(&self.contents);
        check(&contents.claims, families, |_, _| true)?;
        contents.claims.add(&registered);
        contents
            .collectors
            .insert(InScrapeOrder(Arc::clone(&registered)));
        let outdated = self.note_change(&mut contents);
        drop(contents);
        drop(outdated);
        Ok(())
    }

    /// Removes the collector of the family `name`; returns whether there was one.
    pub(super) fn unregister(&self, name: &str) -> bool {
        let escaped = Escaping::Underscores.metric_name(name);
        let mut contents = lock(&self.contents);
        let claim = contents
            .claims
            .find(&escaped, |family| family.name() == name);
        let Some(owner) = claim.map(|claim| Arc::clone(&claim.owner)) else {
            return false;
        };
        contents.claims.remove(&owner);
        let removed = contents.collectors.take(&InScrapeOrder(Arc::clone(&owner)));
        let outdated = self.note_change(&mut contents);
        // Run the collector's destructor after the lock is released.
        drop(contents);
        drop(outdated);
        removed.is_some()
    }

    /// Returns whether a family's names are free, or claimed by this collector.
    pub(super) fn may_show(
        &self,
        registered: Option<&Registered>,
        descriptor: &Descriptor,
    ) -> bool {
        let samples = sample_names(descriptor);
        let contents = lock(&self.contents);
        samples.iter().all(|sample| {
            let claim = contents.claims.find(sample, |_| true);
            claim.is_none_or(|claim| {
                registered.is_some_and(|registered| std::ptr::eq(&*claim.owner, registered))
            })
        })
    }

    /// The collectors of a scrape.
    pub(super) fn in_order(&self) -> Arc<InOrder> {
        let mut contents = lock(&self.contents);
        match &contents.in_order {
            Some(in_order) => Arc::clone(in_order),
            None => {
                let collectors: Box<[_]> = contents
                    .collectors
                    .iter()
                    .map(|InScrapeOrder(registered)| Arc::clone(registered))
                    .collect();
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

    /// The collectors in scrape order, for inspection.
    pub(super) fn all(&self) -> Vec<Arc<Registered>> {
        let contents = lock(&self.contents);
        let collectors = contents.collectors.iter();
        collectors
            .map(|InScrapeOrder(registered)| Arc::clone(registered))
            .collect()
    }
}

/// Returns an error if a sample of the families has a name that a family accepted by `is` claims.
fn check(
    claims: &Claims<Registered>,
    families: &[Descriptor],
    is: impl Fn(&Descriptor, &Descriptor) -> bool,
) -> Result<(), RegisterError> {
    for family in families {
        for sample in sample_names(family) {
            let claim = claims.find(&sample, |other| is(other, family));
            if let Some(by) = claim.and_then(Claim::family) {
                return Err(RegisterError::Taken {
                    name: family.name().into(),
                    sample,
                    by: by.name().into(),
                    metric_type: by.metric_type(),
                });
            }
        }
    }
    Ok(())
}
