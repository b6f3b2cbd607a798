//! Scrapes of nested registries.

use std::cell::Cell;

use crate::collect::{Collect, CollectError, Sink};
use crate::encode::Format;
use crate::model::Descriptor;
use crate::registry::Nested;

impl Collect for Nested {
    fn descriptors(&self) -> Vec<Descriptor> {
        let in_order = self.0.in_order();
        let Ok(_depth) = Depth::enter() else {
            return Vec::new();
        };
        let collectors = in_order.collectors().iter();
        collectors
            .flat_map(|registered| registered.descriptors())
            .collect()
    }

    fn collect(&self, sink: &mut dyn Sink) -> Result<(), CollectError> {
        let _depth = Depth::enter()?;
        self.0.scrape(Format::Text).collect_into(sink);
        Ok(())
    }
}

/// The current nesting depth of registries on this thread. It stops the recursion of a registry that contains itself.
pub(super) struct Depth;

const MAX_DEPTH: usize = 16;

thread_local! {
    static DEPTH: Cell<usize> = const { Cell::new(0) };
}

impl Depth {
    pub(super) fn enter() -> Result<Self, CollectError> {
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
