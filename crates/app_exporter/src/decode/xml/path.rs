//! Paths to elements: names separated by `/`.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, de};

use super::tree::Tree;

/// A path from the document or from an element.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct ElementPath {
    steps: Vec<Step>,
}

#[derive(Clone, Debug, PartialEq)]
struct Step {
    /// Any number of elements may be between.
    is_deep: bool,
    /// `None` is any name.
    name: Option<Box<str>>,
}

impl ElementPath {
    /// Parses names with `/` before each; `//` allows other elements between, and `*` is any name.
    ///
    /// # Errors
    /// The mistake in it.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut steps = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            let after = rest.strip_prefix('/').unwrap_or(rest);
            let (is_deep, after) = match after.strip_prefix('/') {
                Some(after) => (true, after),
                None => (false, after),
            };
            let end = after.find('/').unwrap_or(after.len());
            let (name, after) = after.split_at(end);
            let is_name = name == "*"
                || (!name.is_empty() && !name.contains(['[', ']', '@', '*', '(', ' ', '^', '|']));
            if !is_name {
                return Err(format!(
                    "`{text}` is not a path of elements; write names as in `/status/pool` or `//pool`, or `*` for any name"
                ));
            }
            steps.push(Step {
                is_deep,
                name: (name != "*").then(|| name.into()),
            });
            rest = after;
        }
        Ok(Self { steps })
    }

    /// The elements that the path leads to, in the order of the text. `None` begins at the document.
    pub(super) fn select(&self, tree: &Tree, from: Option<usize>) -> Vec<usize> {
        let mut found: Vec<Option<usize>> = vec![from];
        for step in &self.steps {
            let mut next = Vec::new();
            let mut seen = Seen::default();
            for element in &found {
                step.select(tree, *element, &mut seen, &mut next);
            }
            next.sort_unstable();
            found = next.into_iter().map(Some).collect();
        }
        found.into_iter().flatten().collect()
    }
}

/// The elements whose descendants were visited.
type Seen = std::collections::HashSet<usize>;

impl Step {
    fn select(&self, tree: &Tree, from: Option<usize>, seen: &mut Seen, found: &mut Vec<usize>) {
        let children = |at: usize| tree.elements.get(at).map_or(&[][..], |it| &it.children);
        let mut todo: Vec<usize> = match from {
            Some(at) => children(at).to_vec(),
            None => (0..tree.elements.len().min(1)).collect(),
        };
        while let Some(at) = todo.pop() {
            let name = tree.elements.get(at).map(|element| &element.name);
            if self.is_deep && !seen.insert(at) {
                continue;
            }
            if self.name.is_none() || self.name.as_ref() == name {
                found.push(at);
            }
            if self.is_deep {
                todo.extend(children(at));
            }
        }
    }
}

impl<'de> Deserialize<'de> for ElementPath {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if !text.starts_with('/') {
            return Err(de::Error::custom(format!(
                "`{text}` does not begin at the document; write `/` or `//` before it"
            )));
        }
        Self::parse(&text).map_err(de::Error::custom)
    }
}

impl JsonSchema for ElementPath {
    fn schema_name() -> Cow<'static, str> {
        "ElementPath".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "Names of elements with `/` before each, such as `/status/pool`. `//` allows other elements between, and `*` is any name.",
            "pattern": "^/",
        })
    }
}
