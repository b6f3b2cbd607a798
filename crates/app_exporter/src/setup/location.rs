//! The configuration that the user named.

use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The name of a configuration: a file, a folder, or a pattern; or a text that is built in.
#[derive(Clone, Debug)]
pub(crate) struct Location {
    path: PathBuf,
    /// The text of a configuration without a file.
    built_in: Option<Arc<str>>,
}

impl Location {
    pub(crate) fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            built_in: None,
        }
    }

    /// A configuration that is built into the program.
    pub(crate) fn built_in(text: String) -> Self {
        Self {
            path: "(built in)".into(),
            built_in: Some(text.into()),
        }
    }

    pub(crate) fn is_built_in(&self) -> bool {
        self.built_in.is_some()
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The text, if it is built in.
    pub(super) fn text(&self) -> Option<&str> {
        self.built_in.as_deref()
    }
}
