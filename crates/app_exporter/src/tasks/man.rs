//! `man`: the manual page.

use std::process::ExitCode;

use clap::Args;
use clap_mangen::Man;

use crate::cli;

/// It can't be said.
const FAILED: u8 = 1;

/// Print the manual page, or that of a subcommand
///
/// To read it: app_exporter man | man -l -
#[derive(Args, Debug)]
pub(crate) struct PrintManual {
    /// The subcommand whose page it is
    #[arg(value_name = "SUBCOMMAND")]
    subcommand: Option<String>,
}

impl PrintManual {
    pub(crate) fn run(&self) -> ExitCode {
        let mut all = cli::command();
        all.build();
        let command = match &self.subcommand {
            None => all,
            Some(name) => match all.find_subcommand(name) {
                Some(command) => {
                    let page = format!("app_exporter-{name}");
                    command.clone().display_name(page)
                }
                None => {
                    let names: Vec<_> =
                        all.get_subcommands().map(clap::Command::get_name).collect();
                    let instead = crate::config::instead(name, names.iter().copied());
                    let message = format!("no subcommand `{}`{instead}", name.escape_debug());
                    return super::fail(&message, FAILED);
                }
            },
        };
        let mut page = Vec::new();
        match Man::new(command).render(&mut page) {
            Ok(()) => {
                super::print(&String::from_utf8_lossy(&page));
                ExitCode::SUCCESS
            }
            Err(error) => super::fail(&error.to_string(), FAILED),
        }
    }
}
