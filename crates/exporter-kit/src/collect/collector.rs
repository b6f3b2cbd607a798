//! Collectors: types that hand over families at a scrape.

use crate::collect::{CollectError, Sink};
use crate::model::Descriptor;

/// Gives families and their series to a [`Sink`].
///
/// All metrics are collectors; implement it for numbers that are known only at a scrape. An error or a panic loses the
/// families that this collector had not handed over yet, and no others; the registry counts it.
///
/// [`collect`](Self::collect) may block. A server calls it on a thread of its own, once for all scrapes that arrive
/// together; when the scrape's deadline passes, the answer goes out without it.
///
/// A family must be handed over whole: all of its series directly after [`Sink::family`], each label set
/// once. Read the numbers at each call; do not set metrics from here.
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
    /// The families that [`collect`](Self::collect) may hand over, so that a conflict of names is found
    /// when the collector is registered. What is not named here is checked at each scrape instead.
    fn descriptors(&self) -> Vec<Descriptor> {
        Vec::new()
    }

    /// Hands over every family.
    ///
    /// # Errors
    /// When the numbers cannot be read. Families that were handed over before are shown.
    fn collect(&self, sink: &mut dyn Sink) -> Result<(), CollectError>;

    /// The number of refused recordings: the limit on the number of series was reached.
    fn refused(&self) -> u64 {
        0
    }

    /// Returns whether [`collect`](Self::collect) never blocks and holds no lock while it hands over, so that a slow reader
    /// may keep it waiting. The library's own types say so here; for other collectors, see
    /// [`Registry::register_streaming`](crate::Registry::register_streaming).
    #[doc(hidden)]
    fn never_waits(&self, _: Internal) -> bool {
        false
    }
}

/// A value that only this library can make. Methods that take one can be called and implemented here alone.
#[derive(Clone, Copy, Debug)]
pub struct Internal(pub(crate) ());

/// Implements [`Collect`] by what something dereferences to.
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
