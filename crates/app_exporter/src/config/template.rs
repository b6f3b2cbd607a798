//! Strings with `${VARIABLE}`, which stands for a value from the environment.

use std::borrow::Cow;
use std::convert::Infallible;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, de};

use crate::config::expansion::string::{AS_WRITTEN, WITH_TARGET, read_string};
use crate::config::{At, Fault, TARGET};

/// A string in which `${NAME}` stands for an environment variable, and `$$` for one `$`.
///
/// Displayed as written, because the values of variables may be secret.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Template {
    written: Box<str>,
    pub(super) pieces: Vec<Piece>,
}

/// A template that is never displayed, because it may contain a secret.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub(crate) struct HiddenTemplate(Template);

/// A string in which `${target}` stands for the target of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TargetString(String);

#[derive(Clone, PartialEq, Eq)]
pub(super) enum Piece {
    Text(Box<str>),
    Variable(Box<str>),
}

impl Template {
    /// # Errors
    /// When a `$` does not begin a variable.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        Self::read(text, |_| {
            Err(
                "a `$` here begins the name of a variable, as in `${PASSWORD}`; \
                 write `$$` for the character itself"
                    .to_owned(),
            )
        })
    }

    /// A string in which a `$` that does not begin a variable is a `$`, as in regular expressions and JSONPaths.
    pub(super) fn lenient(text: &str) -> Self {
        let Ok(template) = Self::read(text, |pieces| {
            push_text(pieces, "$");
            Ok::<_, Infallible>(())
        });
        template
    }

    /// Splits a text into its pieces. `alone` is called for a `$` that does not begin a variable.
    fn read<E>(text: &str, alone: impl Fn(&mut Vec<Piece>) -> Result<(), E>) -> Result<Self, E> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('$') {
            push_text(&mut pieces, before);
            if let Some(after) = after.strip_prefix('$') {
                push_text(&mut pieces, "$");
                rest = after;
                continue;
            }
            let named = after.strip_prefix('{').and_then(|it| it.split_once('}'));
            rest = match named.filter(|(name, _)| is_variable(name)) {
                Some((name, after)) => {
                    pieces.push(Piece::Variable(name.into()));
                    after
                }
                None => {
                    alone(&mut pieces)?;
                    after
                }
            };
        }
        push_text(&mut pieces, rest);
        Ok(Self {
            written: text.into(),
            pieces,
        })
    }

    /// The string with the values of its variables.
    ///
    /// # Errors
    /// When a variable is not set.
    pub(super) fn resolve(
        &self,
        variable: &dyn Fn(&str) -> Option<String>,
    ) -> Result<String, String> {
        let mut resolved = String::new();
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) => resolved.push_str(text),
                Piece::Variable(name) => match variable(name) {
                    Some(value) => resolved.push_str(&value),
                    None if **name == *TARGET => {
                        return Err(
                            "`${target}` stands for the target of a source with the key `probe`, in its addresses, arguments and paths alone; write `$${target}` for the string itself"
                                .to_owned(),
                        );
                    }
                    None => {
                        return Err(format!(
                            "the environment variable `{name}` is not set; set it, or write `$${{{name}}}` for the string itself"
                        ));
                    }
                },
            }
        }
        Ok(resolved)
    }
}

impl At<HiddenTemplate> {
    /// As for a template that may be displayed.
    pub(crate) fn resolved(
        &self,
        variable: &dyn Fn(&str) -> Option<String>,
    ) -> Result<String, Fault> {
        let HiddenTemplate(template) = &**self;
        template
            .resolve(variable)
            .map_err(|message| Fault::at(self.place(), message))
    }
}

impl TargetString {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

fn push_text(pieces: &mut Vec<Piece>, text: &str) {
    match pieces.last_mut() {
        _ if text.is_empty() => (),
        Some(Piece::Text(last)) => *last = format!("{last}{text}").into(),
        _ => pieces.push(Piece::Text(text.into())),
    }
}

/// Returns whether a variable can have this name.
pub(super) fn is_variable(name: &str) -> bool {
    let mut chars = name.chars();
    chars
        .next()
        .is_some_and(|first| first == '_' || first.is_ascii_alphabetic())
        && chars.all(|char| char == '_' || char.is_ascii_alphanumeric())
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
    }
}

impl fmt::Debug for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.written, f)
    }
}

impl fmt::Debug for HiddenTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<secret>")
    }
}

impl<'de> Deserialize<'de> for Template {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = read_string(AS_WRITTEN, deserializer)?;
        // The text may be a secret, so the message does not repeat it.
        Self::parse(&text).map_err(de::Error::custom)
    }
}

impl<'de> Deserialize<'de> for TargetString {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read_string(WITH_TARGET, deserializer).map(Self)
    }
}

impl JsonSchema for TargetString {
    fn schema_name() -> Cow<'static, str> {
        String::schema_name()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        String::json_schema(generator)
    }
}

impl JsonSchema for Template {
    fn schema_name() -> Cow<'static, str> {
        "TextWithVariables".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "A string in which `${NAME}` stands for an environment variable, and `$$` for one `$`.",
        })
    }
}

impl JsonSchema for HiddenTemplate {
    fn schema_name() -> Cow<'static, str> {
        "Secret".into()
    }

    /// `writeOnly` hides it when the configuration is displayed.
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "writeOnly": true,
            "description": "A string that is never displayed, in which `${NAME}` stands for an environment variable, and `$$` for one `$`.",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(text: &str) -> Result<String, String> {
        let variable = |name: &str| match name {
            "A" => Some("1$2".to_owned()),
            "_B2" => Some("${A}".to_owned()),
            _ => None,
        };
        Template::parse(text)?.resolve(&variable)
    }

    #[test]
    fn variables_are_replaced_once_and_dollars_doubled_stay() {
        assert_eq!(resolve("a${A}b${_B2}"), Ok("a1$2b${A}".to_owned()));
        assert_eq!(resolve("$$${A}$$"), Ok("$1$2$".to_owned()));
        assert_eq!(resolve(""), Ok(String::new()));
        assert_eq!(resolve("é"), Ok("é".to_owned()));
    }

    #[test]
    fn what_stands_for_nothing_is_an_error_that_shows_no_value() {
        for text in ["$", "a$b", "${", "${}", "${1}", "${A B}", "${A"] {
            let message = resolve(text).unwrap_err();
            assert!(message.contains("write `$$`"), "{text}: {message}");
        }
        let message = resolve("hunter2${C}").unwrap_err();
        assert!(message.starts_with("the environment variable `C` is not set"));
        assert!(!message.contains("hunter2"));
    }
}
