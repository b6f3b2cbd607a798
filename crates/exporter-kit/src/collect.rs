//! The two contracts between numbers and formats: [`Collect`] gives families, [`Sink`] takes them.

use std::error::Error;
use std::fmt;
use std::hash::BuildHasher;
use std::sync::Arc;

use hashbrown::hash_table::Entry;
use hashbrown::{DefaultHashBuilder, HashTable};

use crate::context::ScrapeContext;
use crate::model::{
    Descriptor, Head, HistogramValue, Kind, Point, SummaryValue, Timestamp, Value, check_labels,
    render_labels,
};
use crate::name::{self, NameError, NameScheme};

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
/// use exporter_kit::{Collect, CollectError, Descriptor, FamilyWriter, Kind, Registry, Sink};
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
/// registry.register(Queue { depth: Descriptor::new(Kind::Gauge, "queue_depth", "Jobs that wait.")? })?;
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

impl<C: Collect + ?Sized> Collect for &C {
    fn descriptors(&self) -> Vec<Descriptor> {
        (**self).descriptors()
    }

    fn collect(&self, sink: &mut dyn Sink) -> Result<(), CollectError> {
        (**self).collect(sink)
    }

    fn refused(&self) -> u64 {
        (**self).refused()
    }

    fn streams(&self) -> bool {
        (**self).streams()
    }
}

impl<C: Collect + ?Sized> Collect for std::sync::Arc<C> {
    fn descriptors(&self) -> Vec<Descriptor> {
        (**self).descriptors()
    }

    fn collect(&self, sink: &mut dyn Sink) -> Result<(), CollectError> {
        (**self).collect(sink)
    }

    fn refused(&self) -> u64 {
        (**self).refused()
    }

    fn streams(&self) -> bool {
        (**self).streams()
    }
}

/// Takes families: an encoder, a snapshot, a filter.
///
/// Called by [`Collect`] only. It never fails: what can go wrong with a number is found before it gets here.
pub trait Sink {
    /// Begins a family. `false` says that its series are not wanted; giving them all the same is harmless.
    fn family(&mut self, descriptor: &Descriptor) -> bool;

    /// Takes one series of the family begun last. `false` says that no more of them are wanted; giving them all
    /// the same is harmless.
    fn point(&mut self, head: Head<'_>, point: &Point<'_>) -> bool;

    /// What is known of the scrape: until when it must be done, for one.
    fn context(&self) -> &ScrapeContext {
        ScrapeContext::NONE
    }
}

/// Writes the series of one family from a collector, checking names and values.
///
/// The label names are given once, the values of each series in the same order.
///
/// ```
/// use exporter_kit::{Collect, CollectError, Descriptor, FamilyWriter, Kind, Registry, Sink, Timestamp};
///
/// /// Readings that come with the time at which they were taken.
/// struct Weather;
///
/// impl Collect for Weather {
///     fn collect(&self, sink: &mut dyn Sink) -> Result<(), CollectError> {
///         let descriptor = Descriptor::new(Kind::Gauge, "temperature_celsius", "At the station.")?;
///         let mut family = FamilyWriter::begin(sink, &descriptor, ["station"])?;
///         family.timestamp(Some(Timestamp::new(1_700_000_000, 0)));
///         family.gauge(["north"], -3.5)?.gauge(["south"], 12)?;
///         Ok(())
///     }
/// }
///
/// let registry = Registry::new();
/// registry.register(Weather)?;
/// assert!(registry.to_text().ends_with("temperature_celsius{station=\"south\"} 12.0 1700000000000\n"));
/// # Ok::<(), exporter_kit::RegisterError>(())
/// ```
pub struct FamilyWriter<'s, const N: usize> {
    sink: &'s mut dyn Sink,
    kind: Kind,
    label_names: [&'s str; N],
    /// Reused for every head.
    text: String,
    name_len: usize,
    wanted: bool,
    given: Given,
    timestamp: Option<Timestamp>,
    created: Option<Timestamp>,
}

impl<const N: usize> fmt::Debug for FamilyWriter<'_, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FamilyWriter")
            .field("kind", &self.kind)
            .field("label_names", &self.label_names)
            .finish_non_exhaustive()
    }
}

impl<'s, const N: usize> FamilyWriter<'s, N> {
    /// Begins a family whose series have these labels.
    ///
    /// # Errors
    /// When a label name is not valid for the family's kind or stands twice.
    pub fn begin(
        sink: &'s mut dyn Sink,
        descriptor: &Descriptor,
        label_names: [&'s str; N],
    ) -> Result<Self, CollectError> {
        check_labels(
            &label_names,
            descriptor.name(),
            descriptor.kind(),
            NameScheme::Utf8,
        )?;
        let wanted = sink.family(descriptor);
        let text = descriptor.name().to_owned();
        let name_len = text.len();
        Ok(Self {
            sink,
            kind: descriptor.kind(),
            label_names,
            text,
            name_len,
            wanted,
            given: Given::default(),
            timestamp: None,
            created: None,
        })
    }

    /// The time that the values given from now on were true at, if that is not now.
    pub fn timestamp(&mut self, timestamp: Option<Timestamp>) -> &mut Self {
        self.timestamp = timestamp;
        self
    }

    /// Since when the values given from now on have been counted.
    pub fn created(&mut self, created: Option<Timestamp>) -> &mut Self {
        self.created = created;
        self
    }

    /// Gives a counter's value.
    ///
    /// # Errors
    /// When the family is no counter, or the value is negative or NaN.
    pub fn counter(
        &mut self,
        labels: [&str; N],
        value: impl crate::IntoNumber,
    ) -> Result<&mut Self, CollectError> {
        let value = value.into_number();
        if value.as_f64().is_nan() || value.as_f64() < 0.0 {
            return Err(CollectError::NotACount {
                family: self.text[..self.name_len].into(),
                value: value.as_f64(),
            });
        }
        self.point(labels, Value::Counter(value, None))
    }

    /// Gives a gauge's value.
    ///
    /// # Errors
    /// When the family is no gauge.
    pub fn gauge(
        &mut self,
        labels: [&str; N],
        value: impl crate::IntoNumber,
    ) -> Result<&mut Self, CollectError> {
        self.point(labels, Value::Gauge(value.into_number()))
    }

    /// Gives a value of unknown type.
    ///
    /// # Errors
    /// When the family's kind is not unknown.
    pub fn unknown(
        &mut self,
        labels: [&str; N],
        value: impl crate::IntoNumber,
    ) -> Result<&mut Self, CollectError> {
        self.point(labels, Value::Unknown(value.into_number()))
    }

    /// Gives a histogram's value. If a bound is below zero the sum is left out, as it could fall.
    ///
    /// ```
    /// use exporter_kit::{Collect, CollectError, Descriptor, FamilyWriter, HistogramValue, Kind, Registry, Sink};
    ///
    /// /// Counts that a proxy keeps.
    /// struct Proxy;
    ///
    /// impl Collect for Proxy {
    ///     fn collect(&self, sink: &mut dyn Sink) -> Result<(), CollectError> {
    ///         let descriptor = Descriptor::new(Kind::Histogram, "proxy_wait_seconds", "How long clients wait.")?;
    ///         let value = HistogramValue::classic(&[0.1, 1.0], &[3, 5], 6, 4.5).map_err(CollectError::source)?;
    ///         FamilyWriter::begin(sink, &descriptor, ["pool"])?.histogram(["a"], &value)?;
    ///         Ok(())
    ///     }
    /// }
    ///
    /// let registry = Registry::new();
    /// registry.register(Proxy)?;
    /// assert!(registry.to_text().contains("proxy_wait_seconds_bucket{pool=\"a\",le=\"+Inf\"} 6\n"));
    /// # Ok::<(), exporter_kit::RegisterError>(())
    /// ```
    ///
    /// # Errors
    /// When the family is no histogram.
    pub fn histogram(
        &mut self,
        labels: [&str; N],
        value: &HistogramValue,
    ) -> Result<&mut Self, CollectError> {
        self.point(labels, Value::Histogram(value))
    }

    /// Gives a gauge histogram's value: a distribution of what is there right now.
    ///
    /// # Errors
    /// When the family is no gauge histogram.
    pub fn gauge_histogram(
        &mut self,
        labels: [&str; N],
        value: &HistogramValue,
    ) -> Result<&mut Self, CollectError> {
        self.point(labels, Value::GaugeHistogram(value))
    }

    /// Gives a summary's value.
    ///
    /// # Errors
    /// When the family is no summary.
    pub fn summary(
        &mut self,
        labels: [&str; N],
        value: &SummaryValue,
    ) -> Result<&mut Self, CollectError> {
        self.point(labels, Value::Summary(value))
    }

    /// Gives an info: the labels are all it says.
    ///
    /// # Errors
    /// When the family is no info.
    pub fn info(&mut self, labels: [&str; N]) -> Result<&mut Self, CollectError> {
        self.point(labels, Value::Info)
    }

    /// Gives a state set: each state, and whether it holds.
    ///
    /// ```
    /// use exporter_kit::{Collect, CollectError, Descriptor, FamilyWriter, Kind, Registry, Sink};
    ///
    /// /// What a switch says of its ports.
    /// struct Switch;
    ///
    /// impl Collect for Switch {
    ///     fn collect(&self, sink: &mut dyn Sink) -> Result<(), CollectError> {
    ///         let descriptor = Descriptor::new(Kind::StateSet, "port_state", "The state of the port.")?;
    ///         FamilyWriter::begin(sink, &descriptor, ["port"])?.state_set(["1"], &[("up", true), ("down", false)])?;
    ///         Ok(())
    ///     }
    /// }
    ///
    /// let registry = Registry::new();
    /// registry.register(Switch)?;
    /// assert!(registry.to_text().contains("port_state{port=\"1\",port_state=\"up\"} 1.0\n"));
    /// # Ok::<(), exporter_kit::RegisterError>(())
    /// ```
    ///
    /// # Errors
    /// When the family is no state set, or a state stands twice.
    pub fn state_set(
        &mut self,
        labels: [&str; N],
        states: &[(&str, bool)],
    ) -> Result<&mut Self, CollectError> {
        let states: Vec<(Arc<str>, bool)> = states
            .iter()
            .map(|(state, on)| ((*state).into(), *on))
            .collect();
        self.point(labels, Value::StateSet(&states))
    }

    /// Gives a value of any kind.
    ///
    /// # Errors
    /// When the value is of another kind than the family, or a state stands twice.
    pub fn point(
        &mut self,
        labels: [&str; N],
        value: Value<'_>,
    ) -> Result<&mut Self, CollectError> {
        if value.kind() != self.kind {
            return Err(CollectError::WrongKind {
                family: self.text[..self.name_len].into(),
                expected: self.kind,
                given: value.kind(),
            });
        }
        if let Value::StateSet(states) = value
            && let Some(state) = repeated(states)
        {
            let family = &self.text[..self.name_len];
            return Err(CollectError::Repeated {
                series: format!("{family}{{{family}={state:?}}}").into(),
            });
        }
        let without_sum;
        let value = match value {
            Value::Histogram(histogram) if histogram.sum.is_some() && histogram.sum_may_fall() => {
                without_sum = HistogramValue {
                    sum: None,
                    ..histogram.clone()
                };
                Value::Histogram(&without_sum)
            }
            other => other,
        };
        if self.wanted {
            let Self {
                text,
                name_len,
                given,
                sink,
                ..
            } = self;
            let labels = self.label_names.iter().copied().zip(labels);
            text.truncate(*name_len);
            let legacy =
                render_labels(text, labels) && name::is_legacy_metric_name(&text[..*name_len]);
            if !given.insert(&text[*name_len..]) {
                return Err(CollectError::Repeated {
                    series: text.trim_end().into(),
                });
            }
            let point = Point {
                value,
                timestamp: self.timestamp,
                created: self.created,
            };
            self.wanted = sink.point(Head::from_parts(text, *name_len, legacy), &point);
        }
        Ok(self)
    }
}

/// The first state that has been there before. They are few.
fn repeated(states: &[(Arc<str>, bool)]) -> Option<&str> {
    let before = |i: usize, state: &Arc<str>| states[..i].iter().any(|(other, _)| other == state);
    let mut states = states.iter().enumerate();
    let (_, (state, _)) = states.find(|(i, (state, _))| before(*i, state))?;
    Some(state)
}

/// The label sets that a family has been given, so that none is given twice: 128 bits of hash of each, with
/// keys of this process, which no two label sets will share by chance or by intent.
#[derive(Default)]
struct Given {
    hashers: [DefaultHashBuilder; 2],
    hashes: HashTable<[u64; 2]>,
}

impl Given {
    /// Takes a label set; false if it is there already.
    fn insert(&mut self, labels: &str) -> bool {
        let hashes = [
            self.hashers[0].hash_one(labels),
            self.hashers[1].hash_one(labels),
        ];
        match self
            .hashes
            .entry(hashes[0], |other| *other == hashes, |other| other[0])
        {
            Entry::Occupied(_) => false,
            Entry::Vacant(entry) => {
                entry.insert(hashes);
                true
            }
        }
    }
}

/// Why a collector could not give all of its families.
#[derive(Debug)]
#[non_exhaustive]
pub enum CollectError {
    /// A name is not valid.
    Name(NameError),
    /// A value of another kind than its family.
    WrongKind {
        /// The family.
        family: Box<str>,
        /// The family's kind.
        expected: Kind,
        /// The value's kind.
        given: Kind,
    },
    /// A counter's value that is negative or NaN.
    NotACount {
        /// The family.
        family: Box<str>,
        /// The value.
        value: f64,
    },
    /// A series that the family was given before.
    Repeated {
        /// The series, as the text formats write it.
        series: Box<str>,
    },
    /// What the collector reads from failed.
    Source(Box<dyn Error + Send + Sync>),
}

impl CollectError {
    /// Wraps the error of what the collector reads from.
    pub fn source(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Source(error.into())
    }
}

impl fmt::Display for CollectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(error) => error.fmt(f),
            Self::WrongKind {
                family,
                expected,
                given,
            } => {
                write!(
                    f,
                    "family `{family}` is a {expected} but was given the value of a {given}; give the value its kind"
                )
            }
            Self::NotACount { family, value } => {
                write!(
                    f,
                    "counter `{family}` was given {value}; a counter is at least 0, use a gauge for what can be less"
                )
            }
            Self::Repeated { series } => {
                let family = series.split('{').next().unwrap_or(series);
                write!(
                    f,
                    "family `{family}` was given the series `{series}` twice; give each once"
                )
            }
            Self::Source(error) => error.fmt(f),
        }
    }
}

impl Error for CollectError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Name(error) => Some(error),
            Self::Source(error) => Some(error.as_ref()),
            _ => None,
        }
    }
}

impl From<NameError> for CollectError {
    fn from(error: NameError) -> Self {
        Self::Name(error)
    }
}
