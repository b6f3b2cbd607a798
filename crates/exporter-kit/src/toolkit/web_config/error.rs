//! The errors of a web configuration file.

use std::fmt;
use std::path::{Path, PathBuf};

/// A web configuration file is invalid.
///
/// Displayed as `web.yml:3:5: unknown cipher: …`, never with a secret of the file.
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

    /// The line of the error, from 1, if it is known.
    pub fn line(&self) -> Option<u64> {
        self.place.map(|place| place.line)
    }

    /// The column in that line, in characters from 1.
    pub fn column(&self) -> Option<u64> {
        self.place.map(|place| place.column)
    }

    /// The problem and its remedy.
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

/// A problem, before the name of the file is added.
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

    /// Adds the place, unless there is a more exact one.
    pub(super) fn at(mut self, place: Option<Place>) -> Self {
        self.place = self.place.or(place);
        self
    }

    pub(super) fn message(&self) -> &str {
        &self.message
    }
}
