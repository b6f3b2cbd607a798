//! The configuration as a whole: the sources of all its files.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use serde::Deserialize as _;
use serde_json::Value;

use crate::config::{
    At, Concealment, ConfigError, Duplicates, Expanding, Fault, Variables, instead,
};
use crate::setup::check;
use crate::setup::document::Document;
use crate::setup::files::{Files, ReadFile};
use crate::setup::location::Location;
use crate::setup::source::{SourceConfig, SourceName};

/// A checked configuration.
#[derive(Debug)]
pub(crate) struct Config {
    pub(crate) sources: BTreeMap<At<SourceName>, DeclaredSource>,
    /// The number of files.
    pub(crate) files: usize,
    /// The values that later errors must not have.
    pub(crate) concealment: Concealment,
}

/// A source, and the file that declares it.
#[derive(Debug)]
pub(crate) struct DeclaredSource {
    pub(crate) file: Arc<Path>,
    pub(crate) config: SourceConfig,
}

impl Config {
    /// The names of sources whose metrics have samples even without rows: defaults, and counts of rows.
    pub(crate) fn sources_with_default(&self) -> Vec<String> {
        let sources = self.sources.iter().filter(|(_, source)| {
            let mut metrics = source.config.metrics.iter();
            metrics.any(|metric| {
                let is_count = metric.duplicates == Duplicates::Count;
                is_count || metric.default.is_some() || !metric.default_for.is_empty()
            })
        });
        sources.map(|(name, _)| name.as_str().to_owned()).collect()
    }

    /// Reads and checks all files, in whose strings `${NAME}` stands for a variable.
    ///
    /// # Errors
    /// As for [`parse`](Self::parse).
    pub(crate) fn read(location: &Location, variables: Variables<'_>) -> Result<Self, ConfigError> {
        Self::parse(&Files::read(location, variables), variables)
    }

    /// Checks files that are read.
    ///
    /// # Errors
    /// When a file could not be read; the first mistake in the syntax of each file; or else all other mistakes.
    pub(crate) fn parse(files: &Files, variables: Variables<'_>) -> Result<Self, ConfigError> {
        let texts = files.as_slice().iter().map(|file| &*file.text);
        let concealment = Concealment::new(texts, variables);
        let mut faults = files.faults().to_vec();
        let mut sources = BTreeMap::new();
        for file in files.as_slice() {
            match document(file, variables) {
                Ok(document) => add(&mut sources, document.sources, &file.path, &mut faults),
                Err(fault) => faults.push((Arc::clone(&file.path), fault)),
            }
        }
        // Without the sources of a broken file, the others may seem to have mistakes.
        if faults.is_empty() {
            faults = check::check(&sources);
        }
        if faults.is_empty() {
            Ok(Self {
                sources,
                files: files.as_slice().len(),
                concealment,
            })
        } else {
            Err(ConfigError::new(faults).concealing(&concealment))
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

    /// The JSON Schema (draft 2020-12) of a file, for editors.
    pub(crate) fn schema() -> Value {
        schemars::schema_for!(Document).to_value()
    }
}

fn document(file: &ReadFile, variables: Variables<'_>) -> Result<Document, Fault> {
    // A column named `n` or `y` is a string.
    let options = serde_saphyr::options! { strict_booleans: true };
    serde_saphyr::with_deserializer_from_str_with_options(&file.text, options, |yaml| {
        Document::deserialize(Expanding::new(yaml, variables))
    })
    .map_err(|error| Fault::of_yaml(&error, &file.text))
}

/// Adds the sources of one file.
fn add(
    sources: &mut BTreeMap<At<SourceName>, DeclaredSource>,
    declared: BTreeMap<At<SourceName>, SourceConfig>,
    file: &Arc<Path>,
    faults: &mut Vec<(Arc<Path>, Fault)>,
) {
    for (name, config) in declared {
        let Some((first, source)) = sources.get_key_value(&name) else {
            let file = Arc::clone(file);
            sources.insert(name, DeclaredSource { file, config });
            continue;
        };
        let message = format!(
            "duplicate source `{}`, which {} has too; remove or rename one of the two",
            name.as_str(),
            first.place().within(&source.file)
        );
        faults.push((Arc::clone(file), Fault::at(name.place(), message)));
    }
}
