//! Enums that are written as a word, or as a word with keys under it.
//!
//! serde's own representation would read the next entry of the file as the keys of a word without any.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::{MapAccessDeserializer, MapDeserializer};
use serde::de::{self, Error as _, MapAccess};
use serde::{Deserializer, forward_to_deserialize_any};

use crate::config::error::unknown_value;

/// An enum whose variants are words, some with keys under them.
///
/// `#[serde(remote = "Self")]` derives the implementation of [`Self::of_entry`]. Implement `Deserialize` with [`read`].
pub(crate) trait Variants: Sized {
    /// The expected value, to complete a message that ends in "write …".
    const EXPECTED: &'static str;

    /// Reads the variant that is the key of the first entry.
    ///
    /// # Errors
    /// When the key is an unknown variant, or its value is invalid.
    fn of_entry<'de, A: MapAccess<'de>>(entry: MapAccessDeserializer<A>) -> Result<Self, A::Error>;
}

/// Reads an enum.
///
/// # Errors
/// When it is neither a word nor a word with keys, or an unknown variant.
pub(crate) fn read<'de, T: Variants, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    deserializer.deserialize_any(VariantsVisitor(PhantomData))
}

struct VariantsVisitor<T>(PhantomData<T>);

impl<'de, T: Variants> de::Visitor<'de> for VariantsVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(T::EXPECTED)
    }

    fn visit_str<E: de::Error>(self, word: &str) -> Result<T, E> {
        let entry = MapDeserializer::new(std::iter::once((word, Nothing(word))));
        // Only a custom error gets the place of the word.
        T::of_entry(MapAccessDeserializer::new(entry)).map_err(|Said(message)| E::custom(message))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<T, A::Error> {
        let variant = T::of_entry(MapAccessDeserializer::new(&mut map))?;
        match map.next_key::<String>()? {
            None => Ok(variant),
            Some(other) => Err(A::Error::custom(format!(
                "unexpected `{other}`; keep only one of the two"
            ))),
        }
    }
}

/// The missing value of a single word.
struct Nothing<'w>(&'w str);

impl<'de> de::IntoDeserializer<'de, Said> for Nothing<'_> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

impl<'de> Deserializer<'de> for Nothing<'_> {
    type Error = Said;

    fn deserialize_any<V: de::Visitor<'de>>(self, _: V) -> Result<V::Value, Said> {
        let Self(word) = self;
        Err(Said(format!(
            "`{word}` needs keys; write them below it, as in `{{{word}: …}}`"
        )))
    }

    fn deserialize_option<V: de::Visitor<'de>>(self, visitor: V) -> Result<V::Value, Said> {
        visitor.visit_none()
    }

    fn deserialize_unit<V: de::Visitor<'de>>(self, visitor: V) -> Result<V::Value, Said> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit_struct newtype_struct
        seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

/// An error about a word.
#[derive(Debug)]
struct Said(String);

impl de::Error for Said {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self(message.to_string())
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        Self(unknown_value(variant, expected))
    }
}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Said {}
