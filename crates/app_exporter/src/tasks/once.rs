//! `once`: one collection, printed.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use exporter_kit::Registry;
use exporter_kit::scrape::{Deadline, Sources};

use crate::config::{Config, Location};
use crate::sources::{self, Built};

/// Something was not had.
const FAILED: u8 = 1;

/// Ask every source of a configuration once, and print the metrics
///
/// What failed is printed to standard error. Exit code 0 if nothing did, else 1.
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
            Ok((metrics, failures)) => {
                super::print(&metrics);
                if failures.is_empty() {
                    ExitCode::SUCCESS
                } else {
                    super::fail(&failures.join("\n"), FAILED)
                }
            }
            Err(error) => super::fail(&format!("{error:#}"), FAILED),
        }
    }

    fn collect(&self) -> anyhow::Result<(String, Vec<String>)> {
        let location = Location::new(&self.file);
        let config = Config::read(&location)?;
        // Templates have no target here.
        let Built { specs, .. } = sources::build(config, &location, &crate::environment)?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .context("can't start to work")?;
        let all = Sources::builder("app_exporter").start(runtime.handle())?;
        all.replace(specs)?;
        let registry = Registry::new();
        registry.register(all.clone())?;
        runtime.block_on(all.refresh(Deadline::after(self.timeout)));
        let failures = all.status().into_iter().filter_map(|status| {
            let error = match (status.error, status.up) {
                (Some(error), _) => error.to_string(),
                (None, Some(true)) => return None,
                (None, _) => "was not done in time".to_owned(),
            };
            Some(format!("{}: {error}", status.name))
        });
        let failures = failures.collect();
        let metrics = registry.to_text();
        drop(all);
        // A file system that hangs would hold the program up for ever.
        runtime.shutdown_background();
        Ok((metrics, failures))
    }
}
