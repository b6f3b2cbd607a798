//! The handle of a registry: creates metrics and registers collectors.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::core::{InOrder, Registry};
use super::error::RegisterError;
use super::registered::{Member, Registered};
use crate::metric::{
    Callback, Counter, Defined, Definition, DefinitionError, Gauge, Histogram, Info, IntGauge,
    StateSet, Summary,
};
use crate::model::{Descriptor, IntoNumber, MetricType};
use crate::name::NameError;

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let collectors = self.core.all();
        let names = collectors.iter().map(|registered| registered.name());
        f.debug_list().entries(names).finish()
    }
}

impl Registry {
    /// Creates an empty registry. [`register`](Self::register) a [`ProcessCollector`](crate::ProcessCollector) for
    /// metrics of the process.
    pub fn new() -> Self {
        Self::default()
    }

    /// Creates a gauge.
    ///
    /// # Errors
    /// When the name is invalid or taken.
    pub fn gauge(&self, name: &str, help: &str) -> Result<Gauge, RegisterError> {
        self.add(Gauge::define(name, help))
    }

    /// Creates a gauge of integers.
    ///
    /// ```
    /// let registry = exporter_kit::Registry::new();
    /// let connections = registry.int_gauge("connections", "Open connections.")?;
    /// connections.inc();
    /// assert_eq!(connections.get(), 1);
    /// # Ok::<(), exporter_kit::RegisterError>(())
    /// ```
    ///
    /// # Errors
    /// When the name is invalid or taken.
    pub fn int_gauge(&self, name: &str, help: &str) -> Result<IntGauge, RegisterError> {
        self.add(IntGauge::define(name, help))
    }

    /// Creates a counter; its name ends in `_total`.
    ///
    /// # Errors
    /// When the name is invalid or taken.
    pub fn counter(&self, name: &str, help: &str) -> Result<Counter, RegisterError> {
        self.add(Counter::define(name, help))
    }

    /// Creates a histogram with the default buckets, [`DEFAULT_BUCKETS`](crate::DEFAULT_BUCKETS).
    ///
    /// # Errors
    /// When the name is invalid or taken.
    pub fn histogram(&self, name: &str, help: &str) -> Result<Histogram, RegisterError> {
        self.add(Histogram::define(name, help))
    }

    /// Creates a summary without quantiles.
    ///
    /// # Errors
    /// When the name is invalid or taken.
    pub fn summary(&self, name: &str, help: &str) -> Result<Summary, RegisterError> {
        self.add(Summary::define(name, help))
    }

    /// Creates an info metric with these labels; its name ends in `_info`.
    ///
    /// # Errors
    /// When a name is invalid or taken.
    pub fn info(
        &self,
        name: &str,
        help: &str,
        labels: &[(&str, &str)],
    ) -> Result<Info, RegisterError> {
        self.add(Info::define(name, help, labels))
    }

    /// Creates a state set; all states are off at first.
    ///
    /// # Errors
    /// When the name is invalid or taken, or the list of states is empty or has a duplicate.
    pub fn state_set(
        &self,
        name: &str,
        help: &str,
        states: &[&str],
    ) -> Result<StateSet, RegisterError> {
        self.add(StateSet::define(name, help, states))
    }

    /// Creates a gauge that calls `value` at each scrape.
    ///
    /// ```
    /// let registry = exporter_kit::Registry::new();
    /// let queue = std::sync::Arc::new(std::sync::Mutex::new(vec!["a", "b"]));
    /// registry.gauge_function("queue_length", "Jobs that wait.", move || queue.lock().map_or(0, |queue| queue.len()))?;
    /// assert!(registry.to_text().contains("queue_length 2.0\n"));
    /// # Ok::<(), exporter_kit::RegisterError>(())
    /// ```
    ///
    /// # Errors
    /// When the name is invalid or taken.
    pub fn gauge_function<N: IntoNumber>(
        &self,
        name: &str,
        help: &str,
        value: impl Fn() -> N + Send + Sync + 'static,
    ) -> Result<(), RegisterError> {
        self.function(MetricType::Gauge, name, help, value)
    }

    /// Creates a counter that calls `value` at each scrape. A negative value or NaN is left out and counted as the
    /// collector's failure.
    ///
    /// # Errors
    /// When the name is invalid or taken.
    pub fn counter_function<N: IntoNumber>(
        &self,
        name: &str,
        help: &str,
        value: impl Fn() -> N + Send + Sync + 'static,
    ) -> Result<(), RegisterError> {
        self.function(MetricType::Counter, name, help, value)
    }

    fn function<N: IntoNumber>(
        &self,
        metric_type: MetricType,
        name: &str,
        help: &str,
        value: impl Fn() -> N + Send + Sync + 'static,
    ) -> Result<(), RegisterError> {
        let name = format!("{}{name}", self.scope.prefix);
        let descriptor =
            Descriptor::new(metric_type, &name, help).map_err(DefinitionError::Name)?;
        let function = Callback::new(descriptor, &self.scope, value);
        self.core.insert(Member::may_wait(function), true, None)
    }

    /// Creates the metric or family that a definition describes.
    ///
    /// # Errors
    /// When a name is invalid, or the family's name or a sample's name is taken.
    pub fn add<T: Defined>(&self, definition: Definition<'_, T>) -> Result<T, RegisterError> {
        T::check(&definition, &self.scope)?;
        let metric = T::build(&definition, &self.scope);
        self.core
            .insert(Member::in_place(metric.clone()), true, None)?;
        Ok(metric)
    }

    /// Returns a handle of the same registry. It adds `prefix` to the name of everything created or registered through
    /// it, and these labels to all series. Scopes can be nested.
    ///
    /// ```
    /// let registry = exporter_kit::Registry::new();
    /// let cache = registry.scoped("shop_cache_", &[("tier", "memory")])?;
    /// cache.counter("hits_total", "Look-ups that found something.")?.inc();
    /// assert!(registry.to_text().contains("shop_cache_hits_total{tier=\"memory\"} 1.0\n"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// When the prefix can't begin a metric name, or a label name is invalid or a duplicate.
    pub fn scoped(&self, prefix: &str, labels: &[(&str, &str)]) -> Result<Self, NameError> {
        let scope = Arc::new(self.scope.within(prefix, labels)?);
        Ok(Self {
            core: Arc::clone(&self.core),
            scope,
        })
    }

    /// Removes the collector of the family `name`; returns whether it existed. Handles stay usable.
    ///
    /// Its memory is freed when the scrapes created before are dropped.
    pub fn unregister(&self, name: &str) -> bool {
        self.core.unregister(name)
    }

    /// Enables samples named `…_created` in OpenMetrics text: the start times of counters, histograms and summaries.
    /// Disabled by default, because they add a line for each series. Protobuf always includes these times.
    pub fn show_created_samples(&self, show: bool) {
        self.core.created_samples.store(show, Ordering::Relaxed);
    }

    pub(crate) fn shows_created_samples(&self) -> bool {
        self.core.created_samples.load(Ordering::Relaxed)
    }

    /// Returns whether a family's names are free, or claimed by this collector.
    pub(crate) fn may_show(
        &self,
        registered: Option<&Registered>,
        descriptor: &Descriptor,
    ) -> bool {
        self.core.may_show(registered, descriptor)
    }

    /// The collectors of a scrape.
    pub(crate) fn in_order(&self) -> Arc<InOrder> {
        self.core.in_order()
    }

    /// Returns whether the registry has not changed since.
    #[inline]
    pub(crate) fn is_current(&self, in_order: &InOrder) -> bool {
        self.core.is_current(in_order)
    }
}
