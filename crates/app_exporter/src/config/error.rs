//! Errors in a configuration file, with their places.

use std::fmt::{self, Write as _};
use std::path::Path;
use std::sync::Arc;

use serde_saphyr::Error as YamlError;

use crate::config::{Concealment, Place, instead};

/// One mistake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) place: Option<Place>,
    /// Lower case. Names the offending key or value and the remedy.
    pub(crate) message: String,
}

/// All mistakes of a configuration. Each is displayed in a line of its own: `file:line:column: message`.
#[derive(Debug)]
pub(crate) struct ConfigError {
    faults: Vec<(Arc<Path>, Fault)>,
}

impl Fault {
    pub(crate) fn at(place: Place, message: impl Into<String>) -> Self {
        Self {
            place: Some(place),
            message: message.into(),
        }
    }

    /// Translates an error of the YAML parser. Adds the offending text and the key that was probably meant.
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
                missing(field, after(error, text))
            }
            YamlError::DuplicateMappingKey { key, .. } => match key {
                Some(key) => format!("duplicate key `{key}`; remove or rename one of the two"),
                None => "duplicate key; remove or rename one of the two".to_owned(),
            },
            YamlError::Message { msg, .. } => with_remedy(msg),
            YamlError::InvalidScalar { ty, .. } => {
                let expected = match *ty {
                    "floating point" => "a number",
                    "bool" | "boolean" => "a boolean; write `true` or `false`",
                    ty if ty.starts_with(['i', 'u']) => "an integer in range; write digits only",
                    ty => ty,
                };
                format!("`{}` is not {expected}", scalar_at(error, text))
            }
            YamlError::Eof { .. } => {
                "the file is empty or incomplete; add the key `sources`".to_owned()
            }
            YamlError::Unexpected { expected, .. } => {
                let expected = match *expected {
                    "mapping start" => "a map",
                    "sequence start" => "a list",
                    "string scalar" => "a string",
                    other => other,
                };
                misplaced(key_at(error, text), node_at(error, text), expected)
            }
            YamlError::NullIntoString { .. } => misplaced(key_at(error, text), "nothing", "a string"),
            YamlError::UnexpectedValueForUnit { .. } => {
                "this word has no keys; write it alone".to_owned()
            }
            YamlError::SerdeInvalidType {
                unexpected,
                expected,
                ..
            } => misplaced(key_at(error, text), &found(unexpected), expected),
            YamlError::SerdeInvalidValue {
                unexpected,
                expected,
                ..
            } => {
                let expected = match &**expected {
                    "a nonzero usize" => "an integer from 1",
                    other => other,
                };
                misplaced(key_at(error, text), &found(unexpected), expected)
            }
            YamlError::MultipleDocuments { .. } => {
                "a second document begins here; remove the `---` or everything after it"
                    .to_owned()
            }
            YamlError::UnknownAnchor { .. } => {
                "unknown anchor: `*` begins the name of an anchor; put a string that begins with `*` in quotes"
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
    pub(crate) fn new(mut faults: Vec<(Arc<Path>, Fault)>) -> Self {
        faults.sort_by(|(file, fault), (other, of_other)| {
            (file, fault.place).cmp(&(other, of_other.place))
        });
        Self { faults }
    }

    /// Replaces the values of variables, which may be secret.
    pub(crate) fn concealing(mut self, concealment: &Concealment) -> Self {
        for (_, fault) in &mut self.faults {
            fault.message = concealment.conceal(&fault.message);
        }
        self
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, (file, fault)) in self.faults.iter().enumerate() {
            if i > 0 {
                f.write_str("\n")?;
            }
            match fault.place {
                Some(place) => write!(f, "{}: ", place.within(file))?,
                None => write!(f, "{}: ", file.display())?,
            }
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

/// The message for an unknown word.
pub(super) fn unknown_value(word: &str, expected: &[&str]) -> String {
    format!(
        "unknown value `{word}`{}",
        instead(word, expected.iter().copied())
    )
}

fn misplaced(key: Option<&str>, found: &str, expected: &str) -> String {
    let place = key.map(|key| format!("`{key}`: ")).unwrap_or_default();
    let remedy = match (key, expected) {
        (Some("metrics"), "a map") => "; write `metrics` below the name of a source",
        (_, "a map") => "; write keys with values, as in `{key: value}`",
        (_, "a list") => "; write items after `- `, or as in `[a, b]`",
        (_, "a string") if found == "a map" => {
            "; write a single value, in quotes if it contains `{` or `: `"
        }
        (_, "a string") => "; write a single value",
        _ => "",
    };
    format!("{place}expected {expected}, found {found}{remedy}")
}

fn missing(key: &str, after: &str) -> String {
    let indent = |line: &str| line.len() - line.trim_start_matches([' ', '-']).len();
    let lines: Vec<&str> = after.lines().filter(|it| !it.trim().is_empty()).collect();
    let own = lines.first().map_or(0, |first| indent(first));
    // A key that is indented further than its neighbour is read as a part of that one's value.
    let is_shifted = |before: &str, line: &str| {
        let rest = line.trim_start().strip_prefix(key);
        rest.is_some_and(|rest| rest.starts_with(':'))
            && indent(line) > indent(before)
            && !before.trim_end().ends_with(':')
    };
    let pairs = lines.iter().zip(lines.iter().skip(1));
    let mut item = pairs.take_while(|(before, line)| indent(before) >= own && indent(line) >= own);
    if item.any(|(before, line)| is_shifted(before, line)) {
        format!("missing key `{key}`: its line is indented further than the one before; align both")
    } else {
        format!("missing key `{key}`; add it")
    }
}

/// The parser's message, with a remedy that helps in most cases.
fn with_remedy(message: &str) -> String {
    /// Parts of the parser's messages, and the remedy for each.
    const REMEDIES: &[(&str, &str)] = &[
        ("tab", "indent with spaces"),
        (
            "did not find expected key",
            "indent lines of the same level equally",
        ),
        (
            "did not find expected '-' indicator",
            "indent lines of the same level equally",
        ),
        (
            "invalid indentation",
            "indent lines of the same level equally",
        ),
        (
            "did not find expected ',' or '}'",
            "separate entries with `,`, and put strings with special characters in quotes",
        ),
        (
            "expected ',' or ']'",
            "separate entries with `,`, and put strings with special characters in quotes",
        ),
        (
            "mapping values are not allowed",
            "put a string that contains `: ` in quotes",
        ),
        ("expected an array of length 2", "name two columns"),
        (
            "unexpected character",
            "put a string that begins with it in quotes",
        ),
        (
            "simple key expected ':'",
            "write `:` and a space after the key",
        ),
        ("unclosed quote", "add the quote that ends it"),
        ("unclosed bracket", "add the bracket that ends it"),
        (
            "unknown escape",
            "write `\\\\` for a `\\`, or put the string in single quotes",
        ),
    ];
    let remedy = REMEDIES.iter().find(|(part, _)| message.contains(part));
    match remedy {
        Some((_, remedy)) if !message.contains(';') => format!("{message}; {remedy}"),
        _ => message.to_owned(),
    }
}

/// The type of the YAML node at an error. Its text may be a misplaced secret and is not repeated.
fn node_at(error: &YamlError, text: &str) -> &'static str {
    let rest = offset(error).and_then(|begin| text.get(begin..));
    // Where there is nothing, the place is that of the key's colon.
    let rest = rest.unwrap_or_default().trim_start_matches(':');
    let line = rest.lines().next().unwrap_or_default().trim_end();
    match line.as_bytes() {
        [] | [b' ' | b'~' | b'#' | b',' | b'}' | b']', ..] | b"null" => "nothing",
        [b'[', ..] | [b'-'] | [b'-', b' ', ..] => "a list",
        [b'{', ..] => "a map",
        [b'&' | b'*' | b'!', ..] => "something else",
        [b'"' | b'\'', ..] => "a string",
        _ if line.ends_with(':') || line.contains(": ") => "a map",
        _ => "a string",
    }
}

/// The key whose value is at an error.
fn key_at<'t>(error: &YamlError, text: &'t str) -> Option<&'t str> {
    let begin = offset(error)?;
    let before = text.get(..begin)?.trim_end_matches([' ', '\n', '\r', '-']);
    // Without a value, the place is that of the key's colon.
    let before = match before.strip_suffix(':') {
        Some(before) => before,
        None if text.get(begin..)?.starts_with(':') => before,
        None => return None,
    };
    let is_part = |char: char| char.is_alphanumeric() || "_-.".contains(char);
    let key = before.rsplit(|char| !is_part(char)).next()?;
    (!key.is_empty()).then_some(key)
}

/// The text from the beginning of the line of an error.
fn after<'t>(error: &YamlError, text: &'t str) -> &'t str {
    let begin = offset(error).and_then(|begin| text.get(..begin));
    let line = begin.map_or(0, |before| before.rfind('\n').map_or(0, |end| end + 1));
    text.get(line..).unwrap_or_default()
}

fn offset(error: &YamlError) -> Option<usize> {
    let span = error.location().map(|location| location.span())?;
    usize::try_from(span.byte_offset()?).ok()
}

/// The value that serde found, without serde's name for its type.
fn found(unexpected: &str) -> String {
    match unexpected {
        "unit value" => "nothing".to_owned(),
        "sequence" => "a list".to_owned(),
        "map" => "a map".to_owned(),
        other => match other.split_once(['`', '"']) {
            Some((_, value)) => format!("`{}`", value.trim_end_matches(['`', '"'])),
            None => other.to_owned(),
        },
    }
}

/// The scalar at an error, as it is written in the file.
fn scalar_at<'t>(error: &YamlError, text: &'t str) -> &'t str {
    let span = error.location().map(|location| location.span());
    span.and_then(|span| {
        let begin = usize::try_from(span.byte_offset()?).ok()?;
        let length = usize::try_from(span.byte_len()?).ok()?;
        text.get(begin..begin.checked_add(length)?)
    })
    .unwrap_or_default()
}

/// Removes the location at the end of the parser's message: our messages begin with it.
fn without_location(message: &str) -> String {
    let end = message.rfind(" at line ").unwrap_or(message.len());
    message[..end].to_owned()
}
