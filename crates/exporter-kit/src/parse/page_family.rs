//! One family of a page as scraped: its samples, and the values that they make.

use std::borrow::Cow;
use std::sync::Arc;

use crate::model::{Composition, Descriptor, MetricType, Number};
use crate::parse::Dialect;
use crate::parse::assembly::openmetrics_samples;
use crate::snapshot::{OwnedValue, Series};

/// One family of a page.
pub(crate) struct PageFamily<'a> {
    pub(super) name: Cow<'a, str>,
    pub(super) metric_type: Option<MetricType>,
    /// Shared by the families of one name.
    pub(super) help: Option<Arc<str>>,
    pub(super) unit: &'a str,
    /// True if its `# TYPE` names no type.
    pub(super) is_refused: bool,
    pub(super) series: Vec<Series>,
    /// The place of the labels of each series.
    pub(super) places: Vec<usize>,
    /// True if labels have several timestamps.
    pub(super) has_repeated_labels: bool,
}

impl<'a> PageFamily<'a> {
    pub(super) fn new(name: Cow<'a, str>) -> Self {
        Self {
            name,
            metric_type: None,
            help: None,
            unit: "",
            is_refused: false,
            series: Vec::new(),
            places: Vec::new(),
            has_repeated_labels: false,
        }
    }

    pub(super) fn has_samples_with(&self, suffix: &str, dialect: Dialect) -> bool {
        let Some(metric_type) = self.metric_type else {
            return false;
        };
        let mut own = openmetrics_samples(metric_type).iter();
        match (dialect, metric_type) {
            (Dialect::OpenMetrics, _) => own.any(|(own, _)| *own == suffix),
            (Dialect::Text, MetricType::GaugeHistogram) => {
                own.any(|(own, _)| *own == suffix) || matches!(suffix, "_count" | "_sum")
            }
            (Dialect::Text, MetricType::Histogram | MetricType::Summary) => {
                suffix != "_created" && own.any(|(own, _)| *own == suffix)
            }
            (Dialect::Text, _) => false,
        }
    }

    pub(super) fn normal_label(&self) -> Option<&'static str> {
        self.metric_type.and_then(MetricType::normal_label)
    }

    /// The name used in queries. A counter or info whose samples lack its suffix has none.
    pub(super) fn query_name(&self, dialect: Dialect, prefix: &str) -> String {
        let suffix = match dialect {
            Dialect::OpenMetrics => self.metric_type.map_or("", MetricType::sample_suffix),
            Dialect::Text => "",
        };
        let name = format!("{}{suffix}", self.name);
        let mut names = self.series.iter().map(|it| it.key.as_key().name());
        if names.any(|sample| sample[prefix.len()..] == name) {
            name
        } else {
            self.name.clone().into_owned()
        }
    }

    /// Returns the family, with values of its type where those are the same lines.
    pub(super) fn finish(mut self, name: &str) -> (Descriptor, Vec<Series>) {
        if self.has_repeated_labels {
            // OpenMetrics wants the samples of a series side by side.
            let mut order: Vec<_> = self.places.into_iter().zip(self.series).collect();
            order.sort_by_key(|(place, _)| *place);
            self.series = order.into_iter().map(|(_, series)| series).collect();
        }
        let metric_type = self.metric_type.unwrap_or(MetricType::Unknown);
        let help = self.help.as_deref().unwrap_or("");
        let unit = match metric_type {
            MetricType::Info | MetricType::StateSet => "",
            _ => self.unit,
        };
        let mut descriptor = Descriptor::unchecked(metric_type, name, help, unit);
        let has_values = self.series.iter().all(|series| {
            let OwnedValue::Line(number, _) = &series.sample.value else {
                return false;
            };
            // An info may not have some samples with a timestamp and some without.
            let may_have_time =
                metric_type != MetricType::Info || series.sample.timestamp.is_none();
            let is_own = series.key.as_key().name() == name;
            is_own && may_have_time && is_value_of(metric_type, *number)
        });
        let mut series = self.series;
        if !has_values {
            descriptor = descriptor.composed(match metric_type {
                MetricType::Gauge | MetricType::Unknown | MetricType::Info => Composition::Loose,
                _ => Composition::Lines,
            });
            if metric_type == MetricType::GaugeHistogram {
                // Prometheus would write its bounds in another form, as it does not in OpenMetrics.
                descriptor = descriptor.shown_in_text_as(MetricType::Unknown);
            }
            return (descriptor, series);
        }
        let may_have_exemplar = descriptor.base_name() != name;
        for series in &mut series {
            let value = std::mem::replace(&mut series.sample.value, OwnedValue::Info);
            series.sample.value = match (metric_type, value) {
                (MetricType::Info, _) => OwnedValue::Info,
                (MetricType::Counter, OwnedValue::Line(number, exemplar)) => {
                    OwnedValue::Counter(number, exemplar.filter(|_| may_have_exemplar))
                }
                (_, OwnedValue::Line(number, _)) => OwnedValue::number(metric_type, number),
                (_, value) => value,
            };
        }
        (descriptor, series)
    }
}

/// Returns whether a single number is a value of that type.
fn is_value_of(metric_type: MetricType, number: Number) -> bool {
    match metric_type {
        MetricType::Gauge | MetricType::Unknown => true,
        MetricType::Counter => number.as_f64() >= 0.0,
        MetricType::Info => number == 1u64,
        MetricType::Histogram
        | MetricType::GaugeHistogram
        | MetricType::Summary
        | MetricType::StateSet => false,
    }
}
