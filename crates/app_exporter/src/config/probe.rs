//! Targets of a template.

use std::borrow::Cow;

use regex::Regex;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, de};

use crate::config::At;

/// The variable of the target in a template's strings.
pub(crate) const TARGET: &str = "target";

/// The limit of a target in bytes, which is that of a host name.
const LONGEST: usize = 253;

/// Turns a source into a template: it is fetched at `/probe?source=NAME&target=TARGET` instead of `/metrics`.
/// `${target}` in its addresses, arguments and paths stands for the target.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ProbeConfig {
    /// Allowed targets; all others are rejected. `*` in a target stands for one or more ASCII letters, digits, `-` and
    /// `_`.
    pub(crate) targets: Vec<At<TargetPattern>>,
}

/// A target, or a pattern of targets.
#[derive(Clone, Debug)]
pub(crate) struct TargetPattern {
    written: Box<str>,
    /// The expression of a pattern; `None` for a single target.
    several: Option<Regex>,
}

impl ProbeConfig {
    /// Returns whether a request may name this target.
    pub(crate) fn allows(&self, target: &str) -> bool {
        self.targets.iter().any(|pattern| pattern.allows(target))
    }

    /// The targets as they are written in the file.
    pub(crate) fn written(&self) -> impl Iterator<Item = &str> + Clone {
        self.targets.iter().map(|pattern| pattern.as_str())
    }
}

impl TargetPattern {
    /// # Errors
    /// The mistake in it.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        if text.is_empty() || text.len() > LONGEST || text.chars().any(char::is_control) {
            return Err(format!(
                "`{}` is not a target; write 1 to {LONGEST} bytes without control characters",
                text.escape_debug()
            ));
        }
        let several = text.contains('*').then(|| {
            let runs = regex::escape(text).replace(r"\*", "[0-9A-Za-z_-]+");
            Regex::new(&format!(r"\A{runs}\z"))
        });
        Ok(Self {
            written: text.into(),
            several: several.transpose().map_err(|error| error.to_string())?,
        })
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.written
    }

    pub(crate) fn allows(&self, target: &str) -> bool {
        match &self.several {
            None => *self.written == *target,
            // What begins with `-` would be an option to a program, whatever was meant.
            Some(several) => {
                target.len() <= LONGEST && !target.starts_with('-') && several.is_match(target)
            }
        }
    }

    /// A target that matches.
    pub(crate) fn sample(&self) -> String {
        self.written.replace('*', "x")
    }
}

impl PartialEq for TargetPattern {
    fn eq(&self, other: &Self) -> bool {
        self.written == other.written
    }
}

impl<'de> Deserialize<'de> for TargetPattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(de::Error::custom)
    }
}

impl JsonSchema for TargetPattern {
    fn schema_name() -> Cow<'static, str> {
        "Target".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "minLength": 1,
            "description": "A target, in which `*` stands for one or more letters, digits, `-` and `_`.",
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn allows(pattern: &str, target: &str) -> bool {
        TargetPattern::parse(pattern).unwrap().allows(target)
    }

    #[test]
    fn a_target_is_allowed_exactly_or_by_a_run_of_plain_characters() {
        for (pattern, target) in [
            ("a.example:80", "a.example:80"),
            ("-v", "-v"),
            ("shop-*", "shop-a_1"),
            ("*.example", "a.example"),
            ("*-*.example", "a--b.example"),
            ("**", "ab"),
            ("a+b", "a+b"),
        ] {
            assert!(allows(pattern, target), "{pattern} {target}");
            let sample = TargetPattern::parse(pattern).unwrap().sample();
            assert!(allows(pattern, &sample), "{pattern} {sample}");
        }
        for (pattern, target) in [
            ("a.example", "a-example"),
            ("a.example", "A.example"),
            ("*.example", ".example"),
            ("*.example", "a.b.example"),
            ("*.example", "a.example\n"),
            ("*.example", "a.example.evil"),
            ("*.example", "a@b.example"),
            ("*.example", "evil/.example"),
            ("*.example", "\u{e9}.example"),
            ("*.example", "\u{ff41}.example"),
            ("*.example", "a\u{0}.example"),
            ("*", "-rf"),
            ("*", ""),
            ("*", &"a".repeat(LONGEST + 1)),
            ("*a", "-a"),
        ] {
            assert!(!allows(pattern, target), "{pattern} {target}");
        }
        for pattern in ["", "a\nb", &"a".repeat(LONGEST + 1)] {
            assert!(TargetPattern::parse(pattern).is_err());
        }
    }

    proptest! {
        #[test]
        fn a_star_never_stands_for_more_than_plain_characters(target in any::<String>()) {
            let plain = |char: char| char.is_ascii_alphanumeric() || "-_".contains(char);
            let expected = !target.is_empty()
                && target.len() <= LONGEST
                && !target.starts_with('-')
                && target.chars().all(plain);
            prop_assert_eq!(allows("*", &target), expected);
        }
    }
}
