//! Templates: sources that are fetched for the targets of requests.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use exporter_kit::source::{OnError, Schedule, SourceSpec};

use crate::config::{At, Fault, ProbeConfig, TARGET, TargetEntry, there_is};
use crate::setup::config::DeclaredSource;
use crate::setup::files::folder;
use crate::setup::source::{SourceConfig, SourceName};
use crate::setup::spec;
#[cfg(feature = "_servers")]
use crate::sources::lookups::Lookups;
use crate::sources::memory::Memory;
use crate::sources::origin::{Surroundings, Target};

/// A source that is fetched for a target.
#[derive(Clone, Debug)]
pub(crate) struct SourceTemplate {
    name: SourceName,
    config: Arc<SourceConfig>,
    probe: ProbeConfig,
    /// The base of relative paths.
    folder: PathBuf,
    memory: Memory,
    /// Those of all targets.
    #[cfg(feature = "_servers")]
    lookups: Lookups,
}

impl SourceTemplate {
    pub(super) fn new(
        name: &SourceName,
        source: DeclaredSource,
        probe: &ProbeConfig,
        memory: &Memory,
    ) -> Self {
        Self {
            name: name.clone(),
            folder: folder(&source.file).to_owned(),
            config: Arc::new(source.config),
            probe: probe.clone(),
            memory: memory.clone(),
            #[cfg(feature = "_servers")]
            lookups: Lookups::new(),
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
        self.config == other.config && self.folder == other.folder
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
        self.build_for(self.probe.entry(target), &Target::new(target), variable)
    }

    /// Builds the source for sample targets, to report what is missing: for one, and for one of each entry with variables.
    pub(super) fn check(&self, variable: &dyn Fn(&str) -> Option<String>) -> Result<(), Fault> {
        let entries = self.probe.targets.iter().enumerate();
        let entries = entries.filter(|(i, entry)| *i == 0 || entry.variables.is_some());
        for (_, entry) in entries {
            let [named, numeric] = entry.pattern.samples();
            let build = |sample: &str| {
                let target = Target::new(sample);
                self.build_for(Some(entry), &target, variable)?;
                Ok(target.has_place())
            };
            // A target may be a port alone.
            let has_place =
                build(&named).or_else(|fault: Fault| build(&numeric).map_err(|_| fault));
            if !has_place? && entry.variables.is_none() {
                return Err(self.unused());
            }
        }
        Ok(())
    }

    fn unused(&self) -> Fault {
        let message = "the source has a `probe` but does not use the target; write `${target}` where it belongs, or remove `probe`";
        Fault {
            place: self.config.probe.as_ref().map(At::place),
            message: message.to_owned(),
        }
    }

    fn build_for(
        &self,
        entry: Option<&TargetEntry>,
        target: &Target<'_>,
        variable: &dyn Fn(&str) -> Option<String>,
    ) -> Result<SourceSpec, Fault> {
        let own = entry.map(|entry| entry.resolved(variable)).transpose()?;
        let own = own.unwrap_or_default();
        let variable = |name: &str| match name {
            TARGET => Some(target.take().to_owned()),
            name => own.get(name).cloned().or_else(|| variable(name)),
        };
        let surroundings = Surroundings {
            folder: &self.folder,
            variable: &variable,
            target: Some(target),
            memory: &self.memory,
            #[cfg(feature = "_servers")]
            lookups: &self.lookups,
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
