//! A source that is asked about the targets of requests.

use std::sync::Arc;
use std::time::Duration;

use exporter_kit::source::{OnError, Schedule, SourceSpec};

use crate::config::{At, Fault, ProbeConfig, TARGET, there_is};
use crate::setup::file::Location;
use crate::setup::source::{SourceConfig, SourceName};
use crate::setup::spec;
use crate::sources::origin::{Surroundings, Target};

/// A source that is asked about a target.
#[derive(Clone, Debug)]
pub(crate) struct SourceTemplate {
    name: SourceName,
    config: Arc<SourceConfig>,
    probe: ProbeConfig,
    location: Location,
}

impl SourceTemplate {
    pub(super) fn new(
        name: &SourceName,
        config: SourceConfig,
        probe: &ProbeConfig,
        location: &Location,
    ) -> Self {
        Self {
            name: name.clone(),
            config: Arc::new(config),
            probe: probe.clone(),
            location: location.clone(),
        }
    }

    pub(crate) fn name(&self) -> &str {
        self.name.as_str()
    }

    /// Whether it may be asked about the target.
    ///
    /// # Errors
    /// What is said where it may not.
    pub(crate) fn allow(&self, target: &str) -> Result<(), String> {
        if self.probe.allows(target) {
            return Ok(());
        }
        let name = self.name();
        Err(format!(
            "`{}` is none of the `targets` of the source `{name}`{}",
            shown_target(target),
            there_is(self.targets())
        ))
    }

    /// The targets that it may be asked about, as they are written.
    pub(crate) fn targets(&self) -> impl Iterator<Item = &str> + Clone {
        self.probe.written()
    }

    /// Whether a target of this one is what it was with the other.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.config == other.config
    }

    /// How long what was fetched can be of use.
    pub(crate) fn keeps(&self) -> Duration {
        let cached = match self.config.schedule() {
            Schedule::Cached { time_to_live } => time_to_live,
            _ => Duration::ZERO,
        };
        match self.config.on_error() {
            OnError::Keep { at_most } => cached.max(at_most),
            _ => cached,
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
    pub(super) fn check(&self, variable: &dyn Fn(&str) -> Option<String>) -> Result<(), Fault> {
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
        spec::new(&self.name, Arc::clone(&self.config), surroundings)
    }
}

/// What somebody says who asks, fit to be shown in a line.
pub(crate) fn shown_target(text: &str) -> String {
    const MOST: usize = 100;
    let mut shown: String = text
        .chars()
        .take(MOST)
        .flat_map(char::escape_debug)
        .collect();
    if text.chars().nth(MOST).is_some() {
        shown.push('…');
    }
    shown
}
