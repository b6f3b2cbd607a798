//! Regular expressions.

use std::borrow::Cow;

use regex::{Regex, RegexBuilder};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, de};

use crate::config::cut;

/// A regular expression that finds a part of a text.
#[derive(Clone, Debug)]
pub(crate) struct Expression(Regex);

impl Expression {
    /// The group `value`, else the first group, else the whole match; `None` if the text does not match.
    pub(crate) fn find<'t>(&self, text: &'t str) -> Option<&'t str> {
        let found = self.0.captures(text)?;
        let group = found.name("value").or_else(|| match found.len() {
            1 => found.get(0),
            _ => found.get(1),
        });
        Some(group.map_or("", |group| group.as_str()))
    }

    /// The matches in a text. A search for one may read the whole text.
    pub(crate) fn matches<'t>(&self, text: &'t str) -> impl Iterator<Item = &'t str> {
        self.0.find_iter(text).map(|found| found.as_str())
    }

    pub(crate) fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

/// Compiles an expression, in which `^` and `$` match at line ends. `text` is the user's, for messages.
///
/// # Errors
/// The mistake in it.
pub(crate) fn compile(text: &str, expression: &str) -> Result<Regex, String> {
    /// The memory limit of a compiled expression.
    const MOST_BYTES: usize = 1 << 20;
    /// The limit of groups within each other.
    const MOST_NESTED: u32 = 50;
    RegexBuilder::new(expression)
        .multi_line(true)
        .crlf(true)
        .size_limit(MOST_BYTES)
        .dfa_size_limit(MOST_BYTES)
        .nest_limit(MOST_NESTED)
        .build()
        .map_err(|error| {
            let error = error.to_string();
            // The crate draws the expression over several lines; what it says is in the last one.
            let reason = error.lines().last().unwrap_or_default();
            let reason = reason.strip_prefix("error: ").unwrap_or(reason);
            format!("`{}` is not a regular expression: {reason}", cut(text))
        })
}

impl PartialEq for Expression {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_str() == other.0.as_str()
    }
}

impl<'de> Deserialize<'de> for Expression {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        compile(&text, &text).map(Self).map_err(de::Error::custom)
    }
}

impl JsonSchema for Expression {
    fn schema_name() -> Cow<'static, str> {
        "Expression".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "A regular expression with a group, such as `version ([0-9]+)`. `^` and `$` match at line ends.",
        })
    }
}
