//! Configuration → sources that can be run.

use std::sync::Arc;
use std::time::Duration;

use exporter_kit::scrape::{OnError, Schedule, SourceSpec};

use crate::config::{
    self, At, Config, ConfigError, Fault, Location, ProbeConfig, SourceConfig, SourceName, TARGET,
};
use crate::mapping::Mapping;
use crate::sources::mapped::MappedSource;
use crate::sources::origin::{Surroundings, Target};
use crate::sources::table::configured;

/// What a configuration says, made to run.
pub(crate) struct Built {
    /// What is asked at scrapes, or in the background.
    pub(crate) specs: Vec<SourceSpec>,
    /// What is asked about the targets of requests.
    pub(crate) templates: Vec<SourceTemplate>,
}

/// A source that is asked about a target.
#[derive(Clone, Debug)]
pub(crate) struct SourceTemplate {
    name: SourceName,
    config: Arc<SourceConfig>,
    probe: ProbeConfig,
    location: Location,
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
                let template = SourceTemplate {
                    name: SourceName::clone(&name),
                    config: Arc::new(source),
                    probe: ProbeConfig::clone(&probe),
                    location: location.clone(),
                };
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

impl SourceTemplate {
    pub(crate) fn name(&self) -> &str {
        self.name.as_str()
    }

    pub(crate) fn probe(&self) -> &ProbeConfig {
        &self.probe
    }

    /// Whether a target of this one is what it was with the other.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.config == other.config
    }

    /// How long what was fetched can be of use.
    pub(crate) fn keeps(&self) -> Duration {
        let cached = match self.config.schedule() {
            config::Schedule::Cached(time_to_live) => time_to_live,
            _ => Duration::ZERO,
        };
        match self.config.on_error {
            config::OnError::Keep(time) => cached.max(time.get()),
            config::OnError::Drop => cached,
        }
    }

    /// Makes what is asked about the target, whether it is allowed or not.
    ///
    /// # Errors
    /// When something is missing, or the target makes no address.
    pub(crate) fn build(
        &self,
        target: &str,
        variable: &dyn Fn(&str) -> Option<String>,
    ) -> Result<SourceSpec, Fault> {
        self.build_for(&Target::new(target), variable)
    }

    /// That nothing is missing, by one of its targets.
    fn check(&self, variable: &dyn Fn(&str) -> Option<String>) -> Result<(), Fault> {
        let Some(sample) = self.probe.targets.first().map(|target| target.sample()) else {
            return Ok(());
        };
        let target = Target::new(&sample);
        self.build_for(&target, variable)?;
        if target.has_place() {
            return Ok(());
        }
        let message = "the source has a `probe` and asks the same whatever the target is; write \
                       `${target}` where that belongs, or drop `probe`";
        Err(Fault {
            place: self.config.probe.as_ref().map(At::place),
            message: message.to_owned(),
        })
    }

    fn build_for(
        &self,
        target: &Target<'_>,
        variable: &dyn Fn(&str) -> Option<String>,
    ) -> Result<SourceSpec, Fault> {
        let variable = |name: &str| match name {
            TARGET => Some(target.take().to_owned()),
            name => variable(name),
        };
        let surroundings = Surroundings {
            folder: self.location.folder(),
            variable: &variable,
            target: Some(target),
        };
        build_one(&self.name, Arc::clone(&self.config), surroundings)
    }
}

fn build_one(
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
