//! Configuration → sources that can be run.

use std::sync::Arc;

use exporter_kit::source::{OnError, Schedule, SourceSpec};

use crate::config::{self, Config, ConfigError, Fault, Location, SourceConfig, SourceName};
use crate::mapping::Mapping;
use crate::sources::mapped::MappedSource;
use crate::sources::origin::Surroundings;
use crate::sources::table::configured;
use crate::sources::template::SourceTemplate;

/// What a configuration says, made to run.
pub(crate) struct Built {
    /// What is asked at scrapes, or in the background.
    pub(crate) specs: Vec<SourceSpec>,
    /// What is asked about the targets of requests.
    pub(crate) templates: Vec<SourceTemplate>,
}

/// Makes every source of a configuration. Nothing is connected: a source that is down is no reason not to start.
///
/// # Errors
/// Everything that is missing: variables of the environment, certificates and keys.
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
                build_one(&name, Arc::new(source), surroundings).map(|spec| built.specs.push(spec))
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

pub(super) fn build_one(
    name: &SourceName,
    source: Arc<SourceConfig>,
    surroundings: Surroundings<'_>,
) -> Result<SourceSpec, Fault> {
    let mapped = map_one(&source, surroundings)?;
    Ok(SourceSpec::new(name.as_str(), mapped)
        .timeout(source.timeout())
        .schedule(schedule(&source))
        .on_error(on_error(&source))
        .config(source))
}

fn map_one(source: &SourceConfig, surroundings: Surroundings<'_>) -> Result<MappedSource, Fault> {
    let nowhere = |message: String| Fault {
        place: None,
        message,
    };
    // Both were checked, so they succeed; if not, the message says where and what.
    let configured =
        configured(source).map_err(|message| nowhere(format!("the source {message}")))?;
    let origin = configured.origin;
    let metrics = source.metrics.iter().map(|metric| &**metric);
    let mapping =
        Mapping::new(metrics, &origin.parts()).map_err(|error| nowhere(error.to_string()))?;
    let fetcher = origin.build(mapping.wanted(), source.limits(), surroundings)?;
    Ok(MappedSource::new(fetcher, mapping))
}

fn schedule(source: &SourceConfig) -> Schedule {
    match source.schedule() {
        config::Schedule::Scrape => Schedule::AtScrape,
        config::Schedule::Cached(time_to_live) => Schedule::Cached { time_to_live },
        config::Schedule::Every(interval) => Schedule::Every { interval },
    }
}

fn on_error(source: &SourceConfig) -> OnError {
    match source.on_error {
        config::OnError::Drop => OnError::Drop,
        config::OnError::Keep(time) => OnError::Keep {
            at_most: time.get(),
        },
    }
}
