//! `schema`: the JSON Schema of the configuration file.

use std::process::ExitCode;

use clap::Args;

use crate::setup::Config;

/// Print the JSON Schema of the configuration file, for editors
#[derive(Args, Debug)]
pub(crate) struct PrintSchema {}

impl PrintSchema {
    pub(crate) fn run(&self) -> ExitCode {
        super::print(&format!("{:#}\n", Config::schema()));
        ExitCode::SUCCESS
    }
}
