//! `once`: one collection, printed.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use exporter_kit::source::SourceSpec;

use crate::cli::duration;
use crate::config::there_is;
use crate::setup::{self, Built, Config, Location, SourceTemplate, shown_target};
use crate::tasks::ask::{Asked, ask, failure};

/// Something was not had.
const FAILED: u8 = 1;

/// Ask every source of a configuration once, and print the metrics
///
/// What failed is printed to standard error. A template, which is a source with a `probe`, is asked only if --target says
/// about what. Exits with 0 if nothing failed, else with 1.
#[derive(Args, Debug)]
pub(crate) struct Once {
    /// The configuration file
    #[arg(long = "config.file", value_name = "FILE")]
    file: PathBuf,

    /// Ask only this source
    #[arg(long, value_name = "NAME")]
    source: Option<String>,

    /// Ask only a template, about this target
    ///
    /// It must be one that the template's `targets` allow, as at /probe. --source says which template, if there are several.
    #[arg(long, value_name = "TARGET")]
    target: Option<String>,

    /// The longest time to wait for the sources
    #[arg(long, value_name = "DURATION", value_parser = duration, default_value = "30s")]
    timeout: Duration,
}

impl Once {
    pub(crate) fn run(&self) -> ExitCode {
        match self.collect() {
            Ok(Asked { metrics, status }) => {
                super::print(&metrics);
                let failures = status.iter().filter_map(|status| {
                    failure(status).map(|failure| format!("{}: {failure}", status.name))
                });
                let failures: Vec<_> = failures.collect();
                if failures.is_empty() {
                    ExitCode::SUCCESS
                } else {
                    super::fail(&failures.join("\n"), FAILED)
                }
            }
            Err(error) => super::fail_with(&error, FAILED),
        }
    }

    fn collect(&self) -> anyhow::Result<Asked> {
        let location = Location::new(&self.file);
        let mut config = Config::read(&location)?;
        if let Some(name) = &self.source {
            config.keep(name).map_err(anyhow::Error::msg)?;
        }
        let built = setup::build(config, &location, &crate::environment::variable)?;
        let specs = self.choose(built).map_err(anyhow::Error::msg)?;
        ask(specs, self.timeout)
    }

    /// What is to be asked: the sources, or one template about one target.
    fn choose(&self, built: Built) -> Result<Vec<SourceSpec>, String> {
        let Built { specs, templates } = built;
        let target = match (&self.target, &self.source, templates.as_slice()) {
            (Some(target), _, _) => target,
            (None, Some(name), [template]) => {
                let targets = there_is(template.targets());
                return Err(format!(
                    "the source `{name}` is a template; say by --target what to ask it about{targets}"
                ));
            }
            (None, _, _) => return Ok(specs),
        };
        let template = match (templates.as_slice(), &self.source) {
            ([template], _) => template,
            ([], Some(name)) => {
                return Err(format!(
                    "the source `{name}` is asked about no target; drop --target, or give it a `probe`"
                ));
            }
            (templates, _) => {
                let names = there_is(templates.iter().map(SourceTemplate::name));
                return Err(format!("say by --source which template to ask{names}"));
            }
        };
        template.allow(target)?;
        let spec = template.build(target, &crate::environment::variable);
        spec.map(|spec| vec![spec]).map_err(|fault| {
            let (name, target) = (template.name(), shown_target(target));
            format!(
                "the source `{name}` can't be asked about `{target}`: {}",
                fault.message
            )
        })
    }
}
