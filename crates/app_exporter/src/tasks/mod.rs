//! Subcommands that check, try and document configurations, and that describe the program.

mod ask;
mod check_config;
mod completions;
mod list_sources;
mod man;
mod once;
mod reference;
mod schema;

pub(crate) use check_config::CheckConfig;
pub(crate) use completions::Completions;
pub(crate) use list_sources::ListSources;
pub(crate) use man::PrintManual;
pub(crate) use once::Once;
pub(crate) use reference::PrintReference;
pub(crate) use schema::PrintSchema;

use std::path::Path;
use std::process::ExitCode;

use crate::output::{self, MISUSED};

/// Ends with `code` for this error, or as a shell expects after a signal.
fn fail_with(error: &anyhow::Error, code: u8) -> ExitCode {
    let stopped = error.downcast_ref::<ask::Stopped>();
    output::fail(
        &format!("{error:#}"),
        stopped.map_or(code, ask::Stopped::code),
    )
}

/// Returns the configuration file of a command.
///
/// # Errors
/// The exit code, when neither a flag nor a variable names one. Standard error then has the remedy.
fn required(file: Option<&Path>) -> Result<&Path, ExitCode> {
    file.ok_or_else(|| {
        let message =
            "error: no configuration file; add --config.file FILE, or set APP_EXPORTER_CONFIG_FILE";
        output::fail(message, MISUSED)
    })
}
