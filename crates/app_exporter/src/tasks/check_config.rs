//! `check-config`: checks a configuration.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use exporter_kit::lint;

use crate::config::ConfigError;
use crate::duration::duration;
use crate::output;
use crate::setup::{self, Built, Config, Location};
use crate::sources::memory::Memory;
use crate::tasks::ask::{ask, emptiness, failure};

/// The file is invalid.
const INVALID: u8 = 1;
/// The file is valid, but names of its metrics break rules of Prometheus.
const BREAKS_RULES: u8 = 3;
/// The file is valid, but a source failed.
const SOURCE_FAILED: u8 = 4;

/// Check a configuration: its syntax, its values, and the names of its metrics
///
/// The variables of the environment that the file names must be set, as for the exporter. Only --connect opens connections.
///
/// Exits with 0 if all is well, 1 if the file is invalid, 3 if names of metrics break rules, 4 if a source failed.
#[derive(Args, Debug)]
pub(crate) struct CheckConfig {
    /// The file, folder or pattern; it wins over --config.file
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,

    /// Fetch every source once, and report the result of each
    ///
    /// Metrics are not printed. Templates, which are sources with a `probe`, are skipped; `once` can fetch one.
    #[arg(long)]
    connect: bool,

    /// The longest time to wait for the sources
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    #[arg(default_value = "30s", requires = "connect")]
    timeout: Duration,
}

/// The result for a valid file.
struct Checked {
    summary: String,
    findings: Vec<String>,
    built: Built,
    /// The names of sources that may have no rows.
    with_default: Vec<String>,
}

impl CheckConfig {
    /// Checks the file of the command, or else the `configured` one.
    pub(crate) fn run(&self, configured: Option<&Path>, memory: &Memory) -> ExitCode {
        let file = match super::required(self.file.as_deref().or(configured)) {
            Ok(file) => file,
            Err(code) => return code,
        };
        let Checked {
            mut summary,
            mut findings,
            built,
            with_default,
        } = match check(&Location::new(file), memory) {
            Ok(checked) => checked,
            Err(error) => return output::fail(&error.to_string(), INVALID),
        };
        for warning in &built.warnings {
            output::note(&format!("{}: {warning}", file.display()));
        }
        let mut code = BREAKS_RULES;
        if self.connect {
            match self.connect(file, built, memory, &with_default, &mut summary) {
                Ok(failures) if failures.is_empty() => (),
                Ok(failures) => {
                    findings.extend(failures);
                    code = SOURCE_FAILED;
                }
                Err(error) => return super::fail_with(&error, INVALID),
            }
        }
        let printed = output::print(&summary);
        if findings.is_empty() {
            printed.map_or_else(|failed| failed, |()| ExitCode::SUCCESS)
        } else {
            output::fail(&findings.join("\n"), code)
        }
    }

    /// Fetches the sources. Adds a line for each success to the summary, and returns one for each failure.
    fn connect(
        &self,
        file: &Path,
        built: Built,
        memory: &Memory,
        with_default: &[String],
        summary: &mut String,
    ) -> anyhow::Result<Vec<String>> {
        let Built {
            specs, templates, ..
        } = built;
        let asked = ask(specs, self.timeout, memory)?;
        let mut failures = Vec::new();
        for status in &asked.status {
            let (name, rows) = (&status.name, status.rows.unwrap_or(0));
            // Writing to a string does not fail.
            match failure(status) {
                Some(failure) if status.up == Some(true) => {
                    failures.push(format!("{name}: only a part, rows: {rows}: {failure}"));
                }
                Some(failure) => failures.push(format!("{name}: failed: {failure}")),
                None => match emptiness(status, with_default) {
                    Some(line) => drop(writeln!(summary, "{line}")),
                    None => drop(writeln!(summary, "{name}: OK, rows: {rows}")),
                },
            }
        }
        for template in templates {
            let name = template.name();
            let file = file.display();
            let _ = writeln!(
                summary,
                "{name}: skipped, as it is a template; try it with `once --config.file {file} --source {name} --target …`"
            );
        }
        Ok(failures)
    }
}

/// Reads the file, builds its sources, and applies the naming rules to its metrics.
fn check(location: &Location, memory: &Memory) -> Result<Checked, ConfigError> {
    let config = Config::read(location, &crate::environment::variable)?;
    let metrics = || {
        config.sources.values().flat_map(|source| {
            let metrics = source.config.metrics.iter();
            metrics.map(move |metric| (&*source.file, metric))
        })
    };
    let (sources, count) = (config.sources.len(), metrics().count());
    let (sources, count) = (counted(sources, "source"), counted(count, "metric"));
    let files = match config.files {
        1 => String::new(),
        files => format!("{}, ", counted(files, "file")),
    };
    let location = location.path().display();
    let summary = format!("{location}: OK: {files}{sources}, {count}\n");
    let mut findings = Vec::new();
    for (file, metric) in metrics() {
        let Ok(descriptor) = metric.descriptor() else {
            continue;
        };
        let mut broken: Vec<String> = lint::descriptor(&descriptor)
            .iter()
            .map(ToString::to_string)
            .collect();
        // Names of other exporters are accepted, but no new metric should have such a name.
        if broken.is_empty() {
            broken.extend(metric.broken_rule().map(|error| error.to_string()));
        }
        let place = metric.name.place();
        let finding = |finding| format!("{}: {finding}", place.within(file));
        findings.extend(broken.into_iter().map(finding));
    }
    findings.extend(setup::ambiguous(metrics()));
    Ok(Checked {
        summary,
        findings,
        with_default: config.sources_with_default(),
        built: setup::build(config, &crate::environment::variable, memory)?,
    })
}

/// The number with its noun.
fn counted(number: usize, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{plural}")
}
