//! The exit codes of a successful command.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, de};

/// The exit codes that mean success.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Success {
    Codes(Vec<i32>),
    Any,
    /// Codes with no other bits than these.
    Mask(i32),
}

impl Success {
    pub(super) fn includes(&self, code: i32) -> bool {
        match self {
            Self::Codes(codes) => codes.contains(&code),
            Self::Any => true,
            Self::Mask(mask) => code & !mask == 0,
        }
    }
}

impl Default for Success {
    fn default() -> Self {
        Self::Codes(vec![0])
    }
}

impl<'de> Deserialize<'de> for Success {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SuccessVisitor)
    }
}

struct SuccessVisitor;

impl<'de> de::Visitor<'de> for SuccessVisitor {
    type Value = Success;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of exit codes, `any`, or `{bits: [3, 4]}`")
    }

    fn visit_str<E: de::Error>(self, word: &str) -> Result<Success, E> {
        match word {
            "any" => Ok(Success::Any),
            word => Err(E::custom(format!(
                "unknown value `{word}`; write `any`, a list of exit codes, or `{{bits: [3, 4]}}`"
            ))),
        }
    }

    fn visit_seq<A: de::SeqAccess<'de>>(self, mut codes: A) -> Result<Success, A::Error> {
        let mut all = Vec::new();
        while let Some(code) = codes.next_element()? {
            all.push(code);
        }
        Ok(Success::Codes(all))
    }

    fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<Success, A::Error> {
        /// The last bit of an exit code.
        const LAST: u32 = 7;
        let mut mask = None;
        while let Some(key) = map.next_key::<String>()? {
            if key != "bits" {
                return Err(de::Error::custom(format!(
                    "unknown key `{key}`; there is `bits`"
                )));
            }
            let bits: Vec<u32> = map.next_value()?;
            if let Some(bit) = bits.iter().find(|bit| **bit > LAST) {
                return Err(de::Error::custom(format!(
                    "`{bit}` is not a bit of an exit code; write numbers from 0 to {LAST}"
                )));
            }
            mask = Some(bits.iter().fold(0, |mask, bit| mask | 1 << bit));
        }
        match mask {
            Some(mask) => Ok(Success::Mask(mask)),
            None => Err(de::Error::custom("missing key `bits`; add it")),
        }
    }
}

impl JsonSchema for Success {
    fn schema_name() -> Cow<'static, str> {
        "Success".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "anyOf": [
                { "type": "array", "items": { "type": "integer" } },
                { "type": "string", "const": "any" },
                {
                    "type": "object",
                    "properties": { "bits": { "type": "array", "items": { "type": "integer", "minimum": 0, "maximum": 7 } } },
                    "required": ["bits"],
                    "additionalProperties": false,
                },
            ],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_listed_or_has_allowed_bits_only() {
        let includes = |text: &str, code| {
            let success: Success = serde_saphyr::from_str(text).unwrap();
            success.includes(code)
        };
        assert!(includes("[0, 2]", 2) && !includes("[0, 2]", 1));
        assert!(includes("any", 255));
        // smartctl: bits 0 to 2 are failures, 3 to 7 are findings about the disk.
        let smartctl = "{bits: [3, 4, 5, 6, 7]}";
        assert!(includes(smartctl, 0) && includes(smartctl, 64) && includes(smartctl, 192));
        assert!(!includes(smartctl, 4) && !includes(smartctl, 68));
    }
}
