//! Templates: sources that are fetched for the targets of requests.

use std::sync::Arc;
use std::time::Duration;

use exporter_kit::source::{OnError, Schedule, SourceSpec};

use crate::config::{At, Fault, ProbeConfig, TARGET, there_is};
use crate::setup::file::Location;
use crate::setup::source::{SourceConfig, SourceName};
use crate::setup::spec;
use crate::sources::origin::{Surroundings, Target};

/// A source that is fetched for a target.
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

    /// Checks that the target is allowed.
    ///
    /// # Errors
    /// The message for a target that is not.
    pub(crate) fn allow(&self, target: &str) -> Result<(), String> {
        if self.probe.allows(target) {
            return Ok(());
        }
        let name = self.name();
        Err(format!(
            "`{}` is not one of the `targets` of the source `{name}`{}",
            shown_target(target),
            there_is(self.targets())
        ))
    }

    /// The allowed targets, as they are written in the file.
    pub(crate) fn targets(&self) -> impl Iterator<Item = &str> + Clone {
        self.probe.written()
    }

    /// Returns whether both templates build the same source for a target.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.config == other.config
    }

    /// The time for which the result of a fetch can be reused.
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

    /// Builds the source for the target. Does not check that the target is allowed.
    ///
    /// # Errors
    /// When a variable, certificate or key is missing, or the address is invalid with this target.
    pub(crate) fn build(
        &self,
        target: &str,
        variable: &dyn Fn(&str) -> Option<String>,
    ) -> Result<SourceSpec, Fault> {
        self.build_for(&Target::new(target), variable)
    }

    /// Builds the source for a sample target, to report what is missing.
    pub(super) fn check(&self, variable: &dyn Fn(&str) -> Option<String>) -> Result<(), Fault> {
        let Some(sample) = self.probe.targets.first().map(|target| target.sample()) else {
            return Ok(());
        };
        let target = Target::new(&sample);
        self.build_for(&target, variable)?;
        if target.has_place() {
            return Ok(());
        }
        let message = "the source has a `probe` but does not use the target; write `${target}` where it belongs, or remove `probe`";
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

/// The target of a request, shortened and escaped for a message.
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
