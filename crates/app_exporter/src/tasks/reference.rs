//! `reference`: every key of the configuration file, as a page that is generated from the schema.

use std::collections::{BTreeMap, VecDeque};
use std::fmt::Write as _;
use std::process::ExitCode;

use clap::Args;
use serde_json::Value;

use crate::output;
use crate::setup::Config;

const INTRODUCTION: &str = "\
# Configuration

<!-- Printed by `app_exporter reference`; do not edit. -->

Every key of the configuration file. `app_exporter check-config FILE` reports mistakes with line and column.
`app_exporter schema` prints a JSON Schema, with which editors complete keys and mark mistakes.
[config.example.yml](../crates/app_exporter/config.example.yml) has an example of every source.

`${NAME}` in a value stands for an environment variable, and `$$` for one `$`. This holds for strings, and for numbers and
booleans whose whole value is a variable. Keys are not replaced. An unset variable is an error with line and column. Outputs
hide only the values of type secret.
";

/// Print a reference of every key of the configuration file, as Markdown
#[derive(Args, Debug)]
pub(crate) struct PrintReference {}

impl PrintReference {
    pub(crate) fn run(&self) -> ExitCode {
        output::finish(&Page::of(&Config::schema()))
    }
}

/// Sections, in the order in which the first reference to each appears.
struct Page<'s> {
    definitions: &'s Value,
    found: VecDeque<&'s str>,
    /// Sections that are found, written or not.
    seen: Vec<&'s str>,
    /// Types of values that need a word, not a section.
    words: BTreeMap<String, String>,
}

impl<'s> Page<'s> {
    fn of(schema: &'s Value) -> String {
        let mut page = Self {
            definitions: &schema["$defs"],
            found: VecDeque::new(),
            seen: Vec::new(),
            words: BTreeMap::new(),
        };
        let mut text = INTRODUCTION.to_owned();
        page.section("the file", schema, &mut text);
        while let Some(name) = page.found.pop_front() {
            if let Some(definition) = page.definitions.get(name) {
                page.section(&title(name), definition, &mut text);
            }
        }
        text.push_str("\n## values\n\n| value | |\n|---|---|\n");
        for (word, about) in &page.words {
            let _ = writeln!(text, "| {word} | {} |", cell(about));
        }
        text
    }

    fn section(&mut self, title: &str, definition: &'s Value, text: &mut String) {
        // Writing to a string does not fail.
        let _ = write!(text, "\n## {title}\n");
        if let Some(description) = description(definition) {
            let _ = write!(text, "\n{description}\n");
        }
        let keys = definition["properties"].as_object();
        if let Some(keys) = keys.filter(|keys| !keys.is_empty()) {
            text.push_str("\n| key | value | |\n|---|---|---|\n");
            let required = definition["required"].as_array();
            let is_required =
                |key: &str| required.is_some_and(|all| all.iter().any(|it| it == key));
            // Required keys come first.
            let (first, rest): (Vec<_>, Vec<_>) =
                keys.iter().partition(|(key, _)| is_required(key));
            for (key, value) in first.into_iter().chain(rest) {
                let needed = if is_required(key) {
                    "**Required.** "
                } else {
                    ""
                };
                self.row(key, &format!("{needed}{}", what(value)), value, text);
            }
        }
        if let Some(choices) = definition["oneOf"].as_array() {
            text.push_str("\n| one of | value | |\n|---|---|---|\n");
            for choice in choices {
                self.choice(choice, text);
            }
        }
    }

    /// One alternative of a value: a word, or a key with a value below it.
    fn choice(&mut self, choice: &'s Value, text: &mut String) {
        let about = description(choice).unwrap_or_default();
        if let Some(word) = choice["const"].as_str() {
            let _ = writeln!(text, "| `{word}` | | {} |", cell(&about));
        }
        for word in choice["enum"].as_array().into_iter().flatten() {
            let _ = writeln!(text, "| `{}` | | |", word.as_str().unwrap_or_default());
        }
        for (key, value) in choice["properties"].as_object().into_iter().flatten() {
            self.row(key, &cell(&about), value, text);
        }
    }

    fn row(&mut self, key: &str, about: &str, value: &'s Value, text: &mut String) {
        let kind = self.kind(value);
        let _ = writeln!(text, "| `{key}` | {kind} | {about} |");
    }

    /// The type of a value, with a link if the type has a section.
    fn kind(&mut self, value: &'s Value) -> String {
        if let Some(reference) = value["$ref"].as_str() {
            return self.referred(reference);
        }
        if let Some(choices) = value["anyOf"].as_array() {
            let kinds = choices.iter().filter(|it| it["type"] != "null");
            let kinds: Vec<_> = kinds.map(|kind| self.kind(kind)).collect();
            return kinds.join(", or ");
        }
        match named_type(value) {
            Some("array") => format!("list: {}", self.kind(&value["items"])),
            Some("object") => {
                let members = match &value["additionalProperties"] {
                    Value::Object(_) => Some(&value["additionalProperties"]),
                    _ => value["patternProperties"]
                        .as_object()
                        .and_then(|patterns| patterns.values().next()),
                };
                match members {
                    Some(members) => format!("map: {}", self.kind(members)),
                    None => "keys".to_owned(),
                }
            }
            Some("string") => "string".to_owned(),
            Some("integer") => "integer".to_owned(),
            Some("boolean") => "boolean".to_owned(),
            Some(other) => other.to_owned(),
            None => "anything".to_owned(),
        }
    }

    fn referred(&mut self, reference: &'s str) -> String {
        let name = reference.rsplit('/').next().unwrap_or(reference);
        let Some(definition) = self.definitions.get(name) else {
            return title(name);
        };
        let has_section = definition["properties"].is_object() || definition["oneOf"].is_array();
        if !has_section {
            // Its own description is more specific than the type.
            return match description(definition) {
                Some(about) if definition["$ref"].is_null() => {
                    self.words.insert(title(name), about);
                    title(name)
                }
                _ => self.kind(definition),
            };
        }
        if !self.seen.contains(&name) {
            self.seen.push(name);
            self.found.push_back(name);
        }
        let title = title(name);
        format!("[{title}](#{})", title.replace(' ', "-"))
    }
}

/// The words of a type's name: `HttpConfig` is `http`, `CsvFormat` is `csv format`.
fn title(name: &str) -> String {
    let name = name.strip_suffix("Config").unwrap_or(name);
    let mut title = String::new();
    let mut after_small = false;
    for char in name.chars() {
        if char.is_uppercase() && after_small {
            title.push(' ');
        }
        after_small = char.is_lowercase();
        title.extend(char.to_lowercase());
    }
    title
}

/// The type of a value that may also be absent.
fn named_type(value: &Value) -> Option<&str> {
    match &value["type"] {
        Value::Array(types) => types
            .iter()
            .filter_map(Value::as_str)
            .find(|it| *it != "null"),
        single => single.as_str(),
    }
}

/// The description of a definition, without the line breaks of the source code.
fn description(definition: &Value) -> Option<String> {
    let text = definition["description"].as_str()?;
    let paragraphs = text.split("\n\n").map(|it| it.replace('\n', " "));
    Some(paragraphs.collect::<Vec<_>>().join("\n\n"))
}

/// The meaning of a key, and its default unless that is empty.
fn what(value: &Value) -> String {
    let mut what = cell(&description(value).unwrap_or_default());
    let default = match &value["default"] {
        Value::Null => None,
        Value::Object(keys) if keys.is_empty() => None,
        Value::Array(items) if items.is_empty() => None,
        default => Some(default),
    };
    if let Some(default) = default {
        let _ = write!(what, " Default: `{default}`.");
    }
    what
}

/// Escapes text for a cell of a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace("\n\n", "<br>")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_are_words() {
        assert_eq!(title("HttpConfig"), "http");
        assert_eq!(title("CsvFormat"), "csv format");
        assert_eq!(title("JSONPath"), "jsonpath");
    }

    #[test]
    fn every_key_of_the_schema_is_in_it() {
        let schema = Config::schema();
        let page = Page::of(&schema);
        let definitions = schema["$defs"].as_object().unwrap();
        for definition in definitions.values() {
            for key in definition["properties"].as_object().into_iter().flatten() {
                assert!(page.contains(&format!("| `{}` | ", key.0)), "{}", key.0);
            }
        }
    }
}
