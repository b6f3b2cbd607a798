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
            } => format!(
                "unknown value `{variant}`{}",
                instead(variant, expected.iter().copied())
            ),
            YamlError::SerdeMissingField { field, .. } => {
                format!("the key `{field}` is missing; add it")
            }
            YamlError::DuplicateMappingKey { key, .. } => match key {
                Some(key) => format!("the key `{key}` stands twice; drop or rename one of the two"),
                None => "a key stands twice; drop or rename one of the two".to_owned(),
            },
            YamlError::Message { msg, .. } => msg.clone(),
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
                    "mapping start" => "keys with values",
                    "sequence start" => "a list",
                    "string scalar" => "text",
                    other => other,
                };
                format!("this is not what belongs here; write {expected}")
            }
            other => without_location(&other.to_string()),
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
