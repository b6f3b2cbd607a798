//! Exports the active user sessions of an application to Prometheus.
//!
//! The program is a library with one function, [`main`], so that the fuzz targets run the code that the program runs.

mod check_metrics;
mod check_web_config;
mod cli;
mod config;
mod configured;
mod decode;
mod duration;
mod environment;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod logging;
mod mapping;
mod open_files;
mod output;
mod probe;
mod progress;
mod run;
mod setup;
mod signals;
mod simulate;
mod sources;
mod tasks;
mod version;
mod watch;

use std::process::ExitCode;

use anyhow::Context as _;
use clap::error::ErrorKind;

use crate::cli::{Options, Task};

/// Runs the program with the arguments and the environment of this process.
pub fn main() -> ExitCode {
    logging::report_panics();
    let arguments: Vec<_> = std::env::args_os().collect();
    let options = match Options::parse(&arguments) {
        Ok(options) => options,
        Err(answer) => return print(&answer),
    };
    if let Some(task) = &options.task {
        let file = options.config.file.as_deref();
        let memory = &options.memory();
        return match task {
            Task::CheckMetrics(check) => check.run(),
            Task::CheckWebConfig(check) => check.run(&options.web.config_file),
            Task::CheckConfig(check) => check.run(file, memory),
            Task::Once(once) => once.run(file, memory),
            Task::Sources(list) => list.run(),
            Task::Schema(print) => print.run(),
            Task::Reference(print) => print.run(),
            Task::Completions(print) => print.run(cli::command()),
            Task::Man(print) => print.run(cli::command()),
        };
    }
    match start(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // A configuration may have several mistakes, one a line.
            for line in format!("{error:#}").lines() {
                log::error!("{line}");
            }
            ExitCode::from(output::FAILED)
        }
    }
}

fn start(options: &Options) -> anyhow::Result<()> {
    logging::start(options.log.level, options.log.format)?;
    let signals = signals::Signals::listen().context("cannot listen for signals")?;
    run::run(options, &signals)
}

/// Prints the help or the version, or why the command line is invalid.
fn print(answer: &clap::Error) -> ExitCode {
    match answer.kind() {
        ErrorKind::DisplayVersion => output::finish(&version::text()),
        ErrorKind::DisplayHelp => output::finish(&answer.render().to_string()),
        _ => {
            // The exit code reports the mistake even where standard error is closed.
            let _ = answer.print();
            ExitCode::from(output::MISUSED)
        }
    }
}
