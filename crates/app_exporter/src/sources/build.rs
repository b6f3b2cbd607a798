//! Configuration → sources that can be run.

use exporter_kit::scrape::{OnError, Schedule, SourceSpec};

use crate::config::{self, Config, ConfigError, Fault, Location, SourceConfig};
use crate::mapping::Mapping;
use crate::sources::mapped::MappedSource;
use crate::sources::origin::Surroundings;
use crate::sources::table::configured;

/// Makes every source of a configuration. Nothing is connected: a source that is down is no reason not to start.
///
/// # Errors
/// Everything that is missing: variables of the environment, certificates and keys.
pub(crate) fn build(
    config: Config,
    location: &Location,
    variable: &dyn Fn(&str) -> Option<String>,
) -> Result<Vec<SourceSpec>, ConfigError> {
    let surroundings = Surroundings {
        folder: location.folder(),
        variable,
    };
    let mut specs = Vec::new();
    let mut faults = Vec::new();
    for (name, source) in config.sources {
        let place = name.place();
        match build_one(&source, surroundings) {
            Ok(mapped) => specs.push(
                SourceSpec::new(name.as_str(), mapped)
                    .timeout(source.timeout())
                    .schedule(schedule(&source))
                    .on_error(on_error(&source))
                    .config(source),
            ),
            Err(mut fault) => {
                fault.place = fault.place.or(Some(place));
                faults.push(fault);
            }
        }
    }
    if faults.is_empty() {
        Ok(specs)
    } else {
        Err(ConfigError::new(location.file(), faults))
    }
}

fn build_one(source: &SourceConfig, surroundings: Surroundings<'_>) -> Result<MappedSource, Fault> {
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
