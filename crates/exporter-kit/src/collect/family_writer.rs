//! One family, written by a collector.

use std::fmt;
use std::sync::Arc;

use crate::collect::given::Given;
use crate::collect::{CollectError, Sink};
use crate::model::{
    Descriptor, HistogramValue, MetricType, Sample, SeriesKey, SummaryValue, Timestamp, Value,
    check_labels, render_labels,
};
use crate::name::{self, NameScheme};

/// Writes the series of one family from a collector, checking names and values.
///
/// The label names are given once, the values of each series in the same order.
///
/// ```
/// use exporter_kit::{Collect, CollectError, Descriptor, FamilyWriter, MetricType, Registry, Sink, Timestamp};
///
/// /// Readings that come with the time at which they were taken.
/// struct Weather;
///
/// impl Collect for Weather {
///     fn collect(&self, sink: &mut dyn Sink) -> Result<(), CollectError> {
///         let descriptor = Descriptor::new(MetricType::Gauge, "temperature_celsius", "At the station.")?;
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
    kind: MetricType,
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
            descriptor.metric_type(),
            NameScheme::Utf8,
        )?;
        let wanted = sink.family(descriptor);
        let text = descriptor.name().to_owned();
        let name_len = text.len();
        Ok(Self {
            sink,
            kind: descriptor.metric_type(),
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
        self.sample(labels, Value::Counter(value.into_number(), None))
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
        self.sample(labels, Value::Gauge(value.into_number()))
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
        self.sample(labels, Value::Unknown(value.into_number()))
    }

    /// Gives a histogram's value. If a bound is below zero the sum is left out, as it could fall.
    ///
    /// ```
    /// use exporter_kit::{Collect, CollectError, Descriptor, FamilyWriter, HistogramValue, MetricType, Registry, Sink};
    ///
    /// /// Counts that a proxy keeps.
    /// struct Proxy;
    ///
    /// impl Collect for Proxy {
    ///     fn collect(&self, sink: &mut dyn Sink) -> Result<(), CollectError> {
    ///         let descriptor = Descriptor::new(MetricType::Histogram, "proxy_wait_seconds", "How long clients wait.")?;
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
        self.sample(labels, Value::Histogram(value))
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
        self.sample(labels, Value::GaugeHistogram(value))
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
        self.sample(labels, Value::Summary(value))
    }

    /// Gives an info: the labels are all it says.
    ///
    /// # Errors
    /// When the family is no info.
    pub fn info(&mut self, labels: [&str; N]) -> Result<&mut Self, CollectError> {
        self.sample(labels, Value::Info)
    }

    /// Gives a state set: each state, and whether it holds.
    ///
    /// ```
    /// use exporter_kit::{Collect, CollectError, Descriptor, FamilyWriter, MetricType, Registry, Sink};
    ///
    /// /// What a switch says of its ports.
    /// struct Switch;
    ///
    /// impl Collect for Switch {
    ///     fn collect(&self, sink: &mut dyn Sink) -> Result<(), CollectError> {
    ///         let descriptor = Descriptor::new(MetricType::StateSet, "port_state", "The state of the port.")?;
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
        self.sample(labels, Value::StateSet(&states))
    }

    /// Gives a value of any kind.
    ///
    /// # Errors
    /// When the value is of another kind than the family or, for a counter, negative or NaN, or a state stands twice.
    pub fn sample(
        &mut self,
        labels: [&str; N],
        value: Value<'_>,
    ) -> Result<&mut Self, CollectError> {
        if value.metric_type() != self.kind {
            return Err(CollectError::WrongType {
                family: self.text[..self.name_len].into(),
                expected: self.kind,
                given: value.metric_type(),
            });
        }
        if let Value::Counter(number, _) = value {
            CollectError::unless_count(&self.text[..self.name_len], number)?;
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
            let point = Sample {
                value,
                timestamp: self.timestamp,
                created: self.created,
            };
            self.wanted = sink.sample(SeriesKey::from_parts(text, *name_len, legacy), &point);
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
