//! Metrics as `static` items.

use std::fmt;
use std::ops::Deref;
use std::sync::OnceLock;

use crate::collect::{Scope, collect_by_deref};
use crate::metric::definition::{Defined, Definition};
use crate::metric::series::Metric;

/// A metric or a family as a `static`: `static REQUESTS: Static<Counter> = ….fixed();`.
///
/// Dereferences to the metric and makes it at the first use. Register it for scrapes: `registry.register(&REQUESTS)?`.
pub struct Static<T: Defined> {
    definition: Definition<'static, T>,
    metric: OnceLock<T>,
}

impl<T: Defined> Static<T> {
    /// Invariant: the validator has accepted the definition.
    pub(super) const fn new(definition: Definition<'static, T>) -> Self {
        Self {
            definition,
            metric: OnceLock::new(),
        }
    }
}

impl<M: Metric> Definition<'static, M> {
    /// Makes the metric usable as a `static`. An invalid name is a compile error.
    ///
    /// ```
    /// use exporter_kit::{Counter, Registry, Static};
    ///
    /// static REQUESTS: Static<Counter> = Counter::define("requests_total", "Requests served.").fixed();
    ///
    /// let registry = Registry::new();
    /// registry.register(&REQUESTS)?;
    /// REQUESTS.inc();
    /// assert_eq!(REQUESTS.get(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// ```compile_fail,E0080
    /// use exporter_kit::{Counter, Static};
    /// // error: a counter's name ends in `_total`; append it
    /// static REQUESTS: Static<Counter> = Counter::define("requests", "Requests served.").fixed();
    /// ```
    ///
    /// # Panics
    /// When the name or the unit is invalid; in a `static` or `const`, the panic is a compile error.
    #[must_use]
    pub const fn fixed(self) -> Static<M> {
        self.assert_valid(&[]);
        Static::new(self)
    }
}

impl<T: Defined> Deref for Static<T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        self.metric
            .get_or_init(|| T::build(&self.definition, &Scope::default()))
    }
}

collect_by_deref!({ T: Defined } Static<T>);

impl<T: Defined + fmt::Debug> fmt::Debug for Static<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Static").field(&**self).finish()
    }
}
