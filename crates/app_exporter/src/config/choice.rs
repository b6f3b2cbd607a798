//! One value, or a map of values.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::StrDeserializer;
use serde::{Deserialize, Deserializer, de};

use crate::config::At;

/// One value, or a map of values in the order of the file. `T` is written as a string.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum OneOrNamed<T> {
    One(T),
    Named(Vec<(At<String>, T)>),
}

impl<T> OneOrNamed<T> {
    /// The keys of the map.
    pub(crate) fn names(&self) -> Option<impl Iterator<Item = &str>> {
        match self {
            Self::One(_) => None,
            Self::Named(named) => Some(named.iter().map(|(name, _)| name.as_str())),
        }
    }

    /// Each value with its name. A single value gets the name `alone`.
    pub(crate) fn iter<'s>(&'s self, alone: &'s str) -> impl Iterator<Item = (&'s str, &'s T)> {
        let (one, named) = match self {
            Self::One(value) => (Some((alone, value)), &[][..]),
            Self::Named(named) => (None, named.as_slice()),
        };
        let named = named.iter().map(|(name, value)| (name.as_str(), value));
        one.into_iter().chain(named)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for OneOrNamed<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(OneOrNamedVisitor(PhantomData))
    }
}

struct OneOrNamedVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> de::Visitor<'de> for OneOrNamedVisitor<T> {
    type Value = OneOrNamed<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string, or a map of strings")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
        T::deserialize(StrDeserializer::new(text)).map(OneOrNamed::One)
    }

    fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut named = Vec::new();
        while let Some(entry) = map.next_entry()? {
            named.push(entry);
        }
        if named.is_empty() {
            return Err(de::Error::custom("the map is empty; add an entry"));
        }
        Ok(OneOrNamed::Named(named))
    }
}

impl<T: JsonSchema> JsonSchema for OneOrNamed<T> {
    fn schema_name() -> Cow<'static, str> {
        format!("OneOrNamed_{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let one = generator.subschema_for::<T>();
        json_schema!({
            "anyOf": [one, { "type": "object", "minProperties": 1, "additionalProperties": one }],
        })
    }
}
