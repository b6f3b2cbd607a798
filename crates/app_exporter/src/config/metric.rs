//! One metric: its type, and the columns of its value and labels.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use exporter_kit::{Descriptor, NameError};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, de};

use crate::config::{At, Bounds, ColumnConfig, TextMap};

/// A metric made from the rows of a source.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MetricConfig {
    /// The name, as queries use it. That of an info metric ends in `_info`. `check-config` warns of names that break other
    /// rules of Prometheus, such as a gauge `users_count` or a counter without `_total`, which OpenMetrics shows as unknown.
    pub(crate) name: At<String>,
    /// The meaning of the numbers, in a sentence.
    pub(crate) help: String,
    /// The metric type.
    #[serde(default, rename = "type")]
    pub(crate) kind: MetricType,
    /// The base unit, for example `seconds` or `bytes`. The name must then end in it.
    #[serde(default)]
    pub(crate) unit: Option<At<String>>,
    /// The result set to read, for a source with several.
    #[serde(default)]
    pub(crate) from: Option<At<String>>,
    /// The column of the number, or its derivation from columns; default `value`.
    #[serde(default)]
    pub(crate) value: Option<At<ColumnConfig>>,
    /// Labels and the columns of their values, as `{label: column}`. A list names columns that are labels of the same
    /// name.
    #[serde(default)]
    pub(crate) labels: Labels,
    /// The buckets of a histogram as columns, by upper bound: `{0.1: fast, 1: slow}`. `count` is the column of all.
    #[serde(default)]
    pub(crate) buckets: Bounds,
    /// The column of a bucket's upper bound, if a histogram has one row a bucket. `value` is the column of its count.
    #[serde(default)]
    pub(crate) bucket: Option<At<ColumnConfig>>,
    /// Counts of buckets include those of lower buckets, as in Prometheus. Write `false` for counts of each bucket alone.
    #[serde(default = "yes")]
    pub(crate) cumulative: bool,
    /// The quantiles of a summary as columns: `{0.5: median, 0.99: p99}`.
    #[serde(default)]
    pub(crate) quantiles: Bounds,
    /// The column of a quantile, if a summary has one row a quantile. `value` is the column of its value.
    #[serde(default)]
    pub(crate) quantile: Option<At<ColumnConfig>>,
    /// The column of the number of observations in a histogram or summary.
    #[serde(default)]
    pub(crate) count: Option<At<ColumnConfig>>,
    /// The column of the sum of observations in a histogram or summary.
    #[serde(default)]
    pub(crate) sum: Option<At<ColumnConfig>>,
    /// Labels with a fixed value.
    #[serde(default)]
    pub(crate) static_labels: BTreeMap<At<String>, String>,
    /// Numbers for strings, as `{UP: 1, 'DOWN*': 0}`. `*` stands for any text; the first match counts. Without it, true
    /// is 1 and false is 0.
    #[serde(default)]
    pub(crate) map: TextMap<f64>,
    /// A factor for every number, for example 0.001 to convert milliseconds to seconds. In histograms and summaries it
    /// applies to bounds, values and sums in columns, not to counts.
    #[serde(default)]
    pub(crate) scale: Option<At<f64>>,
    /// The number for a missing row or an empty column. Without it, the sample is left out.
    #[serde(default)]
    pub(crate) default: Option<f64>,
    /// Label sets that are always exported, by the names of `labels`. Without a row they have the value of `default`.
    #[serde(default)]
    pub(crate) default_for: Vec<At<BTreeMap<String, String>>>,
    /// The column of the sample's timestamp: seconds since 1970, or a time such as 2026-01-31T12:00:00Z. A time without
    /// a zone is UTC. Without it, samples have no timestamp.
    #[serde(default)]
    pub(crate) timestamp: Option<At<ColumnConfig>>,
    /// The unit of numbers in the timestamp's column.
    #[serde(default)]
    pub(crate) timestamp_unit: TimestampUnit,
    /// The treatment of rows with the same labels.
    #[serde(default)]
    pub(crate) duplicates: Duplicates,
    /// Adds the number of each fetch to a total, for a counter whose column counts since it was last read. Totals begin
    /// at 0 with the program, and again when a reload changes the source.
    #[serde(default)]
    pub(crate) accumulate: bool,
}

/// The type of a metric.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum MetricType {
    /// A number that goes up and down.
    #[default]
    Gauge,
    /// A number that only goes up.
    Counter,
    /// A number that may or may not go down.
    Unknown,
    /// Information in labels; the value is always 1.
    Info,
    /// Counts of observations by size, in buckets.
    Histogram,
    /// Quantiles of observations.
    Summary,
}

/// The treatment of rows with the same labels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Duplicates {
    /// Keeps the first row and reports the others as errors.
    #[default]
    Drop,
    /// Exports the sum of their numbers.
    Sum,
    /// Exports the greatest number.
    Max,
    /// Exports the least number.
    Min,
    /// Keeps the last row.
    Last,
    /// Exports the number of rows and ignores their values.
    Count,
}

/// The unit of a numeric timestamp.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum TimestampUnit {
    /// Seconds since 1970.
    #[default]
    Seconds,
    /// Milliseconds since 1970.
    Milliseconds,
}

/// The column of the number of a metric that names none.
pub(crate) const VALUE: &str = "value";

/// Labels and their columns, in the order of the file.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Labels(pub(crate) Vec<(At<String>, At<ColumnConfig>)>);

fn yes() -> bool {
    true
}

impl MetricConfig {
    /// The descriptor of the metric's family.
    ///
    /// # Errors
    /// When its name breaks a rule of its type or unit.
    pub(crate) fn descriptor(&self) -> Result<Descriptor, NameError> {
        let unit = self.unit.as_ref().map_or("", |unit| unit.as_str());
        Descriptor::with_any_suffix(self.kind.of_library(), &self.name, &self.help, unit)
    }

    /// The columns that it names.
    pub(crate) fn columns(&self) -> impl Iterator<Item = &At<ColumnConfig>> {
        let labels = self.labels.0.iter().map(|(_, column)| column);
        let by_number = self.buckets.0.iter().chain(&self.quantiles.0);
        self.value
            .iter()
            .chain(labels)
            .chain(&self.timestamp)
            .chain(by_number.map(|(_, column)| column))
            .chain(&self.bucket)
            .chain(&self.quantile)
            .chain(&self.count)
            .chain(&self.sum)
    }

    /// The rule that its name breaks, although Prometheus accepts it.
    pub(crate) fn broken_rule(&self) -> Option<NameError> {
        let unit = self.unit.as_ref().map_or("", |unit| unit.as_str());
        Descriptor::with_unit(self.kind.of_library(), &self.name, &self.help, unit).err()
    }

    /// Returns whether it reads a number from each row.
    pub(crate) fn has_value(&self) -> bool {
        match self.kind {
            MetricType::Info => false,
            MetricType::Histogram => self.bucket.is_some(),
            MetricType::Summary => self.quantile.is_some(),
            _ => self.duplicates != Duplicates::Count,
        }
    }
}

impl MetricType {
    fn of_library(self) -> exporter_kit::MetricType {
        match self {
            Self::Gauge => exporter_kit::MetricType::Gauge,
            Self::Counter => exporter_kit::MetricType::Counter,
            Self::Unknown => exporter_kit::MetricType::Unknown,
            Self::Info => exporter_kit::MetricType::Info,
            Self::Histogram => exporter_kit::MetricType::Histogram,
            Self::Summary => exporter_kit::MetricType::Summary,
        }
    }
}

impl<'de> Deserialize<'de> for Labels {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(LabelsVisitor)
    }
}

struct LabelsVisitor;

impl<'de> de::Visitor<'de> for LabelsVisitor {
    type Value = Labels;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map of labels and columns, as in `{app: name}`, or a list of columns")
    }

    fn visit_seq<A: de::SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut labels = Vec::new();
        while let Some(label) = seq.next_element::<At<String>>()? {
            let column = ColumnConfig::Named(label.as_str().to_owned());
            labels.push((label.clone(), label.with(column)));
        }
        Ok(Labels(labels))
    }

    fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut labels = Vec::new();
        while let Some(entry) = map.next_entry()? {
            labels.push(entry);
        }
        Ok(Labels(labels))
    }
}

impl JsonSchema for Labels {
    fn schema_name() -> Cow<'static, str> {
        "Labels".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let column = generator.subschema_for::<ColumnConfig>();
        json_schema!({
            "anyOf": [
                { "type": "object", "additionalProperties": column },
                { "type": "array", "items": { "type": "string" } },
            ],
        })
    }
}
