//! The registry: owns collectors, refuses conflicting names, and runs scrapes.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock};

use crate::collect::{Collect, CollectError, Sink};
use crate::encode::{Escaping, Format};
use crate::gather::{Failures, Scrape};
use crate::metric::{Callback, Counter, Define, DefinitionError, Gauge, Histogram, Info, Summary};
use crate::model::{Descriptor, IntoNumber, Kind};
use crate::name::NameError;
use crate::process::ProcessCollector;
use crate::scope::{Scope, Scoped};
use crate::sync::{Mutex, lock};

/// Holds the metrics that are scraped together.
///
/// Cheap to clone; clones are the same registry. Metrics are made through it ([`gauge`](Self::gauge),
/// [`counter`](Self::counter), [`add`](Self::add)) or handed to it ([`register`](Self::register)).
///
/// ```
/// use exporter_kit::Registry;
///
/// let registry = Registry::new();
/// registry.gauge("app_active_sessions", "Number of active user sessions")?.set(45);
/// assert!(registry.to_text().ends_with("app_active_sessions gauge\napp_active_sessions 45.0\n"));
/// # Ok::<(), exporter_kit::RegisterError>(())
/// ```
#[derive(Clone, Default)]
pub struct Registry {
    core: Arc<Core>,
    scope: Arc<Scope>,
}

#[derive(Default)]
struct Core {
    state: Mutex<State>,
    created_samples: AtomicBool,
}

#[derive(Default)]
struct State {
    next_id: u64,
    /// Every name that a family's samples may have, and whose it is.
    claims: BTreeMap<Box<str>, Claim>,
    collectors: BTreeMap<Position, Arc<Registered>>,
    /// What a scrape walks over; made anew after a change.
    in_order: Option<Arc<[Arc<Registered>]>>,
}

/// Where a collector stands in a scrape: `target_info` first, as OpenMetrics wants it, then by the first
/// family's name, then by age.
type Position = (bool, Box<str>, u64);

struct Claim {
    id: u64,
    family: Box<str>,
    kind: Kind,
}

/// A collector, with what the registry knows of it.
pub(crate) struct Registered {
    pub(crate) id: u64,
    /// Its first family, or nothing if it names none.
    pub(crate) name: Box<str>,
    /// Made by this registry from a definition: it gives the one family that it names, with distinct series.
    pub(crate) trusted: bool,
    pub(crate) collector: Box<dyn Collect>,
    pub(crate) failures: Failures,
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = lock(&self.core.state);
        f.debug_list()
            .entries(state.collectors.values().map(|registered| &registered.name))
            .finish()
    }
}

impl Registry {
    /// An empty registry. [`register`](Self::register) a [`ProcessCollector`](crate::ProcessCollector) for the
    /// process' own metrics.
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes a gauge.
    ///
    /// # Errors
    /// When the name is not valid or taken.
    pub fn gauge(&self, name: &str, help: &str) -> Result<Gauge, RegisterError> {
        self.add(Gauge::define(name, help))
    }

    /// Makes a counter; its name ends in `_total`.
    ///
    /// # Errors
    /// When the name is not valid or taken.
    pub fn counter(&self, name: &str, help: &str) -> Result<Counter, RegisterError> {
        self.add(Counter::define(name, help))
    }

    /// Makes a histogram with the default buckets, [`DEFAULT_BUCKETS`](crate::DEFAULT_BUCKETS).
    ///
    /// # Errors
    /// When the name is not valid or taken.
    pub fn histogram(&self, name: &str, help: &str) -> Result<Histogram, RegisterError> {
        self.add(Histogram::define(name, help))
    }

    /// Makes a summary without quantiles.
    ///
    /// # Errors
    /// When the name is not valid or taken.
    pub fn summary(&self, name: &str, help: &str) -> Result<Summary, RegisterError> {
        self.add(Summary::define(name, help))
    }

    /// Makes an info metric with these facts; its name ends in `_info`.
    ///
    /// # Errors
    /// When a name is not valid or taken.
    pub fn info(
        &self,
        name: &str,
        help: &str,
        labels: &[(&str, &str)],
    ) -> Result<Info, RegisterError> {
        self.add(Info::define(name, help, labels))
    }

    /// Makes a gauge whose value is asked for at each scrape.
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
    /// When the name is not valid or taken.
    pub fn gauge_function<N: IntoNumber>(
        &self,
        name: &str,
        help: &str,
        value: impl Fn() -> N + Send + Sync + 'static,
    ) -> Result<(), RegisterError> {
        self.function(Kind::Gauge, name, help, value)
    }

    /// Makes a counter whose value is asked for at each scrape. What is negative or NaN is left out, and
    /// counted as the collector's failure.
    ///
    /// # Errors
    /// When the name is not valid or taken.
    pub fn counter_function<N: IntoNumber>(
        &self,
        name: &str,
        help: &str,
        value: impl Fn() -> N + Send + Sync + 'static,
    ) -> Result<(), RegisterError> {
        self.function(Kind::Counter, name, help, value)
    }

    fn function<N: IntoNumber>(
        &self,
        kind: Kind,
        name: &str,
        help: &str,
        value: impl Fn() -> N + Send + Sync + 'static,
    ) -> Result<(), RegisterError> {
        let name = format!("{}{name}", self.scope.prefix);
        let descriptor = Descriptor::new(kind, &name, help).map_err(DefinitionError::Name)?;
        self.insert(
            Box::new(Callback::new(descriptor, &self.scope, value)),
            true,
        )
    }

    /// Makes the metric or family that a definition describes.
    ///
    /// # Errors
    /// When a name is not valid, or the family's name or one of its samples' is taken.
    pub fn add<D: Define>(&self, definition: D) -> Result<D::Metric, RegisterError> {
        definition.check(&self.scope)?;
        let metric = definition.build(&self.scope);
        self.insert(Box::new(metric.clone()), true)?;
        Ok(metric)
    }

    /// Adds a collector: a metric, a `&'static` [`Static`](crate::Static), or something of your own.
    ///
    /// # Errors
    /// When the name of one of its families, or of their samples, is taken. Nothing is added then.
    pub fn register(&self, collector: impl Collect + 'static) -> Result<(), RegisterError> {
        if self.scope.is_empty() {
            return self.insert(Box::new(collector), false);
        }
        let scope = (*self.scope).clone();
        self.insert(Box::new(Scoped { collector, scope }), false)
    }

    /// The same registry, where everything that is made or registered through this handle has its name begin
    /// with `prefix` and has these labels. Scopes can be within scopes.
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
    /// When the prefix can't begin a metric name, or a label name is not valid or stands twice.
    pub fn scoped(&self, prefix: &str, labels: &[(&str, &str)]) -> Result<Self, NameError> {
        let scope = Arc::new(self.scope.within(prefix, labels)?);
        Ok(Self {
            core: Arc::clone(&self.core),
            scope,
        })
    }

    fn insert(&self, collector: Box<dyn Collect>, trusted: bool) -> Result<(), RegisterError> {
        let descriptors = collector.descriptors();
        let mut state = lock(&self.core.state);
        let id = state.next_id;
        let mut claims = BTreeMap::new();
        for descriptor in &descriptors {
            for sample in sample_names(descriptor) {
                let claim = Claim {
                    id,
                    family: descriptor.name().into(),
                    kind: descriptor.kind(),
                };
                let own = claims
                    .insert(sample.clone(), claim)
                    .filter(|own: &Claim| *own.family != *descriptor.name());
                if let Some(taken) = own.as_ref().or_else(|| state.claims.get(&sample)) {
                    return Err(RegisterError::Taken {
                        name: descriptor.name().into(),
                        sample,
                        by: taken.family.clone(),
                        kind: taken.kind,
                    });
                }
            }
        }
        state.next_id += 1;
        state.claims.append(&mut claims);
        let name: Box<str> = descriptors
            .iter()
            .map(Descriptor::name)
            .min()
            .unwrap_or("")
            .into();
        let registered = Registered {
            id,
            name: name.clone(),
            trusted,
            collector,
            failures: Failures::default(),
        };
        state
            .collectors
            .insert((&*name != "target_info", name, id), Arc::new(registered));
        state.in_order = None;
        Ok(())
    }

    /// Removes the collector that gives the family `name`; says whether there was one. Handles stay usable.
    pub fn unregister(&self, name: &str) -> bool {
        let mut state = lock(&self.core.state);
        let escaped = Escaping::Underscores.metric_name(name);
        let Some(id) = state
            .claims
            .get(&*escaped)
            .filter(|claim| &*claim.family == name)
            .map(|claim| claim.id)
        else {
            return false;
        };
        state.claims.retain(|_, claim| claim.id != id);
        let (removed, kept): (BTreeMap<_, _>, _) = std::mem::take(&mut state.collectors)
            .into_iter()
            .partition(|((_, _, other), _)| *other == id);
        state.collectors = kept;
        state.in_order = None;
        // What a collector's destructor does must not happen under the lock.
        drop(state);
        !removed.is_empty()
    }

    /// Whether OpenMetrics text says since when counters, histograms and summaries have counted, in samples named
    /// `…_created`; it does not unless this is set, because they cost a line for each series. Protobuf always says it.
    pub fn show_created_samples(&self, show: bool) {
        self.core.created_samples.store(show, Ordering::Relaxed);
    }

    pub(crate) fn shows_created_samples(&self) -> bool {
        self.core.created_samples.load(Ordering::Relaxed)
    }

    /// Begins a scrape in that format.
    pub fn scrape(&self, format: Format) -> Scrape {
        Scrape::new(self.clone(), format)
    }

    /// Everything as Prometheus text 0.0.4.
    pub fn to_text(&self) -> String {
        let body = self.scrape(Format::Text).to_vec();
        String::from_utf8(body)
            .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
    }

    /// Whether a family that a collector had not named before may be shown by it, or by nobody in particular.
    pub(crate) fn may_show(
        &self,
        registered: Option<&Registered>,
        descriptor: &Descriptor,
    ) -> bool {
        let state = lock(&self.core.state);
        sample_names(descriptor).iter().all(|name| {
            state
                .claims
                .get(name)
                .is_none_or(|claim| registered.is_some_and(|registered| claim.id == registered.id))
        })
    }

    pub(crate) fn in_order(&self) -> Arc<[Arc<Registered>]> {
        let mut state = lock(&self.core.state);
        match &state.in_order {
            Some(in_order) => Arc::clone(in_order),
            None => {
                let in_order: Arc<[_]> = state.collectors.values().cloned().collect();
                state.in_order = Some(Arc::clone(&in_order));
                in_order
            }
        }
    }
}

/// A registry is a collector, so that several can be scraped as one. Its families are checked against those
/// of the registry that it is in at each scrape.
impl Collect for Registry {
    fn descriptors(&self) -> Vec<Descriptor> {
        self.in_order()
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
            .iter()
            .all(|registered| registered.collector.streams())
    }
}

/// How many registries within registries are being collected on this thread: one that is within itself,
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

static DEFAULT: LazyLock<Registry> = LazyLock::new(|| {
    let registry = Registry::new();
    // The registry is empty: no name is taken.
    let _ = registry.register(ProcessCollector::new());
    registry
});

/// One registry for the whole program, as a convenience; the metrics of the process are in it already.
/// Nothing uses it by itself, and libraries had better take a registry from their user.
///
/// ```
/// let jobs = exporter_kit::default_registry().counter("jobs_total", "Jobs done.")?;
/// jobs.inc();
/// assert!(exporter_kit::default_registry().to_text().contains("jobs_total 1.0\n"));
/// # Ok::<(), exporter_kit::RegisterError>(())
/// ```
pub fn default_registry() -> &'static Registry {
    &DEFAULT
}

/// The names that the samples of a family may have in any format, and the family's own in OpenMetrics.
pub(crate) fn sample_names(descriptor: &Descriptor) -> Vec<Box<str>> {
    // As readers without UTF-8 names see it, so that no two families become one for them.
    let base = Escaping::Underscores.metric_name(descriptor.base_name());
    let suffixes: &[&str] = match descriptor.kind() {
        Kind::Counter => &["", "_total", "_created"],
        Kind::Histogram => &["", "_bucket", "_sum", "_count", "_created"],
        Kind::GaugeHistogram => &["", "_bucket", "_gsum", "_gcount"],
        Kind::Summary => &["", "_sum", "_count", "_created"],
        Kind::Info => &["", "_info"],
        Kind::Gauge | Kind::StateSet | Kind::Unknown => &[""],
    };
    let mut names: Vec<Box<str>> = suffixes
        .iter()
        .map(|suffix| format!("{base}{suffix}").into())
        .collect();
    let name = Escaping::Underscores.metric_name(descriptor.name());
    if !names.iter().any(|other| **other == *name) {
        names.push(name.into());
    }
    names
}

/// Why a metric or collector can't be added to a registry.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum RegisterError {
    /// The definition is not valid.
    Definition(DefinitionError),
    /// Another family has the name, or samples of that name.
    Taken {
        /// The family that was to be added.
        name: Box<str>,
        /// The name that is taken.
        sample: Box<str>,
        /// The family that has it.
        by: Box<str>,
        /// That family's type.
        kind: Kind,
    },
}

impl fmt::Display for RegisterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Definition(error) => error.fmt(f),
            Self::Taken { name, by, kind, .. } if name == by => {
                write!(
                    f,
                    "family `{name}` is there already, as a {kind}; keep its handle and use it again, or choose another name"
                )
            }
            Self::Taken {
                name,
                sample,
                by,
                kind,
            } => write!(
                f,
                "family `{name}` and the {kind} `{by}` would both have samples named `{sample}`; choose another name"
            ),
        }
    }
}

impl std::error::Error for RegisterError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Definition(error) => Some(error),
            Self::Taken { .. } => None,
        }
    }
}

impl From<DefinitionError> for RegisterError {
    fn from(error: DefinitionError) -> Self {
        Self::Definition(error)
    }
}
