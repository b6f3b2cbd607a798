//! Expositions of other exporters, passed on with other names and labels.

use std::borrow::Cow;
use std::collections::BTreeMap;

use exporter_kit::{CollectError, Descriptor, FamilySnapshot, FamilyWriter, Snapshot, parse};
use regex::Regex;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, de};

use crate::config::{At, Fault};
use crate::decode::decoder::{Decoder, FormatKeys};
use crate::decode::pattern::compile;
use crate::decode::text::utf8;
use crate::decode::{Content, Failure, Limits, Part, Parts, Wanted};

/// Filters and renaming of the families of another exporter.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PrometheusFormat {
    /// A regular expression for the whole name of families to keep.
    #[serde(default)]
    only: Option<NamePattern>,
    /// A regular expression for the whole name of families to drop.
    #[serde(default)]
    except: Option<NamePattern>,
    /// A prefix for the name of each family.
    #[serde(default)]
    prefix: Option<At<String>>,
    /// Labels to add to each series. They replace labels of the same name.
    #[serde(default)]
    labels: BTreeMap<At<String>, String>,
    /// New names of labels, as `{old: new}`.
    #[serde(default)]
    rename_labels: BTreeMap<String, At<String>>,
    /// Labels to drop.
    #[serde(default)]
    drop_labels: Vec<String>,
}

/// A regular expression for whole names.
#[derive(Clone, Debug)]
struct NamePattern(Regex);

impl FormatKeys for PrometheusFormat {
    fn parts(&self) -> Parts {
        Parts::default()
    }

    fn gives_families(&self) -> bool {
        true
    }

    fn check(&self, faults: &mut Vec<Fault>) {
        let registry = exporter_kit::Registry::new();
        let prefix = self
            .prefix
            .iter()
            .map(|it| (it.place(), registry.scoped(it, &[])));
        let names = self.labels.keys().chain(self.rename_labels.values());
        let labels = names.map(|it| (it.place(), registry.scoped("", &[(it.as_str(), "")])));
        for (place, checked) in prefix.chain(labels) {
            if let Err(error) = checked {
                faults.push(Fault::at(place, error.to_string()));
            }
        }
    }

    fn decoder(&self, _: Wanted, _: Limits) -> Decoder {
        let format = self.clone();
        Decoder::new(move |bytes| decode(&format, bytes))
    }
}

impl PrometheusFormat {
    fn wants(&self, family: &str) -> bool {
        let matches = |pattern: &NamePattern| pattern.0.is_match(family);
        self.only.as_ref().is_none_or(matches) && !self.except.as_ref().is_some_and(matches)
    }

    /// # Errors
    /// The first sample that cannot be passed on; the others are.
    fn pass_on(&self, family: &FamilySnapshot, to: &mut Snapshot) -> Result<(), CollectError> {
        let theirs = family.descriptor();
        let descriptor = match &self.prefix {
            None => theirs.clone(),
            Some(prefix) => {
                let name = format!("{}{}", prefix.as_str(), theirs.name());
                Descriptor::with_unit(theirs.metric_type(), &name, theirs.help(), theirs.unit())?
            }
        };
        let mut writer = FamilyWriter::with_any_labels(to, &descriptor);
        let mut passed = Ok(());
        for (head, point) in family.series() {
            let labels = self.relabelled(head.labels());
            let labels: Vec<_> = labels
                .iter()
                .map(|(name, value)| (name.as_str(), value.as_str()))
                .collect();
            passed = passed.and(writer.series(&labels, &point));
        }
        passed
    }

    fn relabelled(&self, own: exporter_kit::Labels<'_>) -> Vec<(String, String)> {
        let mut labels: Vec<(String, String)> = own
            .filter(|(name, _)| !self.drop_labels.iter().any(|dropped| dropped == name))
            .map(|(name, value)| {
                let renamed = self.rename_labels.get(&*name).map(|name| name.to_string());
                (
                    renamed.unwrap_or_else(|| name.into_owned()),
                    value.into_owned(),
                )
            })
            .filter(|(name, _)| !self.labels.keys().any(|set| **set == *name))
            .collect();
        let set = self.labels.iter();
        labels.extend(set.map(|(name, value)| (name.to_string(), value.clone())));
        labels
    }
}

/// Parses text that ends in `# EOF` strictly as OpenMetrics, and other text leniently in the Prometheus text format.
///
/// A family or series that cannot be passed on, for example because relabelling made it equal to another, fails alone.
fn decode(format: &PrometheusFormat, bytes: &[u8]) -> Result<Vec<Part>, Failure> {
    let text = utf8(bytes)?;
    let read = if text.trim_end().ends_with("\n# EOF") {
        parse::openmetrics(text)
    } else {
        parse::text(text)
    };
    let theirs = read.map_err(|error| Failure::decode(error.to_string()))?;
    let mut ours = Snapshot::new();
    let mut parts = Vec::new();
    for family in theirs.families() {
        let name = family.descriptor().name();
        if format.wants(name)
            && let Err(error) = format.pass_on(family, &mut ours)
        {
            parts.push(Part {
                name: name.into(),
                content: Err(error.into()),
            });
        }
    }
    parts.push(Part {
        name: "families".into(),
        content: Ok(Content::Families(Box::new(ours))),
    });
    Ok(parts)
}

impl PartialEq for NamePattern {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_str() == other.0.as_str()
    }
}

impl<'de> Deserialize<'de> for NamePattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        compile(&text, &format!("^(?:{text})$"))
            .map(Self)
            .map_err(de::Error::custom)
    }
}

impl JsonSchema for NamePattern {
    fn schema_name() -> Cow<'static, str> {
        "NameRegex".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "A regular expression for a whole name, such as `http_.*`.",
        })
    }
}
