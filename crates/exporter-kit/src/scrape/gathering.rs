//! The families that a scrape has to wait for, collected before it is written. Sources and collectors that may wait run
//! side by side, in nested registries too.

use std::sync::Arc;
use std::time::Instant;

use super::nested::Depth;
use super::{Prepared, Scrape};
use crate::collect::{Failure, Sink};
use crate::encode::Format;
use crate::registry::{Access, InOrder, Registered, Registry};
use crate::source::{
    Batch, Collected, CollectorRun, Deadline, Fetches, MemoryLimit, Sources, View,
};

/// Returns whether a scrape of the registry has to wait for anything.
pub(crate) fn has_waiting(registry: &Registry) -> bool {
    let in_order = registry.in_order();
    in_order
        .waiting()
        .any(|(_, registered)| match &registered.access {
            Access::Registry(within) => {
                let depth = Depth::enter();
                // Too deep a nesting is an error of the walk.
                depth.is_ok() && has_waiting(within)
            }
            _ => true,
        })
}

/// Collects the families that a scrape has to wait for. Ends at the deadline, or when the scrape is no longer wanted.
pub(crate) fn gather(
    registry: &Registry,
    until: Option<Instant>,
    memory: &MemoryLimit,
    is_wanted: &dyn Fn() -> bool,
) -> Arc<Gathered> {
    let batch = Batch::new(memory);
    let gathering = Gathering::begin(registry, until, &batch);
    batch.advance();
    gathering.wait(until, is_wanted)
}

/// The runs under way for one registry.
struct Gathering {
    in_order: Arc<InOrder>,
    /// The runs with the positions of their collectors.
    parts: Vec<(usize, BegunPart)>,
}

enum BegunPart {
    Collector(Arc<CollectorRun>),
    Sources(Sources, Fetches),
    Registry(Registry, Gathering),
}

impl Gathering {
    fn begin(registry: &Registry, until: Option<Instant>, batch: &Arc<Batch>) -> Self {
        let in_order = registry.in_order();
        let begin = |(at, registered): (usize, &Arc<Registered>)| {
            let begun = match &registered.access {
                Access::InPlace => return None,
                Access::OnThread(runs) => {
                    let collector = &registered.collector;
                    BegunPart::Collector(runs.join(registered.name(), collector, until, batch))
                }
                Access::Sources(sources) => {
                    let deadline = until.map_or_else(Deadline::never, |it| Deadline::at(it.into()));
                    BegunPart::Sources(sources.clone(), sources.begin(deadline))
                }
                Access::Registry(within) => {
                    // Too deep a nesting is an error of the walk.
                    let _depth = Depth::enter().ok()?;
                    BegunPart::Registry(Registry::clone(within), Self::begin(within, until, batch))
                }
            };
            Some((at, begun))
        };
        Self {
            parts: in_order.waiting().filter_map(begin).collect(),
            in_order,
        }
    }

    fn wait(self, until: Option<Instant>, is_wanted: &dyn Fn() -> bool) -> Arc<Gathered> {
        // A thread that calls the collectors in turn ends with the last. Waiting for that one first means waiting once.
        let parts = self.parts.into_iter().rev().map(|(at, begun)| {
            let part = match begun {
                BegunPart::Collector(run) => GatheredPart::Collected(run.wait(until, is_wanted)),
                BegunPart::Sources(sources, fetches) => {
                    GatheredPart::Fetched(sources, fetches.wait_here(until, is_wanted))
                }
                BegunPart::Registry(registry, within) => {
                    GatheredPart::Registry(registry, within.wait(until, is_wanted))
                }
            };
            (at, part)
        });
        let mut parts: Vec<_> = parts.collect();
        parts.reverse();
        Arc::new(Gathered {
            in_order: self.in_order,
            parts,
        })
    }
}

/// The results for one scrape.
pub(crate) struct Gathered {
    in_order: Arc<InOrder>,
    /// In the order of the positions of their collectors.
    parts: Vec<(usize, GatheredPart)>,
}

enum GatheredPart {
    Collected(Collected),
    Fetched(Sources, View),
    Registry(Registry, Arc<Gathered>),
}

impl Prepared for Gathered {
    fn in_order(&self) -> &Arc<InOrder> {
        &self.in_order
    }

    fn give(
        &self,
        at: usize,
        registered: &Registered,
        sink: &mut dyn Sink,
    ) -> Option<Result<(), Failure>> {
        let found = self.parts.binary_search_by_key(&at, |(at, _)| *at).ok()?;
        let (_, part) = self.parts.get(found)?;
        Some(match part {
            GatheredPart::Collected(collected) => {
                registered.give(sink, |sink| collected.give(sink));
                collected.failure.map_or(Ok(()), Err)
            }
            GatheredPart::Fetched(sources, view) => {
                let given = registered.give(sink, |sink| sources.give(view, sink));
                given.map_err(|error| {
                    log::warn!("collector `{}` failed: {error}", registered.name());
                    Failure::Error
                })
            }
            GatheredPart::Registry(registry, within) => {
                let Ok(_depth) = Depth::enter() else {
                    return Some(Err(Failure::Error));
                };
                let mut scrape = Scrape::new(registry.clone(), Format::Text);
                scrape.with_prepared(Arc::<Self>::clone(within));
                registered.give(sink, |sink| scrape.collect_into(sink));
                Ok(())
            }
        })
    }
}
