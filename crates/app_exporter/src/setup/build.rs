//! Builds the sources of a configuration.

use std::sync::Arc;

use exporter_kit::source::SourceSpec;

use crate::config::ConfigError;
use crate::setup::file::{Config, Location};
use crate::setup::spec;
use crate::setup::template::SourceTemplate;
use crate::sources::origin::Surroundings;

/// The sources of a configuration, ready to run.
pub(crate) struct Built {
    /// Sources that are fetched at scrapes or in the background.
    pub(crate) specs: Vec<SourceSpec>,
    /// Templates, which are fetched for the targets of requests.
    pub(crate) templates: Vec<SourceTemplate>,
}

/// Builds every source of a configuration. Opens no connection, so that the program starts while a source is down.
///
/// # Errors
/// All missing environment variables, certificates and keys.
pub(crate) fn build(
    config: Config,
    location: &Location,
    variable: &dyn Fn(&str) -> Option<String>,
) -> Result<Built, ConfigError> {
    let mut built = Built {
        specs: Vec::new(),
        templates: Vec::new(),
    };
    let mut faults = Vec::new();
    for (name, source) in config.sources {
        let place = name.place();
        let result = match source.probe.clone() {
            None => {
                let surroundings = Surroundings {
                    folder: location.folder(),
                    variable,
                    target: None,
                };
                spec::new(&name, Arc::new(source), surroundings).map(|spec| built.specs.push(spec))
            }
            Some(probe) => {
                let template = SourceTemplate::new(&name, source, &probe, location);
                template
                    .check(variable)
                    .map(|()| built.templates.push(template))
            }
        };
        if let Err(mut fault) = result {
            fault.place = fault.place.or(Some(place));
            faults.push(fault);
        }
    }
    if faults.is_empty() {
        Ok(built)
    } else {
        Err(ConfigError::new(location.file(), faults))
    }
}
