//! The file as a whole: reading it, and its schema.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::string::FromUtf8Error;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use crate::config::{At, ConfigError, Fault, Place, instead};
use crate::setup::check;
use crate::setup::source::{SourceConfig, SourceName};

/// What app_exporter exports, and from where.
#[derive(Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// Where numbers are had, by names of your own.
    pub(crate) sources: BTreeMap<At<SourceName>, SourceConfig>,
}

/// Where a configuration is, for its messages and for the paths in it.
#[derive(Clone, Debug)]
pub(crate) struct Location {
    file: PathBuf,
    /// The text of a configuration that is in no file.
    built_in: Option<Arc<str>>,
}

impl Location {
    pub(crate) fn new(file: impl Into<PathBuf>) -> Self {
        Self {
            file: file.into(),
            built_in: None,
        }
    }

    /// A configuration that the program brings along.
    pub(crate) fn built_in(text: String) -> Self {
        Self {
            file: "(built in)".into(),
            built_in: Some(text.into()),
        }
    }

    pub(crate) fn is_built_in(&self) -> bool {
        self.built_in.is_some()
    }

    pub(crate) fn file(&self) -> &Path {
        &self.file
    }

    /// The folder at which relative paths in the file begin.
    pub(crate) fn folder(&self) -> &Path {
        self.file.parent().unwrap_or(Path::new(""))
    }

    /// The text of the file.
    ///
    /// # Errors
    /// When it can't be read, or is too long.
    pub(crate) fn read(&self) -> Result<String, ConfigError> {
        /// Far more than anyone writes, and little enough to be read by mistake.
        const MOST_BYTES: u64 = 4 << 20;
        if let Some(text) = &self.built_in {
            return Ok(text.to_string());
        }
        let mut bytes = Vec::new();
        let read = fs::File::open(self.file())
            .and_then(|file| file.take(MOST_BYTES + 1).read_to_end(&mut bytes));
        let fault = match read {
            Err(error) => Fault {
                place: None,
                message: format!(
                    "can't be read: {error}; is the path right, and may this user read it?"
                ),
            },
            Ok(_) if bytes.len() as u64 > MOST_BYTES => Fault {
                place: None,
                message: format!("is longer than {MOST_BYTES} bytes; is it the right file?"),
            },
            Ok(_) => match String::from_utf8(bytes) {
                Ok(text) => return Ok(text),
                Err(error) => not_utf8(&error),
            },
        };
        Err(ConfigError::new(self.file(), vec![fault]))
    }
}

/// Where the first bytes are that are no text.
fn not_utf8(error: &FromUtf8Error) -> Fault {
    let (before, after) = error.as_bytes().split_at(error.utf8_error().valid_up_to());
    let begins = before
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(0, |end| end + 1);
    let column = String::from_utf8_lossy(&before[begins..]).chars().count() + 1;
    let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
    let place = Place {
        line: line as u64,
        column: column as u64,
    };
    let wide =
        before.is_empty() && (after.starts_with(b"\xff\xfe") || after.starts_with(b"\xfe\xff"));
    Fault::at(
        place,
        match after.first() {
            Some(byte) if !wide => {
                format!("the byte 0x{byte:02x} is not UTF-8; write the file in UTF-8")
            }
            _ => "the file is UTF-16; write it in UTF-8".to_owned(),
        },
    )
}

impl Config {
    /// Reads and checks a file.
    ///
    /// # Errors
    /// When it can't be read, or everything in it that is wrong.
    pub(crate) fn read(location: &Location) -> Result<Self, ConfigError> {
        Self::parse(&location.read()?, location)
    }

    /// Checks the text of a file.
    ///
    /// # Errors
    /// The first mistake in its syntax, or else everything that is wrong with what it says.
    pub(crate) fn parse(text: &str, location: &Location) -> Result<Self, ConfigError> {
        let config: Self = serde_saphyr::from_str(text).map_err(|error| {
            ConfigError::new(location.file(), vec![Fault::of_yaml(&error, text)])
        })?;
        let faults = check::check(&config.sources);
        if faults.is_empty() {
            Ok(config)
        } else {
            Err(ConfigError::new(location.file(), faults))
        }
    }

    /// Leaves only the source of this name.
    ///
    /// # Errors
    /// When there is none.
    pub(crate) fn keep(&mut self, name: &str) -> Result<(), String> {
        if !self.sources.keys().any(|source| source.as_str() == name) {
            let names = self.sources.keys().map(|source| source.as_str());
            let instead = instead(name, names);
            return Err(format!(
                "no source named `{}`{instead}",
                name.escape_debug()
            ));
        }
        self.sources.retain(|source, _| source.as_str() == name);
        Ok(())
    }

    /// A JSON Schema (draft 2020-12) of the file, by which editors complete and check it.
    pub(crate) fn schema() -> Value {
        schemars::schema_for!(Self).to_value()
    }
}
