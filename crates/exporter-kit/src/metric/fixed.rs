//! Metrics as `static` items.

use std::fmt;
use std::ops::Deref;
use std::sync::OnceLock;

use crate::collect::Scope;
use crate::collect::{Collect, collect_by_deref};
use crate::metric::definition::{Definition, FamilyDefinition, build::Build};
use crate::metric::family::Family;
use crate::metric::series::Instrument;

/// A metric or a family that can be a `static`: `static REQUESTS: Static<Counter> = ….fixed();`.
///
/// It dereferences to the metric, which is made at the first use. To be scraped it needs a registry:
/// `registry.register(&REQUESTS)?`.
pub struct Static<M: Metric> {
    definition: M::Definition,
    metric: OnceLock<M>,
}

/// What a [`Static`] can hold. Sealed.
pub trait Metric: Collect + Clone + Send + Sync + 'static {
    /// What it is made from.
    #[doc(hidden)]
    type Definition: Build<Metric = Self> + Copy + Send + Sync;
}

impl<M: Instrument + Collect> Metric for M {
    type Definition = Definition<'static, M>;
}

impl<M: Instrument, const N: usize> Metric for Family<M, N> {
    type Definition = FamilyDefinition<'static, M, N>;
}

impl<M: Metric> Static<M> {
    /// Invariant: the definition has passed the validator.
    pub(crate) const fn new(definition: M::Definition) -> Self {
        Self {
            definition,
            metric: OnceLock::new(),
        }
    }
}

impl<M: Metric> Deref for Static<M> {
    type Target = M;

    #[inline]
    fn deref(&self) -> &M {
        self.metric
            .get_or_init(|| self.definition.build(&Scope::default()))
    }
}

collect_by_deref!({ M: Metric } Static<M>);

impl<M: Metric + fmt::Debug> fmt::Debug for Static<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Static").field(&**self).finish()
    }
}
