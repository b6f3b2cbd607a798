//! One file of a configuration: its keys, and its schema.

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, de};
use serde_json::json;

use crate::config::At;
use crate::setup::source::{SourceConfig, SourceName};

/// The configuration of app_exporter. Keys that begin with `x-` are ignored; they are a place for anchors.
///
/// A configuration may be several files: `--config.file` also takes a folder or a pattern, and `include` adds files. Each
/// file is read once, even if several patterns match it. The name of a source exists once in all files. Relative paths
/// begin at the folder of the file that contains them. Anchors end with their file.
#[derive(Debug, PartialEq, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Config")]
#[schemars(extend("patternProperties" = { "^x-": {} }))]
#[schemars(extend("anyOf" = [json!({ "required": ["sources"] }), json!({ "required": ["include"] })]))]
pub(super) struct Document {
    /// More files, folders and patterns, such as `[sources.d/*.yml]`. In folders and patterns only names count that end in
    /// `.yml` or `.yaml` and do not begin with `.`. An entry without files is an error.
    #[schemars(default)]
    pub(super) include: Vec<At<String>>,
    /// The data sources, under names of your choice. Required in a file without `include`.
    #[schemars(default)]
    pub(super) sources: BTreeMap<At<SourceName>, SourceConfig>,
}

const SOURCES: &str = "sources";
const INCLUDE: &str = "include";

/// A key of the file.
enum Key {
    Sources,
    Include,
    /// A key that is ignored.
    Extension,
}

impl<'de> Deserialize<'de> for Document {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(DocumentVisitor)
    }
}

struct DocumentVisitor;

impl<'de> de::Visitor<'de> for DocumentVisitor {
    type Value = Document;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map")
    }

    fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<Document, A::Error> {
        let (mut include, mut sources) = (None, None);
        while let Some(key) = map.next_key()? {
            match key {
                Key::Include => include = Some(map.next_value()?),
                Key::Sources => sources = Some(map.next_value()?),
                Key::Extension => drop(map.next_value::<de::IgnoredAny>()?),
            }
        }
        if include.is_none() && sources.is_none() {
            return Err(de::Error::missing_field(SOURCES));
        }
        Ok(Document {
            include: include.unwrap_or_default(),
            sources: sources.unwrap_or_default(),
        })
    }
}

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_identifier(KeyVisitor)
    }
}

struct KeyVisitor;

impl de::Visitor<'_> for KeyVisitor {
    type Value = Key;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E: de::Error>(self, key: &str) -> Result<Key, E> {
        match key {
            SOURCES => Ok(Key::Sources),
            INCLUDE => Ok(Key::Include),
            key if key.starts_with("x-") => Ok(Key::Extension),
            key => Err(E::unknown_field(key, &[SOURCES, INCLUDE])),
        }
    }
}
