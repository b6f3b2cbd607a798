//! Paths with wildcards.

use std::borrow::Cow;
use std::ffi::OsStr;
use std::fs;
use std::path::{Component, Components, Path, PathBuf};

use exporter_kit::source::Deadline;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, de};

use crate::config::TargetString;
use crate::decode::Failure;
use crate::sources::path_walk::Walk;
use crate::sources::whole_file::unreadable;

/// A path that may have the wildcards `*`, `?`, `[a-z]` and `**`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PathPattern(String);

impl PathPattern {
    /// # Errors
    /// When the path is empty or not a pattern.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Err("the path is empty; write one".to_owned());
        }
        match glob::Pattern::new(text) {
            Ok(_) => Ok(Self(text.to_owned())),
            Err(error) => Err(format!(
                "invalid pattern `{text}`: {} at character {}; write one such as /tmp/sess_*",
                error.msg,
                error.pos + 1
            )),
        }
    }

    pub(super) fn contains(&self, text: &str) -> bool {
        self.0.contains(text)
    }

    /// Replaces `text` by other text, in which wildcards have no meaning.
    pub(super) fn replace(&self, text: &str, by: &str) -> Self {
        Self(self.0.replace(text, &glob::Pattern::escape(by)))
    }

    /// True if the path has wildcards.
    pub(crate) fn is_pattern(&self) -> bool {
        is_open(&self.0)
    }

    /// Finds the matching paths, ordered by name.
    ///
    /// # Errors
    /// When the folder before the first wildcard does not exist, which is not the same as no matching files.
    pub(crate) fn find(&self, folder: &Path, deadline: Deadline) -> Result<Found, Failure> {
        let known = self.known_folder(folder);
        if !self.is_pattern() {
            // A file can be read in a folder that cannot be listed.
            fs::metadata(&known).map_err(|error| unreadable(&known, &error))?;
            let path = folder.join(&self.0);
            return Ok(Found::One(Some(path)));
        }
        fs::read_dir(&known).map_err(|error| unreadable(&known, &error))?;
        let begin = match known == Path::new(".") {
            true => PathBuf::new(),
            false => known,
        };
        let parts = self.components().skip(self.known_components().count());
        let parts = parts.filter_map(|part| part.as_os_str().to_str());
        let walk = Walk::new(begin, parts, self.0.ends_with('/'), deadline)
            .map_err(|error| Failure::connect(format!("invalid pattern `{}`: {error}", self.0)))?;
        Ok(Found::Several(Box::new(walk)))
    }

    /// Finds the matching paths in any order, without a list of all in memory if only the last part has wildcards.
    ///
    /// # Errors
    /// As for [`find`](Self::find).
    pub(super) fn find_unordered(
        &self,
        folder: &Path,
        deadline: Deadline,
    ) -> Result<Found, Failure> {
        let path = Path::new(&self.0);
        let (parent, name) = (path.parent(), path.file_name().and_then(OsStr::to_str));
        let name = match (parent, name) {
            (Some(parent), Some(name))
                if is_open(name)
                    && !name.contains("**")
                    && !is_open(&parent.to_string_lossy())
                    && !self.0.ends_with('/') =>
            {
                name
            }
            _ => return self.find(folder, deadline),
        };
        let known = self.known_folder(folder);
        let entries = fs::read_dir(&known).map_err(|error| unreadable(&known, &error))?;
        let name = glob::Pattern::new(name)
            .map_err(|error| Failure::connect(format!("invalid pattern `{name}`: {error}")))?;
        Ok(Found::Named(known, entries, name))
    }

    fn components(&self) -> Components<'_> {
        Path::new(&self.0).components()
    }

    /// The folders before the first wildcard.
    fn known_components(&self) -> impl Iterator<Item = Component<'_>> {
        let parent = Path::new(&self.0).parent().unwrap_or(Path::new(""));
        parent.components().take_while(|component| match component {
            Component::Normal(name) => !is_open(&name.to_string_lossy()),
            _ => true,
        })
    }

    /// The folder before the first wildcard.
    pub(super) fn known_folder(&self, folder: &Path) -> PathBuf {
        let known = folder.join(self.known_components().collect::<PathBuf>());
        if known.as_os_str().is_empty() {
            PathBuf::from(".")
        } else {
            known
        }
    }
}

/// The matching paths. A folder that cannot be read is an error among them.
pub(crate) enum Found {
    One(Option<PathBuf>),
    Several(Box<Walk>),
    /// The entries of one folder whose names match.
    Named(PathBuf, fs::ReadDir, glob::Pattern),
}

impl Iterator for Found {
    type Item = Result<PathBuf, Failure>;

    fn next(&mut self) -> Option<Self::Item> {
        match self {
            Self::One(path) => path.take().map(Ok),
            Self::Several(paths) => paths.next(),
            Self::Named(folder, entries, name) => entries.find_map(|entry| match entry {
                Ok(entry) if !name.matches(&entry.file_name().to_string_lossy()) => None,
                Ok(entry) => Some(Ok(entry.path())),
                Err(error) => Some(Err(unreadable(folder, &error))),
            }),
        }
    }
}

/// True if the text has a wildcard.
fn is_open(text: &str) -> bool {
    text.contains(['*', '?', '['])
}

impl<'de> Deserialize<'de> for PathPattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = TargetString::deserialize(deserializer)?;
        Self::parse(text.as_str()).map_err(de::Error::custom)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways_find_the_same() {
        let folder = std::env::temp_dir().join(format!("app_exporter-path-{}", std::process::id()));
        let names = ["sess_a", "sess_b", ".sess_c", "other", "[d]", "in/sess_e"];
        fs::create_dir_all(folder.join("in")).unwrap();
        let far = Deadline::after(std::time::Duration::MAX);
        for name in names {
            fs::write(folder.join(name), "").unwrap();
        }
        for (pattern, count) in [
            ("*", 6),
            ("sess_*", 2),
            ("*sess_?", 3),
            ("sess_[!a]", 1),
            ("[[]d]", 1),
            ("in/*", 1),
            ("*/", 1),
            ("*/sess_*", 1),
            ("**/sess_*", 3),
            ("other", 1),
            ("./in/../sess_*", 2),
        ] {
            let pattern = PathPattern(pattern.to_owned());
            let ordered: Vec<_> = pattern
                .find(&folder, far)
                .unwrap()
                .map(Result::unwrap)
                .collect();
            let unordered = pattern.find_unordered(&folder, far).unwrap();
            let mut unordered: Vec<_> = unordered.map(Result::unwrap).collect();
            unordered.sort();
            assert_eq!(ordered, unordered, "{pattern:?}");
            assert_eq!(ordered.len(), count, "{pattern:?}: {ordered:?}");
        }
        for pattern in ["gone/sess_*", "gone/other"] {
            let pattern = PathPattern(pattern.to_owned());
            assert!(pattern.find_unordered(&folder, far).is_err(), "{pattern:?}");
        }
        fs::remove_dir_all(&folder).unwrap();
    }
}
