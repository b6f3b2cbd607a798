//! The configuration file as a whole, and its schema.

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

/// The configuration of app_exporter.
#[derive(Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// The data sources, under names of your choice.
    pub(crate) sources: BTreeMap<At<SourceName>, SourceConfig>,
}

/// The location of a configuration, for messages and relative paths.
#[derive(Clone, Debug)]
pub(crate) struct Location {
    file: PathBuf,
    /// The text of a configuration without a file.
    built_in: Option<Arc<str>>,
}

impl Location {
    pub(crate) fn new(file: impl Into<PathBuf>) -> Self {
        Self {
            file: file.into(),
            built_in: None,
        }
    }

    /// A configuration that is built into the program.
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
    /// When it cannot be read or is too long.
    pub(crate) fn read(&self) -> Result<String, ConfigError> {
        /// Far more than any configuration, and small enough to be read by mistake.
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
                message: format!("cannot read the file: {error}; check its path and permissions"),
            },
            Ok(_) if bytes.len() as u64 > MOST_BYTES => Fault {
                place: None,
                message: format!(
                    "cannot read the file: longer than {MOST_BYTES} bytes; check its path"
                ),
            },
            Ok(_) => match String::from_utf8(bytes) {
                Ok(text) => return Ok(text),
                Err(error) => not_utf8(&error),
            },
        };
        Err(ConfigError::new(self.file(), vec![fault]))
    }
}

/// The place of the first bytes that are not UTF-8.
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
                format!("the byte 0x{byte:02x} is not UTF-8; save the file in UTF-8")
            }
            _ => "the file is UTF-16; save it in UTF-8".to_owned(),
        },
    )
}

impl Config {
    /// The names of sources with a `default` or `default_for`, whose metrics have samples even without rows.
    pub(crate) fn sources_with_default(&self) -> Vec<String> {
        let sources = self.sources.iter().filter(|(_, source)| {
            let mut metrics = source.metrics.iter();
            metrics.any(|metric| metric.default.is_some() || !metric.default_for.is_empty())
        });
        sources.map(|(name, _)| name.as_str().to_owned()).collect()
    }

    /// Reads and checks a file.
    ///
    /// # Errors
    /// When it cannot be read, or all mistakes in it.
    pub(crate) fn read(location: &Location) -> Result<Self, ConfigError> {
        Self::parse(&location.read()?, location)
    }

    /// Checks the text of a file.
    ///
    /// # Errors
    /// The first mistake in its syntax, or all other mistakes.
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

    /// Removes all sources but the named one.
    ///
    /// # Errors
    /// When no source has that name.
    pub(crate) fn keep(&mut self, name: &str) -> Result<(), String> {
        if !self.sources.keys().any(|source| source.as_str() == name) {
            let names = self.sources.keys().map(|source| source.as_str());
            let instead = instead(name, names);
            return Err(format!("unknown source `{}`{instead}", name.escape_debug()));
        }
        self.sources.retain(|source, _| source.as_str() == name);
        Ok(())
    }

    /// The JSON Schema (draft 2020-12) of the file, for editors.
    pub(crate) fn schema() -> Value {
        schemars::schema_for!(Self).to_value()
    }
}
