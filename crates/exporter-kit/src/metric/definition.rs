//! Definitions: everything about a metric that is fixed before its first number.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use crate::collect::Scope;
use crate::metric::family::Family;
use crate::metric::family_series::FamilyLimits;
use crate::metric::fixed::{Metric, Static};
use crate::metric::series::{self, Instrument, Shared};
use crate::metric::setup::{Setup, SetupErrorKind};
use crate::model::{Descriptor, SeriesKeyBuf};
use crate::name::{self, NameError, NameScheme};

/// How many series a family holds unless its definition says otherwise.
const DEFAULT_SERIES_LIMIT: usize = 100_000;

/// What a metric is called and how it is set up; becomes a metric with [`Registry::add`](crate::Registry::add)
/// or [`fixed`](Self::fixed).
///
/// Begin one with the type's `define`: `Counter::define("requests_total", "Requests served.")`.
pub struct Definition<'a, M> {
    name: &'a str,
    help: &'a str,
    unit: &'a str,
    scheme: NameScheme,
    pub(crate) setup: Setup<'a>,
    metric: PhantomData<fn() -> M>,
}

impl<M> Clone for Definition<'_, M> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<M> Copy for Definition<'_, M> {}

impl<M> fmt::Debug for Definition<'_, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Definition")
            .field("name", &self.name)
            .field("help", &self.help)
            .finish_non_exhaustive()
    }
}

impl<'a, M> Definition<'a, M> {
    pub(crate) const fn new(name: &'a str, help: &'a str) -> Self {
        Self {
            name,
            help,
            unit: "",
            scheme: NameScheme::Legacy,
            setup: Setup::NONE,
            metric: PhantomData,
        }
    }

    /// The unit, in plural base units (`seconds`, `bytes`); the name must end in it, before `_total` if it is a counter.
    #[must_use]
    pub const fn unit(mut self, unit: &'a str) -> Self {
        self.unit = unit;
        self
    }

    /// Allows any UTF-8 text as names. Prometheus 3 reads them; for others they are escaped.
    #[must_use]
    pub const fn utf8_names(mut self) -> Self {
        self.scheme = NameScheme::Utf8;
        self
    }

    /// Makes the naming rules of promtool rules of the build, for a definition that becomes a `static`.
    ///
    /// ```compile_fail,E0080
    /// use exporter_kit::{Gauge, Static};
    /// // error: a name has base units: seconds, bytes, …
    /// static WAIT: Static<Gauge> = Gauge::define("queue_wait_minutes", "How long jobs wait.").linted().fixed();
    /// ```
    ///
    /// # Panics
    /// When the name or the help breaks a rule of [`lint`](crate::lint).
    #[must_use]
    pub const fn linted(self) -> Self
    where
        M: Instrument,
    {
        if let Some(rule) = crate::lint::broken_rule(M::KIND, self.name, self.help) {
            panic!("{}", rule.reason());
        }
        self
    }

    /// Gives every series these labels, whose values are named when a series is first used.
    #[must_use]
    pub const fn labels<const N: usize>(self, names: [&'a str; N]) -> FamilyDefinition<'a, M, N> {
        FamilyDefinition {
            definition: self,
            labels: names,
            limit: DEFAULT_SERIES_LIMIT,
            idle_limit: None,
        }
    }
}

impl<M: Instrument + Metric<Definition = Self>> Definition<'static, M> {
    /// Makes the metric usable as a `static`. A bad name is an error of the build.
    ///
    /// ```
    /// use exporter_kit::{Counter, Registry, Static};
    ///
    /// static REQUESTS: Static<Counter> = Counter::define("requests_total", "Requests served.").fixed();
    ///
    /// let registry = Registry::new();
    /// registry.register(&REQUESTS)?;
    /// REQUESTS.inc();
    /// assert_eq!(REQUESTS.get(), 1.0);
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
    /// When the name or the unit is not valid; in a `static` or `const` that is an error of the build.
    #[must_use]
    pub const fn fixed(self) -> Static<M> {
        self.assert_valid(&[]);
        Static::new(self)
    }
}

/// A [`Definition`] with label names: becomes a [`Family`].
pub struct FamilyDefinition<'a, M, const N: usize> {
    definition: Definition<'a, M>,
    labels: [&'a str; N],
    limit: usize,
    idle_limit: Option<Duration>,
}

impl<M, const N: usize> Clone for FamilyDefinition<'_, M, N> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<M, const N: usize> Copy for FamilyDefinition<'_, M, N> {}

impl<M, const N: usize> fmt::Debug for FamilyDefinition<'_, M, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FamilyDefinition")
            .field("definition", &self.definition)
            .field("labels", &self.labels)
            .finish()
    }
}

impl<M, const N: usize> FamilyDefinition<'_, M, N> {
    /// The most series that the family holds at once (100 000 if not set). Past it, new label values are
    /// refused: what is recorded for them is shown nowhere, and the registry counts the refusals.
    #[must_use]
    pub const fn series_limit(mut self, limit: usize) -> Self {
        self.limit = limit;
        self
    }

    /// Removes a series at a scrape once nobody has used it for that long: nobody asked the family for it, and
    /// nobody holds a handle of it. Whole seconds count. Without this, series stay until they are removed.
    #[must_use]
    pub const fn idle_limit(mut self, limit: Duration) -> Self {
        self.idle_limit = Some(limit);
        self
    }
}

impl<M: Instrument, const N: usize> FamilyDefinition<'static, M, N> {
    /// Makes the family usable as a `static`. A bad name is an error of the build.
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
    /// When a name or the unit is not valid; in a `static` or `const` that is an error of the build.
    #[must_use]
    pub const fn fixed(self) -> Static<Family<M, N>> {
        self.definition.assert_valid(&self.labels);
        Static::new(self)
    }
}

/// Something that becomes a metric: a [`Definition`], a [`FamilyDefinition`] or one of an
/// [`EnumFamily`](crate::EnumFamily) or an [`Info`](crate::Info).
///
/// Sealed: [`Registry::add`](crate::Registry::add) takes it.
pub trait Define: build::Build + Copy {}

impl<D: build::Build + Copy> Define for D {}

pub(crate) mod build {
    use super::DefinitionError;
    use crate::collect::Collect;
    use crate::collect::Scope;

    pub trait Build {
        type Metric: Collect + Clone + Send + Sync + 'static;
        fn check(&self, scope: &Scope) -> Result<(), DefinitionError>;
        /// Only for what `check` has passed.
        fn build(&self, scope: &Scope) -> Self::Metric;
    }
}

impl<M: Instrument> Definition<'_, M> {
    /// At compile time, in a `static`, a panic is an error of the build.
    pub(crate) const fn assert_valid(&self, labels: &[&str]) {
        if let Err(fault) = name::check_metric_name(self.name, M::KIND, self.unit, self.scheme) {
            panic!("{}", fault.reason());
        }
        if let Err((_, fault)) = name::check_label_names(labels, self.name, M::KIND, self.scheme) {
            panic!("{}", fault.reason());
        }
        if let Err(fault) = self.setup.check(M::KIND) {
            panic!("{}", fault.reason());
        }
    }

    pub(crate) fn check_with_labels(
        &self,
        labels: &[&str],
        scope: &Scope,
    ) -> Result<(), DefinitionError> {
        let name = format!("{}{}", scope.prefix, self.name);
        name::check_metric_name(&name, M::KIND, self.unit, self.scheme)
            .map_err(|fault| NameError::new(&name, fault))?;
        let scope_labels = scope.labels.iter().map(|(name, _)| name.as_str());
        let all: Vec<&str> = scope_labels.chain(labels.iter().copied()).collect();
        name::check_label_names(&all, &name, M::KIND, self.scheme)
            .map_err(|(i, fault)| NameError::new(all[i], fault))?;
        self.setup
            .check(M::KIND)
            .map_err(|kind| DefinitionError::Setup {
                name: name.into(),
                kind,
            })
    }

    pub(crate) fn shared(&self, scope: &Scope) -> Arc<Shared> {
        let name = format!("{}{}", scope.prefix, self.name);
        let labels = scope
            .labels
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()));
        Arc::new(Shared {
            descriptor: Descriptor::unchecked(M::KIND, &name, self.help, self.unit),
            settings: self.setup.settings(M::KIND),
            head: SeriesKeyBuf::new(&name, labels),
        })
    }
}

impl<M: Instrument + crate::Collect> build::Build for Definition<'_, M> {
    type Metric = M;

    fn check(&self, scope: &Scope) -> Result<(), DefinitionError> {
        self.check_with_labels(&[], scope)
    }

    fn build(&self, scope: &Scope) -> M {
        series::create(&self.shared(scope))
    }
}

impl<M: Instrument, const N: usize> build::Build for FamilyDefinition<'_, M, N> {
    type Metric = Family<M, N>;

    fn check(&self, scope: &Scope) -> Result<(), DefinitionError> {
        self.definition.check_with_labels(&self.labels, scope)
    }

    fn build(&self, scope: &Scope) -> Family<M, N> {
        Family::new(
            self.definition.shared(scope),
            scope.labels.clone(),
            self.labels,
            FamilyLimits {
                series: self.limit,
                idle: self.idle_limit,
            },
        )
    }
}

/// Why a definition can't become a metric.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum DefinitionError {
    /// A metric or label name, or the unit, is not valid.
    Name(NameError),
    /// Buckets, quantiles or states are not valid.
    Setup {
        /// The metric.
        name: Box<str>,
        /// Which rule is broken.
        kind: SetupErrorKind,
    },
}

impl fmt::Display for DefinitionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(error) => error.fmt(f),
            Self::Setup { name, kind } => write!(f, "metric `{name}`: {kind}"),
        }
    }
}

impl std::error::Error for DefinitionError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Name(error) => Some(error),
            Self::Setup { .. } => None,
        }
    }
}

impl From<NameError> for DefinitionError {
    fn from(error: NameError) -> Self {
        Self::Name(error)
    }
}
