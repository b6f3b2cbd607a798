//! What gives families.

use crate::collect::{CollectError, Sink};
use crate::model::Descriptor;

/// Gives families and their series to a [`Sink`].
///
/// Every metric is one, and so is anything that knows numbers at the time of a scrape. The registry
/// calls [`collect`](Self::collect) once a scrape, possibly from several threads at once, on a thread
/// that may block for as long as the scrape's deadline allows. An error or a panic costs what this
/// collector had not handed over yet and nothing else; the registry counts it.
///
/// A family must be handed over whole: all of its series directly after [`Sink::family`], each label set
/// once. Build the numbers anew at each call; do not set metrics from here.
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
    /// When the numbers can't be had. What was handed over before counts.
    fn collect(&self, sink: &mut dyn Sink) -> Result<(), CollectError>;

    /// How often recording was refused because a limit on the number of series was reached.
    fn refused(&self) -> u64 {
        0
    }

    /// Whether [`collect`](Self::collect) may be kept waiting by a slow reader in the middle of a family: it holds no
    /// lock while it gives, and waits for nothing.
    ///
    /// What it gives then goes out while it is given, however much that is. Otherwise a server calls it on a thread of
    /// its own, shared by scrapes that arrive together, keeps what it gives up to a limit, and at the deadline goes on
    /// without it.
    fn streams(&self) -> bool {
        false
    }
}

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

            fn streams(&self) -> bool {
                (**self).streams()
            }
        }
    };
}
pub(crate) use collect_by_deref;

collect_by_deref!({ C: Collect + ?Sized } &C);
collect_by_deref!({ C: Collect + ?Sized } std::sync::Arc<C>);
