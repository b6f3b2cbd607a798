//! A column of the rows, or a value that is derived from columns.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::MapAccessDeserializer;
use serde::{Deserialize, Deserializer, de};

use crate::config::expression::Expression;
use crate::config::text_map::TextMap;
use crate::config::variant::{self, Variants};
use crate::config::{At, Fault, Place};

/// The name of a column, or a value that is derived from columns.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum ColumnConfig {
    Named(String),
    Derived(Box<DerivedConfig>),
}

/// A value that is derived from a column, or from two columns. Exactly one of `column`, `ratio` and `difference` names
/// its origin; the other keys are applied in their order here.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(rename = "DerivedColumn")]
pub(crate) struct DerivedConfig {
    /// The column to read.
    pub(crate) column: Option<At<String>>,
    /// Two columns; the value is the first divided by the second, and empty if the second is 0.
    pub(crate) ratio: Option<[At<ColumnConfig>; 2]>,
    /// Two columns; the value is the first without the second.
    pub(crate) difference: Option<[At<ColumnConfig>; 2]>,
    /// Accepts rows without this column, or without a match of `regex`. The value is then empty.
    pub(crate) optional: bool,
    /// Keeps a part of the text: the group `value`, else the first group, else the whole match.
    pub(crate) regex: Option<At<Expression>>,
    /// Texts to replace everywhere in the text, as `{old: new}`, in the order of the file.
    pub(crate) replace: Replacements,
    /// Converts the text to lower case.
    pub(crate) lower: bool,
    /// Texts for texts, as in `{UP: 1, 'DOWN*': 0, '/dev/*': '*'}`. `*` stands for any text, also in the new text; the
    /// first match counts.
    pub(crate) map: TextMap<String>,
    /// Counts the matches of a regular expression in the text: `{column: Scoreboard, count: '[RWK]'}`.
    pub(crate) count: Option<At<Expression>>,
    /// The notation of a number in the text. Without it, digits such as `12`, `1.5` or `1e3` are a number.
    #[serde(rename = "as")]
    pub(crate) notation: Option<At<Notation>>,
}

/// Texts and their replacements.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Replacements(pub(crate) Vec<(String, String)>);

/// The notation of a number in a text.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", remote = "Self")]
pub(crate) enum Notation {
    /// A number such as `1,234.5`, `12 000`, `1.5k` (1500) or `0x1f`.
    Number,
    /// A number such as `1.234,5` or `12,5`.
    DecimalComma,
    /// A percentage such as `28 %`, as a ratio: 0.28.
    Percent,
    /// A size such as `1.2kB` (1200) or `93.4MiB`, in bytes.
    Bytes,
    /// A size in bytes, in which `k`, `M`, `G` and so on are powers of 1024: `150G`, `225.3kb`.
    BinaryBytes,
    /// A duration such as `3d 4h`, `3 hours 40 minutes`, `846:17:56`, `1-02:03:04` or `PT5M`, in seconds.
    Duration,
    /// A boolean such as `yes`, `on`, `enabled` or `no`: 1 or 0.
    Boolean,
    /// A time such as `2026-01-31T12:00:00Z` or `2026-01-31`, as seconds since 1970. A time without a zone is UTC.
    Rfc3339,
    /// A time such as `Sat, 31 Jan 2026 12:00:00 GMT`, as seconds since 1970.
    HttpDate,
    /// Milliseconds since 1970, as seconds.
    UnixMilliseconds,
    /// Microseconds since 1970, as seconds.
    UnixMicroseconds,
    /// Nanoseconds since 1970, as seconds.
    UnixNanoseconds,
    /// A time in a format of `strftime`, such as `%d/%b/%Y:%H:%M:%S %z`, as seconds since 1970.
    Time(TimeFormat),
}

/// A format of times, as `strftime` has it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct TimeFormat {
    written: Box<str>,
    pub(crate) items: time::format_description::OwnedFormatItem,
}

impl ColumnConfig {
    /// The columns of the rows that it reads. `place` is its own.
    pub(crate) fn names(&self, place: Place) -> Vec<(&str, Place)> {
        let derived = match self {
            Self::Named(name) => return vec![(name, place)],
            Self::Derived(derived) => derived,
        };
        let own = derived.column.iter();
        let own = own.map(|column| (column.as_str(), column.place()));
        let pairs = derived.ratio.iter().chain(&derived.difference).flatten();
        own.chain(pairs.flat_map(|column| column.names(column.place())))
            .collect()
    }

    /// Adds the mistakes that serde does not find.
    pub(crate) fn check(&self, place: Place, faults: &mut Vec<Fault>) {
        let Self::Derived(derived) = self else { return };
        let origins = [
            derived.column.is_some(),
            derived.ratio.is_some(),
            derived.difference.is_some(),
        ];
        match origins.iter().filter(|is_there| **is_there).count() {
            0 => faults.push(Fault::at(
                place,
                "missing key `column`; add it, or `ratio` or `difference` with two columns",
            )),
            1 => (),
            _ => faults.push(Fault::at(
                place,
                "`column`, `ratio` and `difference` exclude each other; keep one of them",
            )),
        }
        if let (Some(count), Some(notation)) = (&derived.count, &derived.notation) {
            faults.push(Fault::at(
                notation.place().max(count.place()),
                "`count` and `as` exclude each other: a count is a number; remove one of the two",
            ));
        }
        for count in derived
            .count
            .iter()
            .filter(|count| count.matches("").next().is_some())
        {
            faults.push(Fault::at(
                count.place(),
                format!(
                    "`{}` matches an empty text; write an expression that needs at least one character",
                    count.as_str()
                ),
            ));
        }
        for pair in derived.ratio.iter().chain(&derived.difference) {
            for column in pair {
                column.check(column.place(), faults);
            }
        }
    }
}

impl Variants for Notation {
    const EXPECTED: &'static str = "the name of a notation, or `{time: '%Y-%m-%d %H:%M:%S'}`";

    fn of_entry<'de, A: de::MapAccess<'de>>(
        entry: MapAccessDeserializer<A>,
    ) -> Result<Self, A::Error> {
        Self::deserialize(entry)
    }
}

impl<'de> Deserialize<'de> for Notation {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        variant::read(deserializer)
    }
}

impl<'de> Deserialize<'de> for TimeFormat {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        match time::format_description::parse_strftime_owned(&text) {
            Ok(items) => Ok(Self {
                written: text.into(),
                items,
            }),
            Err(error) => Err(de::Error::custom(format!(
                "`{text}` is not a format of times: {error}; write one such as `%Y-%m-%d %H:%M:%S`"
            ))),
        }
    }
}

impl TimeFormat {
    pub(crate) fn as_str(&self) -> &str {
        &self.written
    }
}

impl<'de> Deserialize<'de> for ColumnConfig {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ColumnVisitor)
    }
}

struct ColumnVisitor;

impl<'de> de::Visitor<'de> for ColumnVisitor {
    type Value = ColumnConfig;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a column, or a map with the key `column`")
    }

    fn visit_str<E: de::Error>(self, name: &str) -> Result<ColumnConfig, E> {
        Ok(ColumnConfig::Named(name.to_owned()))
    }

    /// Columns without a header have numbers.
    fn visit_u64<E: de::Error>(self, number: u64) -> Result<ColumnConfig, E> {
        Ok(ColumnConfig::Named(number.to_string()))
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<ColumnConfig, E> {
        Ok(ColumnConfig::Named(number.to_string()))
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<ColumnConfig, E> {
        Ok(ColumnConfig::Named(number.to_string()))
    }

    fn visit_bool<E: de::Error>(self, boolean: bool) -> Result<ColumnConfig, E> {
        Ok(ColumnConfig::Named(boolean.to_string()))
    }

    fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<ColumnConfig, A::Error> {
        let derived = DerivedConfig::deserialize(MapAccessDeserializer::new(map))?;
        Ok(ColumnConfig::Derived(Box::new(derived)))
    }
}

impl<'de> Deserialize<'de> for Replacements {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ReplacementsVisitor)
    }
}

struct ReplacementsVisitor;

impl<'de> de::Visitor<'de> for ReplacementsVisitor {
    type Value = Replacements;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map of texts, as in `{old: new}`")
    }

    fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<Replacements, A::Error> {
        let mut all = Vec::new();
        while let Some((old, new)) = map.next_entry::<String, String>()? {
            if old.is_empty() {
                return Err(de::Error::custom(
                    "the text to replace is empty; write the text that is there",
                ));
            }
            all.push((old, new));
        }
        Ok(Replacements(all))
    }
}

impl JsonSchema for Replacements {
    fn schema_name() -> Cow<'static, str> {
        "Replacements".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "object", "additionalProperties": { "type": "string" } })
    }
}

impl JsonSchema for TimeFormat {
    fn schema_name() -> Cow<'static, str> {
        "TimeFormat".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string" })
    }
}

impl JsonSchema for ColumnConfig {
    fn schema_name() -> Cow<'static, str> {
        "Column".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let derived = generator.subschema_for::<DerivedConfig>();
        json_schema!({ "anyOf": [{ "type": "string" }, derived] })
    }
}
