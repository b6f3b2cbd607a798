//! Encodings of texts other than UTF-8.

use std::borrow::Cow;

use encoding_rs::Encoding;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, de};

/// An encoding by one of its names on the web.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct TextEncoding(&'static Encoding);

impl TextEncoding {
    /// The text of bytes. Invalid ones become `\u{fffd}`.
    pub(super) fn decode<'t>(&self, bytes: &'t [u8]) -> Cow<'t, str> {
        let (text, _, _) = self.0.decode(bytes);
        text
    }
}

impl<'de> Deserialize<'de> for TextEncoding {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        let encoding = Encoding::for_label(name.as_bytes());
        encoding.map(Self).ok_or_else(|| {
            de::Error::custom(format!(
                "unknown encoding `{name}`; write one such as `utf-8`, `windows-1252`, `iso-8859-2` or `utf-16le`"
            ))
        })
    }
}

impl JsonSchema for TextEncoding {
    fn schema_name() -> Cow<'static, str> {
        "Encoding".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string" })
    }
}
