//! Families: the series of one metric by their label values.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::collect::{Collect, CollectError, Scope, Sink};
use crate::metric::definition::{Defined, Definition, DefinitionError};
use crate::metric::family_series::{FamilyLimits, FamilySeries};
use crate::metric::series::{Metric, SeriesCommon};
use crate::metric::statics::Static;
use crate::model::{Descriptor, MetricType};

/// The default limit of series in a family.
const DEFAULT_SERIES_LIMIT: usize = 100_000;

/// A metric with `N` labels: one series for each set of label values.
///
/// [`with`](Self::with) returns the handle of a series. A look-up needs a hash; recording through a kept handle does
/// not. Handles are not lock guards: any number of them blocks nothing.
///
/// ```
/// use exporter_kit::{Counter, Registry};
///
/// let registry = Registry::new();
/// let requests = registry.add(Counter::define("requests_total", "Requests served.").labels(["method", "status"]))?;
/// requests.with(["GET", "200"]).inc();
/// let created = requests.with(["POST", "201"]);
/// created.inc_by(3);
/// assert!(registry.to_text().contains("requests_total{method=\"POST\",status=\"201\"} 3.0\n"));
/// # Ok::<(), exporter_kit::RegisterError>(())
/// ```
///
/// Use, exposition and pitfalls: [the family's page](crate::docs::family).
pub struct Family<M: Metric, const N: usize> {
    pub(super) inner: Arc<FamilySeries<M, N>>,
}

impl<M: Metric, const N: usize> Clone for Family<M, N> {
    fn clone(&self) -> Self {
        Self {
            inner: Arc::clone(&self.inner),
        }
    }
}

impl<M: Metric, const N: usize> fmt::Debug for Family<M, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Family")
            .field("name", &self.inner.descriptor().name())
            .field("labels", &self.inner.label_names())
            .finish_non_exhaustive()
    }
}

impl<M: Metric, const N: usize> Family<M, N> {
    /// Invariant: the validator has accepted the names.
    pub(crate) fn new(
        shared: Arc<SeriesCommon>,
        const_labels: Vec<(String, String)>,
        labels: [&str; N],
        limits: FamilyLimits,
    ) -> Self {
        let inner = FamilySeries::new(shared, const_labels, labels, limits);
        Self {
            inner: Arc::new(inner),
        }
    }

    /// Returns the series with these label values, in the order of the label names; makes it at its first use.
    ///
    /// Any text is a valid label value. Beyond the family's limit this returns a series that scrapes do not show.
    #[inline]
    pub fn with(&self, values: [&str; N]) -> M {
        self.update(values, M::clone)
    }

    /// Calls a function with the series with these label values, without making a handle. This is the fastest way to
    /// record with values that change each time.
    ///
    /// ```
    /// use exporter_kit::{Counter, Registry};
    ///
    /// let registry = Registry::new();
    /// let requests = registry.add(Counter::define("requests_total", "Requests served.").labels(["path"]))?;
    /// requests.update(["/"], Counter::inc);
    /// requests.update(["/"], |requests| requests.inc_by(2));
    /// assert_eq!(requests.with(["/"]).get(), 3);
    /// # Ok::<(), exporter_kit::RegisterError>(())
    /// ```
    #[inline]
    pub fn update<T>(&self, values: [&str; N], update: impl FnOnce(&M) -> T) -> T {
        self.inner.update(&values, update)
    }

    /// Removes the series with these label values; returns whether it existed. Its handles still record, but scrapes do
    /// not show it. The next look-up of the same values makes a new series.
    pub fn remove(&self, values: [&str; N]) -> bool {
        self.inner.remove(&values)
    }

    /// Removes every series that has all of these labels (pairs of name and value); returns the number of removed
    /// series.
    ///
    /// ```
    /// use exporter_kit::{Gauge, Registry};
    ///
    /// let registry = Registry::new();
    /// let free = registry.add(Gauge::define("disk_free_bytes", "Free space.").labels(["host", "disk"]))?;
    /// for disk in ["sda", "sdb"] {
    ///     free.with(["web1", disk]).set(1);
    /// }
    /// free.with(["web2", "sda"]).set(2);
    /// assert_eq!(free.remove_matching(&[("host", "web1")]), 2);
    /// assert_eq!(free.len(), 1);
    /// # Ok::<(), exporter_kit::RegisterError>(())
    /// ```
    pub fn remove_matching(&self, labels: &[(&str, &str)]) -> usize {
        self.inner.remove_if(|head| {
            labels.iter().all(|wanted| {
                head.labels()
                    .any(|(name, value)| (&*name, &*value) == *wanted)
            })
        })
    }

    /// Removes every series.
    pub fn clear(&self) {
        self.inner.remove_if(|_| true);
    }

    /// Returns the number of series.
    pub fn len(&self) -> usize {
        self.inner.len()
    }

    /// Returns whether the family has no series.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<M: Metric, const N: usize> Collect for Family<M, N> {
    fn descriptors(&self) -> Vec<Descriptor> {
        vec![self.inner.descriptor().clone()]
    }

    fn collect(&self, sink: &mut dyn Sink) -> Result<(), CollectError> {
        if sink.family(self.inner.descriptor()) {
            self.inner.show(sink);
        }
        Ok(())
    }

    fn refused(&self) -> u64 {
        self.inner.refused()
    }

    fn never_waits(&self, _: crate::collect::Internal) -> bool {
        true
    }
}

/// The labels of a family's definition, and its limits.
#[derive(Clone, Copy, Debug)]
pub struct FamilyLabels<'a, const N: usize> {
    names: [&'a str; N],
    series_limit: usize,
    idle_limit: Option<Duration>,
}

impl<'a, M: Metric> Definition<'a, M> {
    /// Adds these labels to every series: the definition of a [`Family`]. The first use of a series sets the values.
    #[must_use]
    pub const fn labels<const N: usize>(self, names: [&'a str; N]) -> Definition<'a, Family<M, N>> {
        Definition {
            name: self.name,
            help: self.help,
            unit: self.unit,
            scheme: self.scheme,
            setup: self.setup,
            labels: FamilyLabels {
                names,
                series_limit: DEFAULT_SERIES_LIMIT,
                idle_limit: None,
            },
        }
    }
}

impl<M: Metric, const N: usize> Definition<'_, Family<M, N>> {
    /// Sets the maximum number of series in the family, by default 100 000. Beyond it, the family rejects new label
    /// values: scrapes do not show their series, and the registry counts the rejections.
    #[must_use]
    pub const fn series_limit(mut self, limit: usize) -> Self {
        self.labels.series_limit = limit;
        self
    }

    /// Sets the idle limit, in whole seconds. A scrape removes a series that had no look-up and no handle for this
    /// time. By default, series stay until the program removes them.
    #[must_use]
    pub const fn idle_limit(mut self, limit: Duration) -> Self {
        self.labels.idle_limit = Some(limit);
        self
    }
}

impl<M: Metric, const N: usize> Definition<'static, Family<M, N>> {
    /// Makes the family usable as a `static`. An invalid name is a compile error.
    ///
    /// ```
    /// use exporter_kit::{Counter, Family, Static};
    ///
    /// static REQUESTS: Static<Family<Counter, 2>> =
    ///     Counter::define("requests_total", "Requests served.").labels(["method", "status"]).fixed();
    ///
    /// REQUESTS.with(["GET", "200"]).inc();
    /// ```
    ///
    /// # Panics
    /// When a name or the unit is invalid; in a `static` or `const`, the panic is a compile error.
    #[must_use]
    pub const fn fixed(self) -> Static<Family<M, N>> {
        self.assert_valid(&self.labels.names);
        Static::new(self)
    }
}

impl<M: Metric, const N: usize> Defined for Family<M, N> {
    type Labels<'a> = FamilyLabels<'a, N>;
    const METRIC_TYPE: MetricType = M::TYPE;

    fn check(definition: &Definition<'_, Self>, scope: &Scope) -> Result<(), DefinitionError> {
        definition.check_with_labels(&definition.labels.names, scope)
    }

    fn build(definition: &Definition<'_, Self>, scope: &Scope) -> Self {
        let labels = &definition.labels;
        Self::new(
            definition.shared(scope),
            scope.labels.clone(),
            labels.names,
            FamilyLimits {
                series: labels.series_limit,
                idle: labels.idle_limit,
            },
        )
    }
}
