//! Strings of types that decide on their variables.

use std::fmt;

use serde::de::{self, Deserializer, Visitor};

/// The name under which a type asks for its string as it is written.
pub(in crate::config) const AS_WRITTEN: &str = "$as_written";
/// The name under which a type asks for a string that may contain `${target}`.
pub(in crate::config) const WITH_TARGET: &str = "$with_target";

/// Reads a string through the newtype of this name, which decides on its variables.
pub(in crate::config) fn read_string<'de, D: Deserializer<'de>>(
    name: &'static str,
    deserializer: D,
) -> Result<String, D::Error> {
    struct Inner;

    impl<'de> Visitor<'de> for Inner {
        type Value = String;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a string")
        }

        fn visit_newtype_struct<D: Deserializer<'de>>(self, inner: D) -> Result<String, D::Error> {
            <String as de::Deserialize>::deserialize(inner)
        }

        fn visit_str<E: de::Error>(self, text: &str) -> Result<String, E> {
            Ok(text.to_owned())
        }
    }

    deserializer.deserialize_newtype_struct(name, Inner)
}
