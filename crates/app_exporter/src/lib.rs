//! Exports the active user sessions of an application to Prometheus.
//!
//! The program is a library with one function, [`main`], so that the fuzz targets run the code that the program runs.

mod check_metrics;
mod check_web_config;
mod cli;
mod config;
mod configured;
mod decode;
mod environment;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod logging;
mod mapping;
mod probe;
mod run;
mod setup;
mod signals;
mod simulate;
mod sources;
mod tasks;
mod version;
mod watch;

use std::io::{self, Write as _};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::error::ErrorKind;

use crate::cli::{Options, Task};

/// Running ended with an error.
const FAILED: u8 = 1;
/// The command line can't be used; trying again would not help.
const UNUSABLE: u8 = 2;

/// Runs the program with the arguments and the environment of this process.
pub fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args_os().collect();
    let options = match Options::parse(&arguments) {
        Ok(options) => options,
        Err(answer) => return print(&answer),
    };
    if let Some(task) = &options.task {
        return match task {
            Task::CheckMetrics(check) => check.run(),
            Task::CheckWebConfig(check) => check.run(),
            Task::CheckConfig(check) => check.run(),
            Task::Once(once) => once.run(),
            Task::Sources(list) => list.run(),
            Task::Schema(print) => print.run(),
            Task::Reference(print) => print.run(),
            Task::Completions(print) => print.run(),
            Task::Man(print) => print.run(),
        };
    }
    match start(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // A configuration may have several mistakes, each in its line.
            for line in format!("{error:#}").lines() {
                log::error!("{line}");
            }
            ExitCode::from(FAILED)
        }
    }
}

fn start(options: &Options) -> anyhow::Result<()> {
    logging::start(options.log.level, options.log.format)?;
    let signals = signals::signals().context("can't listen for signals")?;
    run::run(options, &signals)
}

/// Prints what was asked for, or why the command line can't be used. A reader that has gone away has
/// what it wanted, so failing to print is no failure.
fn print(answer: &clap::Error) -> ExitCode {
    let printed = match answer.kind() {
        ErrorKind::DisplayVersion => io::stdout().write_all(version::text().as_bytes()),
        _ => answer.print(),
    };
    drop(printed);
    match answer.exit_code() {
        0 => ExitCode::SUCCESS,
        _ => ExitCode::from(UNUSABLE),
    }
}
