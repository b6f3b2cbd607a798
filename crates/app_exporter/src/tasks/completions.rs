//! `completions`: what makes a shell complete the command line.

use std::process::ExitCode;

use clap::Args;
use clap_complete::Shell;

/// Print a script that makes a shell complete flags and subcommands
///
/// For bash: app_exporter completions bash > /etc/bash_completion.d/app_exporter
#[derive(Args, Debug)]
pub(crate) struct Completions {
    /// The shell that the script is for
    #[arg(value_name = "SHELL")]
    shell: Shell,
}

impl Completions {
    pub(crate) fn run(&self) -> ExitCode {
        let mut script = Vec::new();
        clap_complete::generate(
            self.shell,
            &mut crate::cli::command(),
            "app_exporter",
            &mut script,
        );
        super::print(&String::from_utf8_lossy(&script));
        ExitCode::SUCCESS
    }
}
