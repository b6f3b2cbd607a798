//! What is wrong with a configuration file, and where.

use std::fmt::{self, Write as _};
use std::path::{Path, PathBuf};

use serde_saphyr::Error as YamlError;

use crate::config::{Place, instead};

/// One mistake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) place: Option<Place>,
    /// Lower case, names the offending key or value, and says what to do.
    pub(crate) message: String,
}

/// Every mistake that was found in one file; a line each, as `file:line:column: message`.
#[derive(Debug)]
pub(crate) struct ConfigError {
    file: PathBuf,
    faults: Vec<Fault>,
}

impl Fault {
    pub(crate) fn at(place: Place, message: impl Into<String>) -> Self {
        Self {
            place: Some(place),
            message: message.into(),
        }
    }

    /// In the words of this program, with the text that is wrong and the key that was meant.
    pub(crate) fn of_yaml(error: &YamlError, text: &str) -> Self {
        let message = match error.without_snippet() {
            YamlError::SerdeUnknownField {
                field, expected, ..
            } => format!(
                "unknown key `{field}`{}",
                instead(field, expected.iter().copied())
            ),
            YamlError::SerdeUnknownVariant {
                variant, expected, ..
            } => unknown_value(variant, expected),
            YamlError::SerdeMissingField { field, .. } => {
                format!("the key `{field}` is missing; add it")
            }
            YamlError::DuplicateMappingKey { key, .. } => match key {
                Some(key) => format!("the key `{key}` stands twice; drop or rename one of the two"),
                None => "a key stands twice; drop or rename one of the two".to_owned(),
            },
            YamlError::Message { msg, .. } => with_remedy(msg),
            YamlError::InvalidScalar { ty, .. } => {
                let expected = match *ty {
                    "floating point" => "number",
                    ty if ty.starts_with(['i', 'u']) => "whole number in range",
                    ty => ty,
                };
                format!("`{}` is no {expected}; write one", scalar_at(error, text))
            }
            YamlError::Eof { .. } => {
                "the file is empty or ends too soon; it needs the key `sources`".to_owned()
            }
            YamlError::Unexpected { expected, .. } => {
                let expected = match *expected {
                    "mapping start" => "keys with their values",
                    "sequence start" => "a list",
                    "string scalar" => "text",
                    other => other,
                };
                misplaced(node_at(error, text), expected)
            }
            YamlError::NullIntoString { .. } => misplaced("nothing", "text"),
            YamlError::UnexpectedValueForUnit { .. } => {
                "nothing belongs under this word; write it alone".to_owned()
            }
            YamlError::SerdeInvalidType {
                unexpected,
                expected,
                ..
            } => misplaced(&found(unexpected), expected),
            YamlError::SerdeInvalidValue {
                unexpected,
                expected,
                ..
            } => {
                let expected = match &**expected {
                    "a nonzero usize" => "a whole number from 1",
                    other => other,
                };
                misplaced(&found(unexpected), expected)
            }
            YamlError::MultipleDocuments { .. } => {
                "a second document begins here, and a file has one; drop the `---`, or all from it \
                 on"
                    .to_owned()
            }
            YamlError::UnknownAnchor { .. } => {
                "this is read as `*` and the name of an anchor, which is not there; put a text that \
                 begins with `*` in quotes"
                    .to_owned()
            }
            other => with_remedy(&without_location(&other.to_string())),
        };
        Self {
            place: error.location().map(Place::from),
            message,
        }
    }
}

impl ConfigError {
    /// Invariant: there is at least one fault.
    pub(crate) fn new(file: &Path, mut faults: Vec<Fault>) -> Self {
        faults.sort_by_key(|fault| fault.place);
        Self {
            file: file.to_owned(),
            faults,
        }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, fault) in self.faults.iter().enumerate() {
            if i > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{}:", self.file.display())?;
            if let Some(Place { line, column }) = fault.place {
                write!(f, "{line}:{column}:")?;
            }
            f.write_str(" ")?;
            // What is wrong may have ends of lines in it, and is to stay in one.
            for char in fault.message.chars() {
                match char.is_control() {
                    true => write!(f, "{}", char.escape_debug())?,
                    false => f.write_char(char)?,
                }
            }
        }
        Ok(())
    }
}

impl std::error::Error for ConfigError {}

/// What is wrong with a word that is none of those that are expected.
pub(super) fn unknown_value(word: &str, expected: &[&str]) -> String {
    format!(
        "unknown value `{word}`{}",
        instead(word, expected.iter().copied())
    )
}

fn misplaced(found: &str, expected: &str) -> String {
    format!("there is {found} here; write {expected}")
}

/// What the parser says, and what helps in most cases.
fn with_remedy(message: &str) -> String {
    /// How the parser's messages begin or go on, and the end of ours.
    const REMEDIES: &[(&str, &str)] = &[
        ("tab", "indent with spaces"),
        (
            "did not find expected key",
            "begin lines that belong together in one column",
        ),
        (
            "did not find expected '-' indicator",
            "begin lines that belong together in one column",
        ),
        (
            "invalid indentation",
            "begin lines that belong together in one column",
        ),
        (
            "did not find expected ',' or '}'",
            "separate entries by `,`, and put a text with other signs in quotes",
        ),
        (
            "expected ',' or ']'",
            "separate entries by `,`, and put a text with other signs in quotes",
        ),
        (
            "mapping values are not allowed",
            "put a text that has `: ` in it in quotes",
        ),
        (
            "unexpected character",
            "put a text that begins with it in quotes",
        ),
        (
            "simple key expected ':'",
            "write `:` and a space after the key",
        ),
        ("unclosed quote", "add the quote that ends it"),
        ("unclosed bracket", "add the bracket that ends it"),
        (
            "unknown escape",
            "write `\\\\` for a `\\`, or put the text in single quotes",
        ),
    ];
    let remedy = REMEDIES.iter().find(|(part, _)| message.contains(part));
    match remedy {
        Some((_, remedy)) if !message.contains(';') => format!("{message}; {remedy}"),
        _ => message.to_owned(),
    }
}

/// What kind of thing stands where an error is. What it says is not repeated: it may be a secret in the wrong place.
fn node_at(error: &YamlError, text: &str) -> &'static str {
    let span = error.location().map(|location| location.span());
    let begin = span.and_then(|span| usize::try_from(span.byte_offset()?).ok());
    let rest = begin.and_then(|begin| text.get(begin..));
    // Where there is nothing, the place is that of the key's colon.
    let rest = rest.unwrap_or_default().trim_start_matches(':');
    let line = rest.lines().next().unwrap_or_default().trim_end();
    match line.as_bytes() {
        [] | [b' ' | b'~' | b'#' | b',' | b'}' | b']', ..] | b"null" => "nothing",
        [b'[', ..] | [b'-'] | [b'-', b' ', ..] => "a list",
        [b'{', ..] => "a set of keys",
        [b'&' | b'*' | b'!', ..] => "something else",
        [b'"' | b'\'', ..] => "text",
        _ if line.ends_with(':') || line.contains(": ") => "a set of keys",
        _ => "text",
    }
}

/// What serde has found, without its word for the type.
fn found(unexpected: &str) -> String {
    match unexpected {
        "unit value" => "nothing".to_owned(),
        "sequence" => "a list".to_owned(),
        "map" => "a set of keys".to_owned(),
        other => match other.split_once(['`', '"']) {
            Some((_, value)) => format!("`{}`", value.trim_end_matches(['`', '"'])),
            None => other.to_owned(),
        },
    }
}

/// The scalar that an error is about, as it stands in the file.
fn scalar_at<'t>(error: &YamlError, text: &'t str) -> &'t str {
    let span = error.location().map(|location| location.span());
    span.and_then(|span| {
        let begin = usize::try_from(span.byte_offset()?).ok()?;
        let length = usize::try_from(span.byte_len()?).ok()?;
        text.get(begin..begin.checked_add(length)?)
    })
    .unwrap_or_default()
}

/// The parser ends its messages in the place, which stands before ours.
fn without_location(message: &str) -> String {
    let end = message.rfind(" at line ").unwrap_or(message.len());
    message[..end].to_owned()
}
