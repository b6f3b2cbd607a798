//! Why a web configuration file can't be used.

use std::fmt;
use std::path::{Path, PathBuf};

/// Why a web configuration file can't be used.
///
/// Shown as `web.yml:3:5: unknown cipher: …`. Secrets of the file are never part of it.
///
/// ```
/// use exporter_kit::toolkit::check_web_config;
///
/// let file = std::env::temp_dir().join(format!("web-config-{}.yml", std::process::id()));
/// std::fs::write(&file, "tls_server_config:\n  cert_fiel: server.crt\n")?;
/// let error = check_web_config(&file).unwrap_err();
/// assert_eq!((error.line(), error.column()), (Some(2), Some(3)));
/// assert!(error.message().ends_with("did you mean `cert_file`?"));
/// # std::fs::remove_file(&file)?;
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct WebConfigError {
    file: PathBuf,
    place: Option<Place>,
    message: Box<str>,
}

/// A line and a column, from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) line: u64,
    pub(crate) column: u64,
}

impl WebConfigError {
    pub(super) fn new(file: &Path, problem: Problem) -> Self {
        Self {
            file: file.to_owned(),
            place: problem.place,
            message: problem.message.into(),
        }
    }

    /// The web configuration file.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// The line that is wrong, from 1, if it is one.
    pub fn line(&self) -> Option<u64> {
        self.place.map(|place| place.line)
    }

    /// The column in that line, in characters from 1.
    pub fn column(&self) -> Option<u64> {
        self.place.map(|place| place.column)
    }

    /// What is wrong, and how to put it right.
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl fmt::Display for WebConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.file.display())?;
        if let Some(Place { line, column }) = self.place {
            write!(f, "{line}:{column}:")?;
        }
        write!(f, " {}", self.message)
    }
}

crate::error::debug_by_display!(WebConfigError);

impl std::error::Error for WebConfigError {}

/// What is wrong, in whichever file it is.
#[derive(Debug)]
pub(super) struct Problem {
    place: Option<Place>,
    message: String,
}

impl Problem {
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self {
            place: None,
            message: message.into(),
        }
    }

    /// Says where it is, unless that is known better.
    pub(super) fn at(mut self, place: Option<Place>) -> Self {
        self.place = self.place.or(place);
        self
    }

    pub(super) fn message(&self) -> &str {
        &self.message
    }
}
