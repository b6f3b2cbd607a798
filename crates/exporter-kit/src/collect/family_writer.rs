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

/// Writes the series of one family, and checks names, values and the uniqueness of label sets.
///
/// Set the label names once, then write the values of each series in the same order. For label names known only at run
/// time, begin with [`with_any_labels`](FamilyWriter::with_any_labels) and write each series with
/// [`series`](FamilyWriter::series).
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
    pub(super) sink: &'s mut dyn Sink,
    pub(super) metric_type: MetricType,
    label_names: [&'s str; N],
    /// Reused for every series key.
    pub(super) text: String,
    pub(super) name_len: usize,
    pub(super) wanted: bool,
    pub(super) given: Given,
    timestamp: Option<Timestamp>,
    created: Option<Timestamp>,
}

impl<const N: usize> fmt::Debug for FamilyWriter<'_, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FamilyWriter")
            .field("family", &&self.text[..self.name_len])
            .field("type", &self.metric_type)
            .field("label_names", &self.label_names)
            .finish_non_exhaustive()
    }
}

impl<'s, const N: usize> FamilyWriter<'s, N> {
    /// Begins a family whose series have these labels.
    ///
    /// # Errors
    /// When a label name is invalid for the family's type, or a duplicate.
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
        Ok(Self::new(sink, descriptor, label_names))
    }

    /// Invariant: the label names are valid for the family.
    pub(super) fn new(
        sink: &'s mut dyn Sink,
        descriptor: &Descriptor,
        label_names: [&'s str; N],
    ) -> Self {
        let wanted = sink.family(descriptor);
        let text = descriptor.name().to_owned();
        let name_len = text.len();
        Self {
            sink,
            metric_type: descriptor.metric_type(),
            label_names,
            text,
            name_len,
            wanted,
            given: Given::default(),
            timestamp: None,
            created: None,
        }
    }

    /// Sets the timestamp of the values that follow; `None` means the time of the scrape.
    pub fn timestamp(&mut self, timestamp: Option<Timestamp>) -> &mut Self {
        self.timestamp = timestamp;
        self
    }

    /// Sets the start timestamp of the values that follow: the time since when they have been counted.
    pub fn created(&mut self, created: Option<Timestamp>) -> &mut Self {
        self.created = created;
        self
    }

    /// Writes a counter's value.
    ///
    /// # Errors
    /// When the family is not a counter, or the value is negative or NaN.
    pub fn counter(
        &mut self,
        labels: [&str; N],
        value: impl crate::IntoNumber,
    ) -> Result<&mut Self, CollectError> {
        self.sample(labels, Value::Counter(value.into_number(), None))
    }

    /// Writes a gauge's value.
    ///
    /// # Errors
    /// When the family is not a gauge.
    pub fn gauge(
        &mut self,
        labels: [&str; N],
        value: impl crate::IntoNumber,
    ) -> Result<&mut Self, CollectError> {
        self.sample(labels, Value::Gauge(value.into_number()))
    }

    /// Writes a value of unknown type.
    ///
    /// # Errors
    /// When the family's type is not unknown.
    pub fn unknown(
        &mut self,
        labels: [&str; N],
        value: impl crate::IntoNumber,
    ) -> Result<&mut Self, CollectError> {
        self.sample(labels, Value::Unknown(value.into_number()))
    }

    /// Writes a histogram's value. If a bound is below zero, the sum is left out because it could decrease.
    ///
    /// ```
    /// use exporter_kit::{Collect, CollectError, Descriptor, FamilyWriter, HistogramValue, MetricType, Registry, Sink};
    ///
    /// /// Counts of a proxy.
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
    /// When the family is not a histogram.
    pub fn histogram(
        &mut self,
        labels: [&str; N],
        value: &HistogramValue,
    ) -> Result<&mut Self, CollectError> {
        self.sample(labels, Value::Histogram(value))
    }

    /// Writes a gauge histogram's value: a distribution of current values.
    ///
    /// # Errors
    /// When the family is not a gauge histogram.
    pub fn gauge_histogram(
        &mut self,
        labels: [&str; N],
        value: &HistogramValue,
    ) -> Result<&mut Self, CollectError> {
        self.sample(labels, Value::GaugeHistogram(value))
    }

    /// Writes a summary's value.
    ///
    /// # Errors
    /// When the family is not a summary.
    pub fn summary(
        &mut self,
        labels: [&str; N],
        value: &SummaryValue,
    ) -> Result<&mut Self, CollectError> {
        self.sample(labels, Value::Summary(value))
    }

    /// Writes an info: its labels are the information.
    ///
    /// # Errors
    /// When the family is not an info.
    pub fn info(&mut self, labels: [&str; N]) -> Result<&mut Self, CollectError> {
        self.sample(labels, Value::Info)
    }

    /// Writes a state set: each state, and whether it is on.
    ///
    /// ```
    /// use exporter_kit::{Collect, CollectError, Descriptor, FamilyWriter, MetricType, Registry, Sink};
    ///
    /// /// The ports of a switch.
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
    /// When the family is not a state set, or a state is a duplicate.
    pub fn state_set(
        &mut self,
        labels: [&str; N],
        states: &[(&str, bool)],
    ) -> Result<&mut Self, CollectError> {
        let shared = |(state, on): &(&str, bool)| (Arc::from(*state), *on);
        let states: Vec<(Arc<str>, bool)> = states.iter().map(shared).collect();
        self.sample(labels, Value::StateSet(&states))
    }

    /// Writes a value of any type.
    ///
    /// # Errors
    /// When the value's type is not the family's, a counter's value is negative or NaN, or a state or label set is a
    /// duplicate.
    pub fn sample(
        &mut self,
        labels: [&str; N],
        value: Value<'_>,
    ) -> Result<&mut Self, CollectError> {
        let point = Sample {
            value,
            timestamp: self.timestamp,
            created: self.created,
        };
        self.check(&point.value)?;
        if self.wanted {
            let labels = self.label_names.iter().copied().zip(labels);
            let legacy = render(&mut self.text, self.name_len, labels);
            let is_new = self.given.insert(&self.text[self.name_len..]);
            self.write(is_new, legacy, &point)?;
        }
        Ok(self)
    }

    pub(super) fn check(&self, value: &Value<'_>) -> Result<(), CollectError> {
        let family = &self.text[..self.name_len];
        if value.metric_type() != self.metric_type {
            return Err(CollectError::WrongType {
                family: family.into(),
                expected: self.metric_type,
                given: value.metric_type(),
            });
        }
        match value {
            Value::Counter(number, _) => CollectError::unless_count(family, *number),
            Value::StateSet(states) => CollectError::unless_repeated(family, states),
            _ => Ok(()),
        }
    }

    /// Writes the series whose key is in `text`.
    pub(super) fn write(
        &mut self,
        is_new: bool,
        legacy: bool,
        point: &Sample<'_>,
    ) -> Result<(), CollectError> {
        if !is_new {
            return Err(CollectError::Repeated {
                series: self.text.trim_end().into(),
            });
        }
        let head = SeriesKey::from_parts(&self.text, self.name_len, legacy);
        self.wanted = match point.value {
            Value::Histogram(histogram) if histogram.sum.is_some() && histogram.sum_may_fall() => {
                let without_sum = HistogramValue {
                    sum: None,
                    ..histogram.clone()
                };
                let value = Value::Histogram(&without_sum);
                self.sink.sample(head, &Sample { value, ..*point })
            }
            _ => self.sink.sample(head, point),
        };
        Ok(())
    }
}

/// Appends the labels to the family's name; returns whether every name can be written without quotes.
pub(super) fn render<'l>(
    text: &mut String,
    name_len: usize,
    labels: impl Iterator<Item = (&'l str, &'l str)>,
) -> bool {
    text.truncate(name_len);
    render_labels(text, labels) && name::is_legacy_metric_name(&text[..name_len])
}
