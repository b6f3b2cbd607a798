//! The configuration for display, without secrets.
//!
//! The schema decides: it follows from the types that read the file, and a type that hides its value is `writeOnly`
//! there. Values that the schema does not know are hidden too.

use serde_json::{Map, Value};
use serde_saphyr::options::NonFiniteFloatPolicy;

use crate::setup::config::Config;
use crate::setup::files::Files;

/// The replacement for a secret.
const SECRET: &str = "<secret>";

/// The files as YAML with their keys in alphabetical order. Environment variables appear by name. Each of several files is
/// a document that begins with its path.
///
/// # Errors
/// When a text is not a configuration.
pub(crate) fn shown(files: &Files) -> Result<String, String> {
    if let [only] = files.as_slice() {
        return shown_text(&only.text);
    }
    files
        .as_slice()
        .iter()
        .try_fold(String::new(), |all, file| {
            let path = file.path.display().to_string();
            let path = path.escape_debug();
            Ok(format!("{all}---\n# {path}\n{}", shown_text(&file.text)?))
        })
}

fn shown_text(text: &str) -> Result<String, String> {
    // JSON has no number for `.nan` and `.inf`, which are shown as they are written.
    let options = serde_saphyr::options! { non_finite_float_policy: NonFiniteFloatPolicy::AsString, strict_booleans: true };
    let mut value: Value =
        serde_saphyr::from_str_with_options(text, options).map_err(|error| error.to_string())?;
    let schema = Config::schema();
    Shower { schema: &schema }.hide(&mut value, &[&schema]);
    serde_saphyr::to_string(&value).map_err(|error| error.to_string())
}

struct Shower<'s> {
    schema: &'s Value,
}

impl<'s> Shower<'s> {
    /// Hides the secrets of a value that one of the schemas describes.
    fn hide(&self, value: &mut Value, schemas: &[&'s Value]) {
        let mut all = Vec::new();
        schemas
            .iter()
            .for_each(|schema| self.expand(schema, &mut all));
        let is_secret = all.is_empty() || all.iter().any(|it| it["writeOnly"] == true);
        match value {
            Value::Null => (),
            _ if is_secret => *value = SECRET.into(),
            Value::Array(items) => {
                let items_of: Vec<_> = all.iter().filter_map(|it| it.get("items")).collect();
                items.iter_mut().for_each(|item| self.hide(item, &items_of));
            }
            Value::Object(members) => self.hide_members(members, &all),
            _ if !all.iter().any(|it| is_for_scalars(it)) => *value = SECRET.into(),
            _ => (),
        }
    }

    fn hide_members(&self, members: &mut Map<String, Value>, schemas: &[&'s Value]) {
        for (key, value) in members {
            let mut of_member = Vec::new();
            for schema in schemas {
                let named = schema.get("properties").and_then(|it| it.get(key));
                // A key that is a name of the user's own.
                let patterns = schema.get("patternProperties").and_then(Value::as_object);
                let any = schema.get("additionalProperties");
                match named {
                    Some(named) => of_member.push(named),
                    None => of_member.extend(
                        patterns
                            .into_iter()
                            .flat_map(Map::values)
                            .chain(any)
                            .filter(|it| it.is_object()),
                    ),
                }
            }
            self.hide(value, &of_member);
        }
    }

    /// Collects the schema and those that it refers to for the same value.
    fn expand(&self, schema: &'s Value, all: &mut Vec<&'s Value>) {
        /// Only a schema that refers to itself exceeds this.
        const MOST: usize = 1000;
        if all.len() >= MOST || !schema.is_object() {
            return;
        }
        all.push(schema);
        let referred = schema["$ref"].as_str().and_then(|it| it.strip_prefix('#'));
        if let Some(referred) = referred.and_then(|it| self.schema.pointer(it)) {
            self.expand(referred, all);
        }
        for key in ["anyOf", "oneOf", "allOf"] {
            for one in schema[key].as_array().into_iter().flatten() {
                self.expand(one, all);
            }
        }
    }
}

/// Returns whether the schema describes a string, a number or a boolean.
fn is_for_scalars(schema: &Value) -> bool {
    let is_scalar = |kind: &Value| {
        let kind = kind.as_str().unwrap_or_default();
        ["string", "number", "integer", "boolean"].contains(&kind)
    };
    let kind = &schema["type"];
    is_scalar(kind)
        || kind
            .as_array()
            .is_some_and(|kinds| kinds.iter().any(is_scalar))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_type_hides_is_hidden_and_all_else_is_shown() {
        let text = "sources:
  a:
    http:
      url: http://a/${PATH}
      basic: {user: me, password: hunter2}
      bearer: hunter2
      headers: {X-Key: hunter2, X-Other: [hunter2]}
      format: {json: {rows: '$.a'}}
      unknown: hunter2
    command: {environment: {A: hunter2}}
    metrics:
      - {name: a, help: 'no: \"1\"', map: {UP: 1}, scale: 0.5, labels: {a: b}, default_for: [{a: x}]}
  b:
    file: {path: a, format: number}
";
        let shown = shown_text(text).unwrap();
        assert!(!shown.contains("hunter2"), "{shown}");
        for line in [
            "url: http://a/${PATH}",
            "user: me",
            "password: <secret>",
            "X-Key: <secret>",
            "unknown: <secret>",
            "rows: $.a",
            "UP: 1",
            "scale: 0.5",
            "format: number",
        ] {
            let found = shown.lines().any(|it| it.trim() == line);
            assert!(found, "{line} in\n{shown}");
        }
        assert_eq!(shown.matches(SECRET).count(), 6, "{shown}");
        // It is what it was.
        let again: Value = serde_saphyr::from_str(&shown).unwrap();
        let before: Value = serde_saphyr::from_str(text).unwrap();
        assert_eq!(
            again["sources"]["a"]["metrics"],
            before["sources"]["a"]["metrics"]
        );
    }

    #[test]
    fn what_the_schema_does_not_know_is_hidden() {
        for text in [
            "hunter2",
            "[hunter2]",
            "sources: hunter2",
            "{hunter2: 1, a: hunter2}",
            "sources: {a: hunter2}",
        ] {
            let shown = shown_text(text).unwrap_or_default();
            assert!(
                !shown.replace("hunter2: ", "").contains("hunter2"),
                "{text}: {shown}"
            );
        }
    }

    #[test]
    fn whatever_can_be_used_is_shown() {
        for (text, line) in [
            ("sources: {1: {file: {path: x}}}", "\"1\":"),
            (
                "sources: {a: {metrics: [{map: {1: 5, true: 2}}]}}",
                "\"true\": 2",
            ),
            (
                "sources: {a: {metrics: [{default: .nan}]}}",
                "- default: \".nan\"",
            ),
            ("sources: {a: {metrics: [{map: {x: .inf}}]}}", "x: \".inf\""),
            ("sources: {a: &a {file: {path: x}}, b: {<<: *a}}", "path: x"),
        ] {
            let shown = shown_text(text).unwrap();
            assert!(
                shown.lines().any(|it| it.trim() == line),
                "{line} in\n{shown}"
            );
        }
    }
}
