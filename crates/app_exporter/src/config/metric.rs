//! One metric: its type, and the columns of its value and labels.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use exporter_kit::{Descriptor, NameError};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, de};

use crate::config::At;

/// A metric made from the rows of a source.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MetricConfig {
    /// The name, as queries use it. The name of a counter ends in `_total`, that of an info metric in `_info`.
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
    /// The column of the number; default `value`.
    #[serde(default)]
    pub(crate) value: Option<At<String>>,
    /// Labels and the columns of their values, as `{label: column}`. A list names columns that are labels of the same
    /// name.
    #[serde(default)]
    pub(crate) labels: Labels,
    /// Labels with a fixed value.
    #[serde(default)]
    pub(crate) static_labels: BTreeMap<At<String>, String>,
    /// Numbers for strings, as `{UP: 1, DOWN: 0}`. Without it, true is 1 and false is 0.
    #[serde(default)]
    pub(crate) map: BTreeMap<String, f64>,
    /// A factor for every number, for example 0.001 to convert milliseconds to seconds.
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
    pub(crate) timestamp: Option<At<String>>,
    /// The unit of numbers in the timestamp's column.
    #[serde(default)]
    pub(crate) timestamp_unit: TimestampUnit,
    /// The treatment of rows with the same labels.
    #[serde(default)]
    pub(crate) duplicates: Duplicates,
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

/// Labels and their columns, in the order of the file.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Labels(pub(crate) Vec<(At<String>, At<String>)>);

impl MetricConfig {
    /// The descriptor of the metric's family.
    ///
    /// # Errors
    /// When its name breaks a rule of its type or unit.
    pub(crate) fn descriptor(&self) -> Result<Descriptor, NameError> {
        let unit = self.unit.as_ref().map_or("", |unit| unit.as_str());
        Descriptor::with_unit(self.kind.of_library(), &self.name, &self.help, unit)
    }

    /// The column of the number; `None` for metrics without one.
    pub(crate) fn value_column(&self) -> Option<&str> {
        if self.kind == MetricType::Info || self.duplicates == Duplicates::Count {
            return None;
        }
        Some(
            self.value
                .as_ref()
                .map_or("value", |column| column.as_str()),
        )
    }
}

impl MetricType {
    fn of_library(self) -> exporter_kit::MetricType {
        match self {
            Self::Gauge => exporter_kit::MetricType::Gauge,
            Self::Counter => exporter_kit::MetricType::Counter,
            Self::Unknown => exporter_kit::MetricType::Unknown,
            Self::Info => exporter_kit::MetricType::Info,
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
        while let Some(column) = seq.next_element::<At<String>>()? {
            labels.push((column.clone(), column));
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

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "anyOf": [
                { "type": "object", "additionalProperties": { "type": "string" } },
                { "type": "array", "items": { "type": "string" } },
            ],
        })
    }
}
