//! `schema`: the JSON Schema of the configuration file.

use std::process::ExitCode;

use clap::Args;

use crate::output;
use crate::setup::Config;

/// Print the JSON Schema of the configuration file, for editors
#[derive(Args, Debug)]
pub(crate) struct PrintSchema {}

impl PrintSchema {
    pub(crate) fn run(&self) -> ExitCode {
        output::finish(&format!("{:#}\n", Config::schema()))
    }
}
