//! Columns by number: the buckets of a histogram, the quantiles of a summary.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, de};

use crate::config::{At, ColumnConfig};

/// Columns by upper bound or quantile, in rising order.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Bounds(pub(crate) Vec<(f64, At<ColumnConfig>)>);

impl<'de> Deserialize<'de> for Bounds {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(BoundsVisitor)
    }
}

struct BoundsVisitor;

impl<'de> de::Visitor<'de> for BoundsVisitor {
    type Value = Bounds;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map of numbers and columns, as in `{0.1: fast, 1: slow}`")
    }

    fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<Bounds, A::Error> {
        let mut all: Vec<(f64, At<ColumnConfig>)> = Vec::new();
        while let Some((bound, column)) = map.next_entry::<String, At<ColumnConfig>>()? {
            let number = bound.parse().ok().filter(|number: &f64| number.is_finite());
            let Some(number) = number else {
                return Err(de::Error::custom(format!(
                    "`{bound}` is not a finite number; the bucket `+Inf` is the key `count`"
                )));
            };
            if all.iter().any(|(other, _)| *other == number) {
                return Err(de::Error::custom(format!(
                    "duplicate number `{bound}`; remove one of the two"
                )));
            }
            all.push((number, column));
        }
        all.sort_by(|(a, _), (b, _)| a.total_cmp(b));
        Ok(Bounds(all))
    }
}

impl JsonSchema for Bounds {
    fn schema_name() -> Cow<'static, str> {
        "Bounds".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let column = generator.subschema_for::<ColumnConfig>();
        json_schema!({ "type": "object", "additionalProperties": column })
    }
}
