//! `completions`: completion scripts for shells.

use std::process::ExitCode;

use clap::{Args, Command};
use clap_complete::Shell;

use crate::output;

/// Print a script with which a shell completes flags and subcommands
///
/// For bash: app_exporter completions bash > /etc/bash_completion.d/app_exporter
#[derive(Args, Debug)]
pub(crate) struct Completions {
    /// The shell
    #[arg(value_name = "SHELL")]
    shell: Shell,
}

impl Completions {
    pub(crate) fn run(&self, mut command: Command) -> ExitCode {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut command, "app_exporter", &mut script);
        output::finish(&String::from_utf8_lossy(&script))
    }
}
