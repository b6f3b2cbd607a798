//! Placeholders for sources and databases that this program is built without.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer};

use crate::config::Fault;
use crate::decode::{Limits, Parts, Wanted};
use crate::sources::origin::{Fetcher, Origin, Surroundings};

/// Keys that are ignored: the table of sources names the missing feature.
#[derive(Debug, PartialEq)]
pub(crate) struct Absent;

/// In place of a database server.
#[cfg(all(
    feature = "_sql",
    not(all(feature = "sql-mysql", feature = "sql-postgres"))
))]
impl Absent {
    /// Finds no mistakes, as it ignores the keys.
    pub(super) fn check(&self, _: &mut Vec<Fault>) {}

    /// Warns of nothing, for the same reason.
    pub(super) fn warning(&self) -> Option<String> {
        None
    }
}

/// In place of a database.
#[cfg(all(
    feature = "_sql",
    not(all(
        feature = "sql-mysql",
        feature = "sql-postgres",
        feature = "sql-sqlite"
    ))
))]
impl Absent {
    /// The fault at a `key` whose feature is off.
    pub(super) fn missing(
        place: crate::config::Place,
        key: &str,
        feature: crate::sources::origin::Feature,
    ) -> Fault {
        let message = crate::sources::origin::not_built_in(key, feature.name);
        Fault::at(place, message)
    }
}

impl<'de> Deserialize<'de> for Absent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        IgnoredAny::deserialize(deserializer).map(|_| Self)
    }
}

impl JsonSchema for Absent {
    fn schema_name() -> Cow<'static, str> {
        "Absent".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        // Ignored keys may hold a secret.
        json_schema!({ "description": "Not in this build.", "writeOnly": true })
    }
}

impl Origin for Absent {
    fn parts(&self) -> Parts {
        Parts::default()
    }

    fn build(&self, _: Wanted, _: Limits, _: Surroundings<'_>) -> Result<Fetcher, Fault> {
        Err(Fault {
            place: None,
            message: "the source is not built in".to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_keys_are_read_and_hidden() {
        for text in ["{a: [1, {b: secret}]}", "1", "a"] {
            assert_eq!(serde_saphyr::from_str::<Absent>(text).unwrap(), Absent);
        }
        let schema = schemars::schema_for!(Absent).to_value();
        assert_eq!(schema["writeOnly"], true);
    }
}
