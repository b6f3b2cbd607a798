//! Values for texts, by the text or by a pattern.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::marker::PhantomData;

use regex::{Regex, RegexBuilder};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, de};

/// Values for texts. Whole texts come first, then patterns with `*` in the order of the file.
#[derive(Clone, Debug)]
pub(crate) struct TextMap<V> {
    whole: HashMap<Box<str>, V>,
    patterns: Vec<(Pattern, V)>,
}

/// A text in which `*` stands for any text.
#[derive(Clone, Debug)]
struct Pattern {
    written: Box<str>,
    expression: Regex,
}

impl<V> TextMap<V> {
    pub(crate) fn is_empty(&self) -> bool {
        self.whole.is_empty() && self.patterns.is_empty()
    }

    /// The value for a text.
    pub(crate) fn get(&self, text: &str) -> Option<&V> {
        self.whole.get(text).or_else(|| {
            let mut patterns = self.patterns.iter();
            let matching = patterns.find(|(pattern, _)| pattern.expression.is_match(text));
            matching.map(|(_, value)| value)
        })
    }

    /// # Errors
    /// When the pattern is too long.
    fn insert(&mut self, text: &str, value: V) -> Result<(), String> {
        if !text.contains('*') {
            self.whole.insert(text.into(), value);
            return Ok(());
        }
        let expression = regex::escape(text).replace(r"\*", "(.*)");
        let expression = RegexBuilder::new(&format!(r"\A{expression}\z"))
            .dot_matches_new_line(true)
            .build()
            .map_err(|error| error.to_string())?;
        let written = text.into();
        self.patterns.push((
            Pattern {
                written,
                expression,
            },
            value,
        ));
        Ok(())
    }
}

impl TextMap<String> {
    /// The replacement of a text. `*` in the replacement of a pattern stands for the text that `*` matches, in order.
    pub(crate) fn replacement(&self, text: &str) -> Option<String> {
        if let Some(whole) = self.whole.get(text) {
            return Some(whole.clone());
        }
        self.patterns.iter().find_map(|(pattern, replacement)| {
            let found = pattern.expression.captures(text)?;
            let mut pieces = replacement.split('*');
            let mut replaced = pieces.next().unwrap_or_default().to_owned();
            for (i, piece) in pieces.enumerate() {
                replaced.push_str(found.get(i + 1).map_or("*", |part| part.as_str()));
                replaced.push_str(piece);
            }
            Some(replaced)
        })
    }
}

impl<V> Default for TextMap<V> {
    fn default() -> Self {
        Self {
            whole: HashMap::new(),
            patterns: Vec::new(),
        }
    }
}

impl<V: PartialEq> PartialEq for TextMap<V> {
    fn eq(&self, other: &Self) -> bool {
        self.whole == other.whole && self.patterns == other.patterns
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.written == other.written
    }
}

impl<'de, V: Deserialize<'de>> Deserialize<'de> for TextMap<V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(TextMapVisitor(PhantomData))
    }
}

struct TextMapVisitor<V>(PhantomData<V>);

impl<'de, V: Deserialize<'de>> de::Visitor<'de> for TextMapVisitor<V> {
    type Value = TextMap<V>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map of texts, as in `{UP: 1}`")
    }

    fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut texts = TextMap::default();
        while let Some((text, value)) = map.next_entry::<String, V>()? {
            texts.insert(&text, value).map_err(de::Error::custom)?;
        }
        Ok(texts)
    }
}

impl<V: JsonSchema> JsonSchema for TextMap<V> {
    fn schema_name() -> Cow<'static, str> {
        format!("TextMap_{}", V::schema_name()).into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let value = generator.subschema_for::<V>();
        json_schema!({ "type": "object", "additionalProperties": value })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_text_comes_first_and_patterns_in_order() {
        let texts: TextMap<f64> = serde_saphyr::from_str("{'*': 0, 'UP*': 9, UP: 1}").unwrap();
        assert_eq!(texts.get("UP"), Some(&1.0));
        assert_eq!(texts.get("UP since\nMonday"), Some(&0.0));
        let texts: TextMap<f64> = serde_saphyr::from_str("{'2*': 1, 'a.c*d': 2}").unwrap();
        assert_eq!(texts.get("204"), Some(&1.0));
        assert_eq!(texts.get("a.c and d"), Some(&2.0));
        assert_eq!(texts.get("abcd"), None);
        assert_eq!(texts.get("2"), Some(&1.0));
    }

    #[test]
    fn a_star_in_a_replacement_is_the_text_that_it_matched() {
        let text =
            "{'a*b': fixed, '/dev/*': '*', '*@*': '* at *, *', mars: 'planet-*', '*': 'planet-*'}";
        let texts: TextMap<String> = serde_saphyr::from_str(text).unwrap();
        for (text, replacement) in [
            ("axb", "fixed"),
            ("/dev/sda", "sda"),
            ("who@where", "who at where, *"),
            ("mars", "planet-*"),
            ("venus", "planet-venus"),
            ("", "planet-"),
        ] {
            assert_eq!(texts.replacement(text).as_deref(), Some(replacement));
        }
    }
}
