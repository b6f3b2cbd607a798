//! Durations, as in `5s` or `1m30s`.

use std::borrow::Cow;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, de};

/// A duration from a millisecond to a year.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Span(Duration);

impl Span {
    pub(crate) const fn from_secs(seconds: u64) -> Self {
        Self(Duration::from_secs(seconds))
    }

    pub(crate) fn get(self) -> Duration {
        self.0
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        const SHORTEST: Duration = Duration::from_millis(1);
        const LONGEST: Duration = Duration::from_secs(366 * 24 * 60 * 60);
        let text = String::deserialize(deserializer)?;
        let duration = humantime::parse_duration(&text).map_err(|_| {
            de::Error::custom(format!(
                "`{text}` is not a duration; write a number with its unit, such as 200ms, 5s or 1m30s"
            ))
        })?;
        if (SHORTEST..=LONGEST).contains(&duration) {
            Ok(Self(duration))
        } else {
            Err(de::Error::custom(format!(
                "`{text}` is out of range; write a duration from 1ms to 366days"
            )))
        }
    }
}

impl JsonSchema for Span {
    fn schema_name() -> Cow<'static, str> {
        "Duration".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "A number with its unit, such as 200ms, 5s, 1m30s, 2h or 7days.",
            "pattern": "^([0-9]+ *[a-z]+ *)+$",
        })
    }
}
