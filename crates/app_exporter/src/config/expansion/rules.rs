//! The replacement of variables in one string.

use crate::config::TARGET;
use crate::config::template::Template;

/// The environment.
pub(crate) type Variables<'v> = &'v dyn Fn(&str) -> Option<String>;

/// A part of serde, in which strings are replaced.
pub(crate) struct Expanding<'v, T> {
    pub(super) inner: T,
    pub(super) rules: Rules<'v>,
}

#[derive(Clone, Copy)]
pub(super) struct Rules<'v> {
    pub(super) variables: Variables<'v>,
    pub(super) allows_target: bool,
    /// True between a value with its place and the value itself.
    pub(super) is_placed: bool,
    /// The form that a string must have after its variables are replaced.
    pub(super) expected: Expected,
}

#[derive(Clone, Copy, PartialEq)]
pub(super) enum Expected {
    Any,
    Boolean,
    Integer,
    Number,
}

/// A value after its variables are replaced.
pub(super) enum Scalar {
    String(String),
    Boolean(bool),
    Unsigned(u64),
    Signed(i64),
    Float(f64),
}

impl<'v, T> Expanding<'v, T> {
    pub(crate) fn new(inner: T, variables: Variables<'v>) -> Self {
        let rules = Rules {
            variables,
            allows_target: false,
            is_placed: false,
            expected: Expected::Any,
        };
        rules.wrap(inner)
    }

    pub(super) fn expecting(self, expected: Expected) -> Self {
        let rules = Rules {
            expected,
            ..self.rules
        };
        rules.wrap(self.inner)
    }
}

impl<'v> Rules<'v> {
    pub(super) fn wrap<T>(self, inner: T) -> Expanding<'v, T> {
        Expanding { inner, rules: self }
    }

    /// # Errors
    /// When a variable is not set, or the value is not what is expected.
    pub(super) fn expand(self, text: &str) -> Result<Scalar, String> {
        let expanded = Template::lenient(text).resolve(&|name| match name {
            TARGET => self.allows_target.then(|| format!("${{{TARGET}}}")),
            name => (self.variables)(name),
        })?;
        self.expected.scalar(text, expanded)
    }
}

impl Expected {
    /// The value of a string after its variables are replaced. Not generic, so that it is compiled once.
    ///
    /// # Errors
    /// When it is not a number or boolean, and has to be one. The message has the string as it is `written`.
    fn scalar(self, written: &str, text: String) -> Result<Scalar, String> {
        let word = text.trim();
        let what = match self {
            Self::Any => return Ok(Scalar::String(text)),
            Self::Boolean => match word {
                "true" | "yes" | "on" => return Ok(Scalar::Boolean(true)),
                "false" | "no" | "off" => return Ok(Scalar::Boolean(false)),
                _ => "a boolean; write `true` or `false`",
            },
            Self::Integer | Self::Number => {
                if let Ok(number) = word.parse() {
                    return Ok(Scalar::Unsigned(number));
                }
                if let Ok(number) = word.parse() {
                    return Ok(Scalar::Signed(number));
                }
                match word.parse() {
                    Ok(number) if self == Self::Number => return Ok(Scalar::Float(number)),
                    _ if self == Self::Number => "a number",
                    _ => "an integer in range; write digits only",
                }
            }
        };
        Err(format!("`{written}` is not {what}"))
    }
}
