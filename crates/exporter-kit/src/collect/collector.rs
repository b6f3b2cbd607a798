//! Collectors: types that write families at each scrape.

use crate::collect::{CollectError, Sink};
use crate::model::Descriptor;

/// Writes families and their series to a [`Sink`].
///
/// All metrics are collectors. Implement this trait for numbers that are known only at a scrape. An error or a panic
/// loses only the families that the collector has not written yet. The registry counts it.
///
/// [`collect`](Self::collect) may block. A server calls it on a separate thread, once for all scrapes that arrive
/// together. When the scrape's deadline passes, the server responds without it.
///
/// Write each family whole: all its series directly after [`Sink::family`], each label set once. Read the numbers at
/// each call; do not set metrics in it.
///
/// ```
/// use exporter_kit::{Collect, CollectError, Descriptor, FamilyWriter, MetricType, Registry, Sink};
///
/// struct Queue { depth: Descriptor }
///
/// impl Collect for Queue {
///     fn descriptors(&self) -> Vec<Descriptor> {
///         vec![self.depth.clone()]
///     }
///     fn collect(&self, sink: &mut dyn Sink) -> Result<(), CollectError> {
///         FamilyWriter::begin(sink, &self.depth, ["queue"])?.gauge(["mail"], 3)?;
///         Ok(())
///     }
/// }
///
/// let registry = Registry::new();
/// registry.register(Queue { depth: Descriptor::new(MetricType::Gauge, "queue_depth", "Jobs that wait.")? })?;
/// assert!(registry.to_text().contains("queue_depth{queue=\"mail\"} 3.0\n"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not give metrics",
    note = "implement `Collect` for it, or make the metric with a `Registry`"
)]
pub trait Collect: Send + Sync {
    /// The families that [`collect`](Self::collect) may write. The registry checks their names for conflicts when it
    /// registers the collector. It checks all other families at each scrape.
    fn descriptors(&self) -> Vec<Descriptor> {
        Vec::new()
    }

    /// Writes every family.
    ///
    /// # Errors
    /// When the numbers cannot be read. The scrape shows the families written before.
    fn collect(&self, sink: &mut dyn Sink) -> Result<(), CollectError>;

    /// The number of recordings rejected by the limit on the number of series.
    fn refused(&self) -> u64 {
        0
    }

    /// Returns whether [`collect`](Self::collect) never blocks and holds no lock while it writes, so that a slow reader
    /// may keep it waiting. Only the library's own types override it; for other collectors, see
    /// [`Registry::register_streaming`](crate::Registry::register_streaming).
    #[doc(hidden)]
    fn never_waits(&self, _: Internal) -> bool {
        false
    }
}

/// A value that only this library can create. Only this library can call or implement methods that accept one.
#[derive(Clone, Copy, Debug)]
pub struct Internal(pub(crate) ());

/// Implements [`Collect`] for a pointer by delegation to its target.
macro_rules! collect_by_deref {
    ({ $($generics:tt)* } $pointer:ty) => {
        impl<$($generics)*> crate::collect::Collect for $pointer {
            fn descriptors(&self) -> Vec<crate::model::Descriptor> {
                (**self).descriptors()
            }

            fn collect(
                &self,
                sink: &mut dyn crate::collect::Sink,
            ) -> Result<(), crate::collect::CollectError> {
                (**self).collect(sink)
            }

            fn refused(&self) -> u64 {
                (**self).refused()
            }

            fn never_waits(&self, internal: crate::collect::Internal) -> bool {
                (**self).never_waits(internal)
            }
        }
    };
}
pub(crate) use collect_by_deref;

collect_by_deref!({ C: Collect + ?Sized } &C);
collect_by_deref!({ C: Collect + ?Sized } std::sync::Arc<C>);
