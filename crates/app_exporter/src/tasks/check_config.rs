//! `check-config`: whether a configuration file can be used.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use exporter_kit::lint;

use crate::cli::duration;
use crate::config::ConfigError;
use crate::setup::{self, Built, Config, Location};
use crate::tasks::ask::{ask, failure};

/// The file can't be used.
const UNUSABLE: u8 = 1;
/// The file can be used, but names in it break rules of Prometheus.
const BREAKS_RULES: u8 = 3;
/// The file can be used, but not every source could be asked.
const NOT_HAD: u8 = 4;

/// Check a configuration file: its syntax, its values, and the names of its metrics
///
/// The variables of the environment that it names must be set, as for the exporter. No source is asked without --connect.
///
/// Exits with 0 if all is well, 1 if the file can't be used, 3 if names of metrics break rules, 4 if a source could not be
/// asked.
#[derive(Args, Debug)]
pub(crate) struct CheckConfig {
    /// The configuration file
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// Ask every source once, and say of each how that went
    ///
    /// Templates, which have a `probe`, are not asked; `once` can ask one. No metric is printed.
    #[arg(long)]
    connect: bool,

    /// The longest time to wait for the sources
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    #[arg(default_value = "30s", requires = "connect")]
    timeout: Duration,
}

/// What was found in a file that can be used.
struct Checked {
    summary: String,
    findings: Vec<String>,
    built: Built,
}

impl CheckConfig {
    pub(crate) fn run(&self) -> ExitCode {
        let Checked {
            mut summary,
            mut findings,
            built,
        } = match check(&Location::new(&self.file)) {
            Ok(checked) => checked,
            Err(error) => return super::fail(&error.to_string(), UNUSABLE),
        };
        let mut code = BREAKS_RULES;
        if self.connect {
            match self.connect(built, &mut summary) {
                Ok(failures) if failures.is_empty() => (),
                Ok(failures) => {
                    findings.extend(failures);
                    code = NOT_HAD;
                }
                Err(error) => return super::fail_with(&error, UNUSABLE),
            }
        }
        super::print(&summary);
        if findings.is_empty() {
            ExitCode::SUCCESS
        } else {
            super::fail(&findings.join("\n"), code)
        }
    }

    /// Asks the sources; adds a line for each that answered, and gives one for each other.
    fn connect(&self, built: Built, summary: &mut String) -> anyhow::Result<Vec<String>> {
        let Built { specs, templates } = built;
        let asked = ask(specs, self.timeout)?;
        let mut failures = Vec::new();
        for status in &asked.status {
            let (name, rows) = (&status.name, status.rows.unwrap_or(0));
            match failure(status) {
                Some(failure) if status.up == Some(true) => {
                    failures.push(format!("{name}: rows: {rows}, but only a part: {failure}"));
                }
                Some(failure) => failures.push(format!("{name}: failed: {failure}")),
                // Writing to a text can't fail.
                None => drop(writeln!(summary, "{name}: ok: rows: {rows}")),
            }
        }
        for template in templates {
            let name = template.name();
            let file = self.file.display();
            let _ = writeln!(
                summary,
                "{name}: a template, not asked; `once --config.file {file} --source {name} --target …` does"
            );
        }
        Ok(failures)
    }
}

/// What the file has, and what breaks a rule in it.
fn check(location: &Location) -> Result<Checked, ConfigError> {
    let config = Config::read(location)?;
    let metrics = || config.sources.values().flat_map(|source| &source.metrics);
    let file = location.file().display();
    let (sources, count) = (config.sources.len(), metrics().count());
    let summary = format!("{file}: can be used: sources: {sources}, metrics: {count}\n");
    let mut findings = Vec::new();
    for metric in metrics() {
        let Ok(descriptor) = metric.descriptor() else {
            continue;
        };
        for finding in lint::descriptor(&descriptor) {
            let place = metric.name.place();
            findings.push(format!("{file}:{}:{}: {finding}", place.line, place.column));
        }
    }
    Ok(Checked {
        summary,
        findings,
        built: setup::build(config, location, &crate::environment::variable)?,
    })
}
