//! Builds the sources of a configuration.

use std::sync::Arc;

use exporter_kit::source::SourceSpec;

use crate::config::ConfigError;
use crate::setup::config::Config;
use crate::setup::files::folder;
use crate::setup::spec;
use crate::setup::template::SourceTemplate;
#[cfg(feature = "_servers")]
use crate::sources::lookups::Lookups;
use crate::sources::memory::Memory;
use crate::sources::origin::Surroundings;

/// The sources of a configuration, ready to run.
pub(crate) struct Built {
    /// Sources that are fetched at scrapes or in the background.
    pub(crate) specs: Vec<SourceSpec>,
    /// Templates, which are fetched for the targets of requests.
    pub(crate) templates: Vec<SourceTemplate>,
    /// Settings that are valid and dangerous, one text for each.
    pub(crate) warnings: Vec<String>,
}

/// Builds every source of a configuration. Opens no connection, so that the program starts while a source is down.
///
/// # Errors
/// All missing environment variables, certificates and keys.
pub(crate) fn build(
    config: Config,
    variable: &dyn Fn(&str) -> Option<String>,
    memory: &Memory,
) -> Result<Built, ConfigError> {
    let mut built = Built {
        specs: Vec::new(),
        templates: Vec::new(),
        warnings: Vec::new(),
    };
    let mut faults = Vec::new();
    let concealment = config.concealment;
    for (name, source) in config.sources {
        let (place, file) = (name.place(), Arc::clone(&source.file));
        let origin = source.config.origin().ok();
        if let Some(warning) = origin.and_then(|it| it.origin.warning()) {
            let warning = format!("source `{}`: {warning}", name.as_str());
            built.warnings.push(concealment.conceal(&warning));
        }
        let result = match source.config.probe.clone() {
            None => {
                let surroundings = Surroundings {
                    folder: folder(&file),
                    variable,
                    target: None,
                    memory,
                    #[cfg(feature = "_servers")]
                    lookups: &Lookups::new(),
                };
                let config = Arc::new(source.config);
                spec::new(&name, config, surroundings).map(|spec| built.specs.push(spec))
            }
            Some(probe) => {
                let template = SourceTemplate::new(&name, source, &probe, memory);
                template
                    .check(variable)
                    .map(|()| built.templates.push(template))
            }
        };
        if let Err(mut fault) = result {
            fault.place = fault.place.or(Some(place));
            faults.push((file, fault));
        }
    }
    if faults.is_empty() {
        Ok(built)
    } else {
        Err(ConfigError::new(faults).concealing(&concealment))
    }
}
