//! One metric: which of the rows' columns are its value and labels.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use exporter_kit::{Descriptor, NameError};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, de};

use crate::config::At;

/// One metric, made from a source's rows.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MetricConfig {
    /// The name, as queries will use it: a counter's ends in `_total`, an info's in `_info`.
    pub(crate) name: At<String>,
    /// What the numbers mean, in a sentence.
    pub(crate) help: String,
    /// The type: a gauge unless this says otherwise.
    #[serde(default, rename = "type")]
    pub(crate) kind: MetricType,
    /// The base unit, in which the name then ends, as `seconds` or `bytes`.
    #[serde(default)]
    pub(crate) unit: Option<At<String>>,
    /// Which of the source's sets of rows, where it has several.
    #[serde(default)]
    pub(crate) from: Option<At<String>>,
    /// The column of the number: `value` unless this says otherwise.
    #[serde(default)]
    pub(crate) value: Option<At<String>>,
    /// The label of each name is what its column says. A list stands for labels named as their columns.
    #[serde(default)]
    pub(crate) labels: Labels,
    /// Labels that are the same for every row.
    #[serde(default)]
    pub(crate) static_labels: BTreeMap<At<String>, String>,
    /// The number for each text, as `{UP: 1, DOWN: 0}`. Without it, true is 1 and false is 0.
    #[serde(default)]
    pub(crate) map: BTreeMap<String, f64>,
    /// What numbers are multiplied by, as 0.001 to make seconds of milliseconds.
    #[serde(default)]
    pub(crate) scale: Option<At<f64>>,
    /// The number where there is none: no row, or nothing in the column. Without it there is no sample then.
    #[serde(default)]
    pub(crate) default: Option<f64>,
    /// Label sets that are always there, by the names of `labels`: with `default` where no row has them.
    #[serde(default)]
    pub(crate) default_for: Vec<At<BTreeMap<String, String>>>,
    /// The column of the moment at which the number was true, if that is not now: seconds since 1970, or a time as
    /// 2026-01-31T12:00:00Z; one without a zone is taken for UTC.
    #[serde(default)]
    pub(crate) timestamp: Option<At<String>>,
    /// What a number in the timestamp's column counts: seconds unless this says otherwise.
    #[serde(default)]
    pub(crate) timestamp_unit: TimestampUnit,
    /// What becomes of rows with the same labels: `drop` unless this says otherwise.
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
    /// A number of which nobody knows whether it can go down.
    Unknown,
    /// Text as labels; the value is always 1.
    Info,
}

/// What becomes of rows with the same labels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Duplicates {
    /// The first one counts, the others are errors.
    #[default]
    Drop,
    /// Their sum.
    Sum,
    /// The greatest of them.
    Max,
    /// The last one.
    Last,
    /// How many rows there are, whatever their value.
    Count,
}

/// What a number stands for that is a time.
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
    /// The family that it declares.
    ///
    /// # Errors
    /// When its name breaks a rule of its type or unit.
    pub(crate) fn descriptor(&self) -> Result<Descriptor, NameError> {
        let unit = self.unit.as_ref().map_or("", |unit| unit.as_str());
        Descriptor::with_unit(self.kind.of_library(), &self.name, &self.help, unit)
    }

    /// The column of the number; none if there is no need of one.
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
        f.write_str("labels with their columns, as `{app: name}`, or a list of columns")
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
