//! Sizes in bytes, such as `16MiB`.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, de};

/// A number of bytes. Invariant: not zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ByteSize(usize);

/// Units and their sizes.
const UNITS: [(&str, u64); 7] = [
    ("B", 1),
    ("kB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
];

impl ByteSize {
    pub(crate) const fn from_mebibytes(mebibytes: usize) -> Self {
        Self(mebibytes << 20)
    }

    pub(crate) fn get(self) -> usize {
        self.0
    }

    fn new(bytes: u64) -> Option<Self> {
        let bytes = usize::try_from(bytes).ok()?;
        (bytes > 0).then_some(Self(bytes))
    }

    fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let digits = text.find(|char: char| !char.is_ascii_digit())?;
        let (number, unit) = text.split_at(digits);
        let (_, size) = UNITS.iter().find(|(name, _)| *name == unit.trim())?;
        Self::new(number.parse::<u64>().ok()?.checked_mul(*size)?)
    }
}

impl FromStr for ByteSize {
    type Err = String;

    /// With a unit or without.
    fn from_str(text: &str) -> Result<Self, String> {
        let plain = || Self::new(text.parse().ok()?);
        Self::parse(text).or_else(plain).ok_or_else(|| {
            format!("`{text}` is not a number of bytes; write it as 1048576, 1MiB or 1GB")
        })
    }
}

impl<'de> Deserialize<'de> for ByteSize {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ByteSizeVisitor)
    }
}

struct ByteSizeVisitor;

impl de::Visitor<'_> for ByteSizeVisitor {
    type Value = ByteSize;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number of bytes from 1, such as 1048576 or 16MiB")
    }

    fn visit_u64<E: de::Error>(self, bytes: u64) -> Result<ByteSize, E> {
        ByteSize::new(bytes).ok_or_else(|| E::invalid_value(de::Unexpected::Unsigned(bytes), &self))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<ByteSize, E> {
        text.parse().map_err(E::custom)
    }
}

impl JsonSchema for ByteSize {
    fn schema_name() -> Cow<'static, str> {
        "ByteSize".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A number of bytes, alone or with a unit: B, kB, MB, GB, KiB, MiB, GiB.",
            "anyOf": [
                { "type": "integer", "minimum": 1 },
                { "type": "string", "pattern": "^[0-9]+ *(B|kB|MB|GB|KiB|MiB|GiB)$" },
            ],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_have_units_or_none() {
        let read = |text| serde_saphyr::from_str(text).map(ByteSize::get);
        for (text, bytes) in [
            ("1", 1),
            ("1B", 1),
            ("2kB", 2000),
            ("16MiB", 16 << 20),
            ("'1 GiB'", 1 << 30),
        ] {
            assert_eq!(read(text).unwrap(), bytes, "{text}");
        }
        for text in [
            "0",
            "0MiB",
            "-1",
            "1.5",
            "1.5MiB",
            "MiB",
            "16mib",
            "99999999999GiB",
        ] {
            let error = read(text).unwrap_err().to_string();
            assert!(error.contains("bytes"), "{text}: {error}");
        }
    }
}
