//! Registries within registries.

use std::cell::Cell;

use crate::collect::{Collect, CollectError, Sink};
use crate::encode::Format;
use crate::model::Descriptor;
use crate::registry::Registry;

/// A registry is a collector, so that several can be scraped as one. Its families are checked against those
/// of the registry that it is in at each scrape.
impl Collect for Registry {
    fn descriptors(&self) -> Vec<Descriptor> {
        let in_order = self.in_order();
        let Ok(_depth) = Depth::enter() else {
            return Vec::new();
        };
        in_order
            .collectors()
            .iter()
            .flat_map(|registered| registered.collector.descriptors())
            .collect()
    }

    fn collect(&self, sink: &mut dyn Sink) -> Result<(), CollectError> {
        let _depth = Depth::enter()?;
        self.scrape(Format::Text).collect_into(sink);
        Ok(())
    }

    fn streams(&self) -> bool {
        let in_order = self.in_order();
        let Ok(_depth) = Depth::enter() else {
            return true;
        };
        in_order
            .collectors()
            .iter()
            .all(|registered| registered.collector.streams())
    }
}

/// How many registries within registries are being asked on this thread: one that is within itself,
/// however far, must end.
struct Depth;

const MAX_DEPTH: usize = 16;

thread_local! {
    static DEPTH: Cell<usize> = const { Cell::new(0) };
}

impl Depth {
    fn enter() -> Result<Self, CollectError> {
        if DEPTH.get() == MAX_DEPTH {
            return Err(CollectError::source(
                "registries are within each other; register each once",
            ));
        }
        DEPTH.set(DEPTH.get() + 1);
        Ok(Self)
    }
}

impl Drop for Depth {
    fn drop(&mut self) {
        DEPTH.set(DEPTH.get() - 1);
    }
}
