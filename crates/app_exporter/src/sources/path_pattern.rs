//! A path that may stand for several.

use std::borrow::Cow;
use std::fs;
use std::path::{Component, Path, PathBuf};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, de};

use crate::decode::Failure;
use crate::sources::whole_file::unreadable;

/// A path in which `*`, `?`, `[a-z]` and `**` stand for several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PathPattern(String);

impl PathPattern {
    /// The same with other text in place of some, and that text is no pattern.
    pub(super) fn replace(&self, text: &str, by: &str) -> Self {
        Self(self.0.replace(text, &glob::Pattern::escape(by)))
    }

    /// Whether it can stand for several paths.
    pub(super) fn is_pattern(&self) -> bool {
        self.0.contains(['*', '?', '['])
    }

    /// The paths that there are, in the order of their names. What can't be looked into is an error among them.
    ///
    /// # Errors
    /// When the folder that it begins with is not there: that is not the same as no files.
    pub(super) fn find(
        &self,
        folder: &Path,
    ) -> Result<impl Iterator<Item = Result<PathBuf, Failure>> + use<>, Failure> {
        // The folder is no pattern, whatever is in its name.
        let begin = if Path::new(&self.0).is_absolute() || folder.as_os_str().is_empty() {
            String::new()
        } else {
            format!("{}/", glob::Pattern::escape(&folder.to_string_lossy()))
        };
        let pattern = format!("{begin}{}", self.0);
        if !self.is_pattern() {
            let path = folder.join(&self.0);
            return Ok(Found::One(Some(path)));
        }
        let known = folder.join(self.known_folder());
        let known = if known.as_os_str().is_empty() {
            PathBuf::from(".")
        } else {
            known
        };
        fs::read_dir(&known).map_err(|error| unreadable(&known, &error))?;
        let paths = glob::glob(&pattern)
            .map_err(|error| Failure::connect(format!("`{pattern}` is no pattern: {error}")))?;
        Ok(Found::Several(paths))
    }

    /// The folders that it names before the first that it leaves open.
    fn known_folder(&self) -> PathBuf {
        let path = Path::new(&self.0);
        let parent = path.parent().unwrap_or(Path::new(""));
        parent
            .components()
            .take_while(|component| match component {
                Component::Normal(name) => !name.to_string_lossy().contains(['*', '?', '[']),
                _ => true,
            })
            .collect()
    }
}

/// The paths that a pattern stands for.
enum Found {
    One(Option<PathBuf>),
    Several(glob::Paths),
}

impl Iterator for Found {
    type Item = Result<PathBuf, Failure>;

    fn next(&mut self) -> Option<Self::Item> {
        match self {
            Self::One(path) => path.take().map(Ok),
            Self::Several(paths) => {
                let found = paths.next()?;
                Some(found.map_err(|error| unreadable(error.path(), error.error())))
            }
        }
    }
}

impl<'de> Deserialize<'de> for PathPattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text.is_empty() {
            return Err(de::Error::custom("the path is empty; write one"));
        }
        match glob::Pattern::new(&text) {
            Ok(_) => Ok(Self(text)),
            Err(error) => Err(de::Error::custom(format!(
                "`{text}` is no pattern of paths: {} at its character {}; as in /tmp/sess_*",
                error.msg,
                error.pos + 1
            ))),
        }
    }
}

impl JsonSchema for PathPattern {
    fn schema_name() -> Cow<'static, str> {
        "PathPattern".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "minLength": 1 })
    }
}
