//! `man`: the manual page.

use std::process::ExitCode;

use clap::{Args, Command};
use clap_mangen::Man;

use crate::output::{self, FAILED};

/// Print the manual page of the program or of a subcommand
///
/// To read it: app_exporter man | man -l -
#[derive(Args, Debug)]
pub(crate) struct PrintManual {
    /// The subcommand; without it, the page is the program's
    #[arg(value_name = "SUBCOMMAND")]
    subcommand: Option<String>,
}

impl PrintManual {
    pub(crate) fn run(&self, mut all: Command) -> ExitCode {
        all.build();
        let command = match &self.subcommand {
            None => all,
            Some(name) => match all.find_subcommand(name) {
                Some(command) => {
                    let page = format!("app_exporter-{name}");
                    command.clone().display_name(page)
                }
                None => {
                    let names: Vec<_> = all.get_subcommands().map(Command::get_name).collect();
                    let instead = crate::config::instead(name, names.iter().copied());
                    let message = format!("no subcommand `{}`{instead}", name.escape_debug());
                    return output::fail(&message, FAILED);
                }
            },
        };
        let mut page = Vec::new();
        match Man::new(command).render(&mut page) {
            Ok(()) => output::finish(&String::from_utf8_lossy(&page)),
            Err(error) => output::fail(&error.to_string(), FAILED),
        }
    }
}
