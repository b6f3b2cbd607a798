//! Values with their places in the file.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;
use std::path::Path;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_saphyr::Location;

/// A line and a column, counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) line: u64,
    pub(crate) column: u64,
}

/// A value with its place in the file. Comparisons ignore the place.
#[derive(Clone)]
pub(crate) struct At<T> {
    value: T,
    place: Place,
}

impl<T> At<T> {
    pub(crate) fn place(&self) -> Place {
        self.place
    }

    /// Another value with the same place.
    pub(crate) fn with<U>(&self, value: U) -> At<U> {
        At {
            value,
            place: self.place,
        }
    }
}

impl Place {
    /// The place with its file, as messages show it.
    pub(crate) fn within(self, file: &Path) -> String {
        format!("{}:{}:{}", file.display(), self.line, self.column)
    }
}

impl From<Location> for Place {
    fn from(location: Location) -> Self {
        Self {
            line: location.line(),
            column: location.column(),
        }
    }
}

impl<T> Deref for At<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T: fmt::Debug> fmt::Debug for At<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.value.fmt(f)
    }
}

impl<T: PartialEq> PartialEq for At<T> {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

impl<T: Eq> Eq for At<T> {}

impl<T: PartialOrd> PartialOrd for At<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        self.value.partial_cmp(&other.value)
    }
}

impl<T: Ord> Ord for At<T> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.value.cmp(&other.value)
    }
}

/// Reads a value as `serde_saphyr::Spanned` does, without its branches for other deserializers.
///
/// Those branches compile the code that reads `T` seven times, which doubled the build of this crate. The names below are
/// private to serde-saphyr, so Cargo.toml accepts only versions in which they are the same.
impl<'de, T: Deserialize<'de>> Deserialize<'de> for At<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_newtype_struct("__yaml_spanned", AtVisitor(PhantomData))
    }
}

/// The parts in which serde-saphyr gives a value and its places.
#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "lowercase")]
enum Key {
    Value,
    Referenced,
    Defined,
    #[serde(other)]
    Marker,
}

struct AtVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for AtVisitor<T> {
    type Value = At<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value with its place")
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, inner: D) -> Result<At<T>, D::Error> {
        inner.deserialize_struct("Spanned", &[], self)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<At<T>, A::Error> {
        let mut value = None;
        let mut place = None;
        while let Some(key) = entries.next_key()? {
            match key {
                Key::Value => value = Some(entries.next_value()?),
                Key::Referenced => place = Some(entries.next_value::<Location>()?.into()),
                Key::Defined => drop(entries.next_value::<Location>()?),
                Key::Marker => drop(entries.next_value::<bool>()?),
            }
        }
        let value = value.ok_or_else(|| A::Error::missing_field("value"))?;
        let place = place.ok_or_else(|| A::Error::missing_field("referenced"))?;
        Ok(At { value, place })
    }
}

impl<T: JsonSchema> JsonSchema for At<T> {
    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }

    fn schema_id() -> Cow<'static, str> {
        T::schema_id()
    }

    fn inline_schema() -> bool {
        T::inline_schema()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}
