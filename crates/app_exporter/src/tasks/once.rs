//! `once`: one collection, printed.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;

use crate::config::{Config, Location};
use crate::sources::{self, Built};
use crate::tasks::ask::{Asked, ask, failure};

/// Something was not had.
const FAILED: u8 = 1;

/// Ask every source of a configuration once, and print the metrics
///
/// What failed is printed to standard error. Templates, which have a `probe`, are not asked. Exit code 0 if nothing
/// failed, else 1.
#[derive(Args, Debug)]
pub(crate) struct Once {
    /// The configuration file
    #[arg(long = "config.file", value_name = "FILE")]
    file: PathBuf,

    /// How long to wait for the sources at most
    #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration, default_value = "30s")]
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
            Err(error) => super::fail(&format!("{error:#}"), FAILED),
        }
    }

    fn collect(&self) -> anyhow::Result<Asked> {
        let location = Location::new(&self.file);
        let config = Config::read(&location)?;
        // Templates have no target here.
        let Built { specs, .. } = sources::build(config, &location, &crate::environment)?;
        ask(specs, self.timeout)
    }
}
