//! Targets of a template.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use regex::Regex;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::MapAccessDeserializer;
use serde::{Deserialize, Deserializer, de};

use crate::config::template::is_variable;
use crate::config::{At, Fault, HiddenTemplate};

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
    /// `_`. The first entry that a target matches gives its variables.
    pub(crate) targets: Vec<TargetEntry>,
}

/// A target, or a target with variables of its own.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct TargetEntry {
    pub(crate) pattern: At<TargetPattern>,
    pub(crate) variables: Option<TargetVariables>,
}

/// A target with variables of its own.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "TargetWithVariablesConfig")]
struct NamedTarget {
    /// The target, or a pattern of targets.
    target: At<TargetPattern>,
    /// Values of variables for these targets, before those of the environment: `{PASSWORD: '${SHOP_A_PASSWORD}'}` gives
    /// `${PASSWORD}` in the values of the types secret and text with variables.
    variables: TargetVariables,
}

/// Variables of a target.
pub(crate) type TargetVariables = BTreeMap<At<String>, At<HiddenTemplate>>;

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
        self.entry(target).is_some()
    }

    /// The entry for a target.
    pub(crate) fn entry(&self, target: &str) -> Option<&TargetEntry> {
        let mut entries = self.targets.iter();
        entries.find(|entry| entry.pattern.allows(target))
    }

    /// The targets as they are written in the file.
    pub(crate) fn written(&self) -> impl Iterator<Item = &str> + Clone {
        self.targets.iter().map(|entry| entry.pattern.as_str())
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

    /// Targets that match, one of which a template should accept: with letters for names, and with digits alone.
    pub(crate) fn samples(&self) -> [String; 2] {
        // The text behind a colon is a port.
        let named = self.written.replace(":*", ":1").replace('*', "x");
        [named, self.written.replace('*', "1")]
    }
}

impl TargetEntry {
    /// The variables with their values.
    ///
    /// # Errors
    /// When a value has a variable of the environment that is not set.
    pub(crate) fn resolved(
        &self,
        environment: &dyn Fn(&str) -> Option<String>,
    ) -> Result<BTreeMap<&str, String>, Fault> {
        let variables = self.variables.iter().flatten();
        variables
            .map(|(name, value)| Ok((name.as_str(), value.resolved(environment)?)))
            .collect()
    }

    /// Finds names that no variable can have.
    pub(crate) fn check(&self, faults: &mut Vec<Fault>) {
        for name in self.variables.iter().flat_map(BTreeMap::keys) {
            if name.as_str() == TARGET {
                faults.push(Fault::at(
                    name.place(),
                    "`target` is always the target itself; rename the variable",
                ));
            } else if !is_variable(name) {
                let shown = name.escape_debug();
                faults.push(Fault::at(
                    name.place(),
                    format!(
                        "`{shown}` is not the name of a variable; write letters, digits and `_`, as in `PASSWORD`"
                    ),
                ));
            }
        }
    }
}

impl<'de> Deserialize<'de> for TargetEntry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let placed = At::<Either>::deserialize(deserializer)?;
        let (pattern, variables) = match &*placed {
            Either::Alone(pattern) => (placed.with(pattern.clone()), None),
            Either::With(pattern, variables) => (pattern.clone(), Some(variables.clone())),
        };
        Ok(Self { pattern, variables })
    }
}

/// The two ways to write an entry.
enum Either {
    Alone(TargetPattern),
    With(At<TargetPattern>, TargetVariables),
}

impl<'de> Deserialize<'de> for Either {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(EntryVisitor)
    }
}

struct EntryVisitor;

impl<'de> de::Visitor<'de> for EntryVisitor {
    type Value = Either;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a target, or a map with the keys `target` and `variables`")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Either, E> {
        let pattern = TargetPattern::parse(text).map_err(E::custom)?;
        Ok(Either::Alone(pattern))
    }

    /// A port, or another number.
    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Either, E> {
        self.visit_str(&number.to_string())
    }

    fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<Either, A::Error> {
        let NamedTarget { target, variables } =
            NamedTarget::deserialize(MapAccessDeserializer::new(map))?;
        Ok(Either::With(target, variables))
    }
}

impl JsonSchema for TargetEntry {
    fn schema_name() -> Cow<'static, str> {
        "TargetEntry".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let alone = generator.subschema_for::<TargetPattern>();
        let named = generator.subschema_for::<NamedTarget>();
        json_schema!({ "anyOf": [alone, named] })
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
            for sample in TargetPattern::parse(pattern).unwrap().samples() {
                assert!(allows(pattern, &sample), "{pattern} {sample}");
            }
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
