//! Definitions: all properties of a metric that are fixed before its first value.

use std::fmt;
use std::sync::Arc;

use crate::collect::{Collect, Scope};
use crate::error::debug_by_display;
use crate::metric::series::{self, Metric, SeriesCommon};
use crate::metric::setup::Setup;
use crate::metric::setup_error::SetupErrorKind;
use crate::model::{Descriptor, MetricType, SeriesKeyBuf};
use crate::name::{self, NameError, NameScheme};

/// The definition of a metric: its name, help, unit, labels and other fixed properties.
///
/// Begin one with the `define` function of a metric type: `Counter::define("requests_total", "Requests served.")`.
/// [`labels`](Self::labels) turns it into the definition of a [`Family`](crate::Family), and
/// [`enum_labels`](Self::enum_labels) into that of an [`EnumFamily`](crate::EnumFamily).
/// [`Registry::add`](crate::Registry::add) makes the metric; [`fixed`](Self::fixed) makes a `static` of it.
///
/// ```
/// use exporter_kit::{Counter, Registry};
///
/// let definition = Counter::define("sent_bytes_total", "Bytes sent.").unit("bytes").labels(["host"]);
/// let sent = Registry::new().add(definition)?;
/// sent.with(["web1"]).inc_by(512);
/// # Ok::<(), exporter_kit::RegisterError>(())
/// ```
pub struct Definition<'a, T: Defined> {
    pub(super) name: &'a str,
    pub(super) help: &'a str,
    pub(super) unit: &'a str,
    pub(super) scheme: NameScheme,
    pub(super) setup: Setup<'a>,
    pub(super) labels: T::Labels<'a>,
}

/// Types with a [`Definition`]: a metric type, an `Info`, a `Family` or an `EnumFamily`. Sealed.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be defined",
    note = "define a `Counter`, `Gauge`, `IntGauge`, `Histogram`, `Summary`, `StateSet` or `Info`, or a family of them"
)]
pub trait Defined: Collect + Clone + Sized + 'static {
    /// The labels of the series that the definition knows.
    #[doc(hidden)]
    type Labels<'a>: Copy + fmt::Debug + Send + Sync;
    #[doc(hidden)]
    const METRIC_TYPE: MetricType;

    #[doc(hidden)]
    fn check(definition: &Definition<'_, Self>, scope: &Scope) -> Result<(), DefinitionError>;
    /// Invariant: `check` has accepted the definition.
    #[doc(hidden)]
    fn build(definition: &Definition<'_, Self>, scope: &Scope) -> Self;
}

impl<M: Metric> Defined for M {
    type Labels<'a> = ();
    const METRIC_TYPE: MetricType = M::TYPE;

    fn check(definition: &Definition<'_, M>, scope: &Scope) -> Result<(), DefinitionError> {
        definition.check_with_labels(&[], scope)
    }

    fn build(definition: &Definition<'_, M>, scope: &Scope) -> M {
        series::create(&definition.shared(scope))
    }
}

impl<T: Defined> Clone for Definition<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: Defined> Copy for Definition<'_, T> {}

impl<T: Defined> fmt::Debug for Definition<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Definition")
            .field("name", &self.name)
            .field("help", &self.help)
            .field("labels", &self.labels)
            .finish_non_exhaustive()
    }
}

impl<'a, T: Defined> Definition<'a, T> {
    pub(super) const fn new(name: &'a str, help: &'a str, labels: T::Labels<'a>) -> Self {
        Self {
            name,
            help,
            unit: "",
            scheme: NameScheme::Legacy,
            setup: Setup::NONE,
            labels,
        }
    }

    /// Sets the unit, in plural base units (`seconds`, `bytes`). The name must end with it, before a counter's
    /// `_total`.
    #[must_use]
    pub const fn unit(mut self, unit: &'a str) -> Self {
        self.unit = unit;
        self
    }

    /// Allows any UTF-8 text in names. Prometheus 3 reads them; older readers receive them escaped.
    #[must_use]
    pub const fn utf8_names(mut self) -> Self {
        self.scheme = NameScheme::Utf8;
        self
    }

    /// Checks promtool's naming rules when the program is built, for a definition that becomes a `static`.
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
    pub const fn linted(self) -> Self {
        if let Some(rule) = crate::lint::broken_rule(T::METRIC_TYPE, self.name, self.help) {
            panic!("{}", rule.reason());
        }
        self
    }

    /// Panics if a name, the unit or the setup is invalid. In a `static`, the panic is a compile error.
    pub(super) const fn assert_valid(&self, labels: &[&str]) {
        if let Err(kind) =
            name::check_metric_name(self.name, T::METRIC_TYPE, self.unit, self.scheme)
        {
            panic!("{}", kind.reason());
        }
        if let Err((_, kind)) =
            name::check_label_names(labels, self.name, T::METRIC_TYPE, self.scheme)
        {
            panic!("{}", kind.reason());
        }
        if let Err(kind) = self.setup.check(T::METRIC_TYPE) {
            panic!("{}", kind.reason());
        }
    }

    pub(super) fn check_with_labels(
        &self,
        labels: &[&str],
        scope: &Scope,
    ) -> Result<(), DefinitionError> {
        let name = self.name_in(scope);
        name::check_metric_name(&name, T::METRIC_TYPE, self.unit, self.scheme)
            .map_err(|kind| NameError::new(&name, kind))?;
        let scope_labels = scope.labels.iter().map(|(name, _)| name.as_str());
        let all: Vec<&str> = scope_labels.chain(labels.iter().copied()).collect();
        name::check_label_names(&all, &name, T::METRIC_TYPE, self.scheme)
            .map_err(|(i, kind)| NameError::new(all[i], kind))?;
        self.setup
            .check(T::METRIC_TYPE)
            .map_err(|kind| DefinitionError::Setup {
                name: name.into(),
                kind,
            })
    }

    pub(super) fn name_in(&self, scope: &Scope) -> String {
        format!("{}{}", scope.prefix, self.name)
    }

    pub(super) fn shared(&self, scope: &Scope) -> Arc<SeriesCommon> {
        let name = self.name_in(scope);
        let labels = scope
            .labels
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()));
        let is_scoped = !scope.labels.is_empty();
        Arc::new(SeriesCommon {
            descriptor: Descriptor::unchecked(T::METRIC_TYPE, &name, self.help, self.unit),
            settings: self.setup.settings(T::METRIC_TYPE),
            scoped_key: is_scoped.then(|| SeriesKeyBuf::new(&name, labels)),
        })
    }
}

/// An invalid definition of a metric.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub enum DefinitionError {
    /// Invalid metric name, label name or unit.
    Name(NameError),
    /// Invalid buckets, quantiles or states.
    Setup {
        /// The metric.
        name: Box<str>,
        /// The broken rule.
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

debug_by_display!(DefinitionError);

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
