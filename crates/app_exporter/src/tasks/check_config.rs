//! `check-config`: whether a configuration file can be used.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use exporter_kit::lint;

use crate::config::{Config, ConfigError, Location};
use crate::sources;

/// The file can't be used.
const UNUSABLE: u8 = 1;
/// The file can be used, but names in it break rules of Prometheus.
const BREAKS_RULES: u8 = 3;

/// Check a configuration file: its syntax, its values, and the names of its metrics
///
/// Variables of the environment must be set as they are for the exporter. Nothing is connected. Exit code 0 if all is
/// well, 1 if the file can't be used, 3 if it can but names of metrics break rules.
#[derive(Args, Debug)]
pub(crate) struct CheckConfig {
    /// The file
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

impl CheckConfig {
    pub(crate) fn run(&self) -> ExitCode {
        match check(&Location::new(&self.file)) {
            Ok((summary, findings)) => {
                super::print(&summary);
                if findings.is_empty() {
                    ExitCode::SUCCESS
                } else {
                    super::fail(&findings.join("\n"), BREAKS_RULES)
                }
            }
            Err(error) => super::fail(&error.to_string(), UNUSABLE),
        }
    }
}

/// What the file has, and what breaks a rule in it.
fn check(location: &Location) -> Result<(String, Vec<String>), ConfigError> {
    let config = Config::read(location)?;
    let metrics = || config.sources.values().flat_map(|source| &source.metrics);
    let file = location.file().display();
    let (sources, count) = (config.sources.len(), metrics().count());
    let summary = format!("{file}: can be used: sources: {sources}, metrics: {count}\n");
    let mut findings = Vec::new();
    for metric in metrics() {
        let Ok(descriptor) = crate::config::descriptor(metric) else {
            continue;
        };
        for finding in lint::descriptor(&descriptor) {
            let place = metric.name.place();
            findings.push(format!("{file}:{}:{}: {finding}", place.line, place.column));
        }
    }
    sources::build(config, location, &crate::environment)?;
    Ok((summary, findings))
}
