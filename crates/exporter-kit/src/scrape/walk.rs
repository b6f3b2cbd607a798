//! The walk of a scrape over the collectors: rejects duplicate families, applies the filter, counts failures.

use std::collections::BTreeMap;
use std::sync::Arc;

use hashbrown::HashSet;

use super::Prepared;
use super::clock::Clock;
use crate::collect::context::ScrapeContext;
use crate::collect::{CollectError, Failure, FamilyWriter, Sink};
use crate::encode::sample_names;
use crate::model::{Descriptor, MetricType, Sample, SeriesKey};
use crate::registry::{Registered, Registry};
use crate::sync::caught;

/// The families of a scrape.
#[derive(Clone)]
pub(super) struct Selection {
    pub(super) registry: Registry,
    /// The requested names; `None` for all. A set, because a request can name a thousand of ten thousand families.
    pub(super) names: Option<Arc<HashSet<String>>>,
    pub(super) context: ScrapeContext,
    /// Families that were collected before the scrape.
    pub(super) prepared: Option<Arc<dyn Prepared>>,
}

impl Selection {
    /// Returns whether the family passes the filter.
    #[inline]
    fn wants(&self, descriptor: &Descriptor) -> bool {
        let names = self.names.as_ref();
        names.is_none_or(|names| has_name_of(names, descriptor))
    }
}

/// Returns whether the set contains the family's name, or one of its samples' names.
#[cold]
fn has_name_of(names: &HashSet<String>, descriptor: &Descriptor) -> bool {
    names.contains(descriptor.name())
        || sample_names(descriptor)
            .iter()
            .any(|sample| names.contains(&**sample))
}

/// Passes selected families from the collectors to the sink, each once.
pub(super) struct Walk<'a, S: ?Sized> {
    sink: &'a mut S,
    selection: &'a Selection,
    /// The context, if the scrape is part of another one with a deadline.
    context: Option<ScrapeContext>,
    clock: Clock,
    giver: Giver<'a>,
    /// Families of untrusted collectors in this scrape so far.
    seen: Option<HashSet<Box<str>>>,
    open: bool,
}

/// The origin of the families, which decides how they are checked.
#[derive(Clone, Copy)]
enum Giver<'a> {
    /// A metric created by the registry: its name is known to be unique.
    Trusted,
    /// A collector, which may write anything.
    Untrusted(&'a Registered),
    /// The library's own families, which any other replaces. `are_free` is true if none of their names is claimed.
    Own { are_free: bool },
}

impl<'a, S: Sink + ?Sized> Walk<'a, S> {
    pub(super) fn new(sink: &'a mut S, selection: &'a Selection) -> Self {
        let context = selection.context.within(sink.context());
        let deadline = context.as_ref().unwrap_or(&selection.context).deadline;
        Self {
            sink,
            selection,
            context,
            clock: Clock::new(deadline),
            giver: Giver::Trusted,
            seen: None,
            open: false,
        }
    }

    /// Shows the families of the collector at that position.
    pub(super) fn collect(&mut self, at: usize, registered: &'a Registered) {
        self.giver = if registered.trusted {
            Giver::Trusted
        } else {
            Giver::Untrusted(registered)
        };
        self.open = false;
        let prepared = self.selection.prepared.as_ref();
        let prepared = prepared.and_then(|prepared| prepared.give(at, registered, self));
        let given = prepared.unwrap_or_else(|| self.collect_now(registered));
        if let Err(failure) = given {
            registered.failures.count(failure);
        } else if self.clock.is_over {
            // The deadline passed while it wrote.
            registered.failures.count(Failure::Deadline);
        }
    }

    fn collect_now(&mut self, registered: &Registered) -> Result<(), Failure> {
        if self.clock.is_over() {
            return Err(Failure::Deadline);
        }
        // A panic can leave only the collector's own state inconsistent; the sink accepts whole samples only.
        let given = match caught(|| registered.collect(self)) {
            Some(Ok(())) => Ok(()),
            Some(Err(error)) => {
                log::warn!("collector `{}` failed: {error}", registered.name());
                Err(Failure::Error)
            }
            None => Err(Failure::Panic),
        };
        if !(registered.trusted && registered.access.is_in_place()) {
            // It may have taken any time.
            self.clock.doubt();
        }
        given
    }

    /// Returns whether the family may come from this origin.
    #[inline]
    fn may_show(&mut self, descriptor: &Descriptor) -> bool {
        match self.giver {
            Giver::Trusted => true,
            Giver::Untrusted(registered) => {
                let seen = self.seen.get_or_insert_default();
                let fresh = !seen.contains(descriptor.name())
                    && self
                        .selection
                        .registry
                        .may_show(Some(registered), descriptor);
                if fresh {
                    seen.insert(descriptor.name().into());
                } else {
                    // Log it once: it is the same in every scrape.
                    if registered.failures.get(Failure::Duplicate) == 0 {
                        log::warn!(
                            "collector `{}`: cannot show family `{}`: another family has its name; rename one of the two (further families of this collector are only counted)",
                            registered.name(),
                            descriptor.name()
                        );
                    }
                    registered.failures.count(Failure::Duplicate);
                }
                fresh
            }
            Giver::Own { are_free } => {
                let seen = self.seen.as_ref();
                !seen.is_some_and(|seen| seen.contains(descriptor.name()))
                    && (are_free || self.selection.registry.may_show(None, descriptor))
            }
        }
    }

    /// Begins the library's own families, which are few and always available.
    pub(super) fn begin_own(&mut self, are_free: bool) {
        self.giver = Giver::Own { are_free };
        self.clock = Clock::new(None);
    }

    /// Writes the counts of failures, if any. Collectors without a name are counted together.
    pub(super) fn failures(&mut self, in_order: &[Arc<Registered>]) -> Result<(), CollectError> {
        let mut failed: BTreeMap<&str, [u64; Failure::ALL.len()]> = BTreeMap::new();
        let mut refused: BTreeMap<&str, u64> = BTreeMap::new();
        for registered in in_order {
            if registered.failures.any() {
                let times = failed.entry(registered.name()).or_default();
                for (times, failure) in times.iter_mut().zip(Failure::ALL) {
                    *times += registered.failures.get(failure);
                }
            }
            let times = registered.refused();
            if times > 0 {
                *refused.entry(registered.name()).or_default() += times;
            }
        }
        if !failed.is_empty() {
            let descriptor = Descriptor::new(
                MetricType::Counter,
                "exporter_kit_collector_failures_total",
                "Scrapes in which a collector failed, by its first family and the reason.",
            )?;
            let mut family = FamilyWriter::begin(self, &descriptor, ["collector", "reason"])?;
            for (name, times) in failed {
                for (failure, times) in Failure::ALL.into_iter().zip(times) {
                    family.counter([name, failure.reason()], times)?;
                }
            }
        }
        if !refused.is_empty() {
            let descriptor = Descriptor::new(
                MetricType::Counter,
                "exporter_kit_series_refused_total",
                "Times that recording was refused because its family had reached its limit of series.",
            )?;
            let mut family = FamilyWriter::begin(self, &descriptor, ["family"])?;
            for (name, times) in refused {
                family.counter([name], times)?;
            }
        }
        Ok(())
    }
}

impl<S: Sink + ?Sized> Sink for Walk<'_, S> {
    fn family(&mut self, descriptor: &Descriptor) -> bool {
        self.open = self.selection.wants(descriptor)
            && !self.clock.is_over
            && self.may_show(descriptor)
            && self.sink.family(descriptor);
        self.open
    }

    #[inline]
    fn sample(&mut self, head: SeriesKey<'_>, point: &Sample<'_>) -> bool {
        self.open = self.open && !self.clock.is_over() && self.sink.sample(head, point);
        self.open
    }

    fn context(&self) -> &ScrapeContext {
        self.context.as_ref().unwrap_or(&self.selection.context)
    }
}
