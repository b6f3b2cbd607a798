//! `once`: fetches the sources once, and prints the metrics.

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use exporter_kit::source::SourceSpec;

use crate::config::there_is;
use crate::duration::duration;
use crate::output::{self, FAILED};
use crate::setup::{self, Built, Config, Location, SourceTemplate, shown_target};
use crate::sources::memory::Memory;
use crate::tasks::ask::{Asked, ask, emptiness, failure};

/// Fetch every source of a configuration once, and print the metrics
///
/// Failures, and sources without rows, are reported on standard error. Templates, which are sources with a `probe`, are
/// skipped unless --target names a target. Exits with 0 if no source failed, else with 1.
#[derive(Args, Debug)]
pub(crate) struct Once {
    /// Fetch only this source
    #[arg(long, value_name = "NAME")]
    source: Option<String>,

    /// Fetch only a template, for this target
    ///
    /// The template's `targets` must allow it, as for /probe. If there are several templates, add --source.
    #[arg(long, value_name = "TARGET")]
    target: Option<String>,

    /// The longest time to wait for the sources
    #[arg(long, value_name = "DURATION", value_parser = duration, default_value = "30s")]
    timeout: Duration,
}

impl Once {
    /// Fetches the sources of the `configured` file.
    pub(crate) fn run(&self, configured: Option<&Path>, memory: &Memory) -> ExitCode {
        let file = match super::required(configured) {
            Ok(file) => file,
            Err(code) => return code,
        };
        match self.collect(file, memory) {
            Ok((Asked { metrics, status }, with_default)) => {
                let printed = output::print(&metrics);
                let empty = status.iter();
                for line in empty.filter_map(|status| emptiness(status, &with_default)) {
                    output::note(&line);
                }
                let failures = status.iter().filter_map(|status| {
                    failure(status).map(|failure| format!("{}: {failure}", status.name))
                });
                let failures: Vec<_> = failures.collect();
                if failures.is_empty() {
                    printed.map_or_else(|failed| failed, |()| ExitCode::SUCCESS)
                } else {
                    output::fail(&failures.join("\n"), FAILED)
                }
            }
            Err(error) => super::fail_with(&error, FAILED),
        }
    }

    /// Returns also the names of sources that may have no rows.
    fn collect(&self, file: &Path, memory: &Memory) -> anyhow::Result<(Asked, Vec<String>)> {
        let location = Location::new(file);
        let mut config = Config::read(&location, &crate::environment::variable)?;
        if let Some(name) = &self.source {
            config.keep(name).map_err(anyhow::Error::msg)?;
        }
        let with_default = config.sources_with_default();
        let built = setup::build(config, &crate::environment::variable, memory)?;
        for warning in &built.warnings {
            output::note(warning);
        }
        let specs = self.choose(built).map_err(anyhow::Error::msg)?;
        Ok((ask(specs, self.timeout, memory)?, with_default))
    }

    /// Chooses the sources, or one template for one target.
    fn choose(&self, built: Built) -> Result<Vec<SourceSpec>, String> {
        let Built {
            specs, templates, ..
        } = built;
        let target = match (&self.target, &self.source, templates.as_slice()) {
            (Some(target), _, _) => target,
            (None, Some(name), [template]) => {
                let targets = there_is(template.targets());
                return Err(format!(
                    "the source `{name}` is a template; name a target with --target{targets}"
                ));
            }
            (None, _, _) => return Ok(specs),
        };
        let template = match (templates.as_slice(), &self.source) {
            ([template], _) => template,
            ([], Some(name)) => {
                return Err(format!(
                    "the source `{name}` is not a template; drop --target, or add a `probe` to it"
                ));
            }
            (templates, _) => {
                let names = there_is(templates.iter().map(SourceTemplate::name));
                return Err(format!(
                    "--target without a template; name one with --source{names}"
                ));
            }
        };
        template.allow(target)?;
        let spec = template.build(target, &crate::environment::variable);
        spec.map(|spec| vec![spec]).map_err(|fault| {
            let (name, target) = (template.name(), shown_target(target));
            format!(
                "the source `{name}`: cannot use the target `{target}`: {}",
                fault.message
            )
        })
    }
}
