//! This project's own commands: `cargo xtask test`, `cargo xtask ci` and their like.
//!
//! One module a command, one line a command in [`COMMANDS`]; help and dispatch read that table.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "telling a person at a terminal what happens is what these commands are for"
)]

mod checks;
mod ci;
mod debian;
mod exercise;
mod run;
mod servers;
mod test;
mod workspace;

use std::process::ExitCode;

use run::{Failure, Outcome};

/// One command of `cargo xtask`.
struct Command {
    name: &'static str,
    arguments: &'static str,
    help: &'static str,
    run: fn(&[String]) -> Outcome,
}

/// Every command there is. A new one is its module and a line here.
const COMMANDS: &[Command] = &[
    Command {
        name: "test",
        arguments: "[--install]",
        help: "run every test; as root it can install the Debian packages they use, and asks before",
        run: test::run,
    },
    Command {
        name: "ci",
        arguments: "[--install]",
        help: "run exactly what CI runs: the checks, then every test",
        run: ci::run,
    },
    Command {
        name: "check",
        arguments: "[NAME]",
        help: "run the checks of the text (direction, prose, links ...), which build nothing",
        run: checks::run,
    },
    Command {
        name: "exercise",
        arguments: "1 [--path DIR]",
        help: "check an exercise's work, the starter's or your own copy's, step by step",
        run: exercise::run,
    },
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match dispatch(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            if !failure.is_told() {
                eprintln!("error: {failure}");
            }
            ExitCode::from(failure.code)
        }
    }
}

fn dispatch(arguments: &[String]) -> Outcome {
    let Some((name, rest)) = arguments.split_first() else {
        return Err(Failure::usage(format!("no command given\n\n{}", help())));
    };
    if matches!(name.as_str(), "help" | "--help" | "-h") {
        println!("{}", help());
        return Ok(());
    }
    match COMMANDS.iter().find(|command| command.name == name) {
        Some(command) => (command.run)(rest),
        None => Err(Failure::usage(format!(
            "there is no command `{name}`\n\n{}",
            help()
        ))),
    }
}

fn help() -> String {
    let usage = |command: &Command| format!("{} {}", command.name, command.arguments);
    let width = COMMANDS.iter().map(|c| usage(c).len()).max().unwrap_or(0);
    let mut text = String::from("Usage: cargo xtask COMMAND\n");
    for command in COMMANDS {
        text.push_str(&format!("\n  {:width$} {}", usage(command), command.help));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn help_lists_every_command_once() {
        let help = help();
        for command in COMMANDS {
            let lines = help
                .lines()
                .filter(|line| line.split_whitespace().next() == Some(command.name));
            assert_eq!(lines.count(), 1, "`{}` in:\n{help}", command.name);
        }
    }

    #[test]
    fn an_unknown_command_is_named_with_the_help() {
        let failure = dispatch(&["frobnicate".to_owned()]).unwrap_err();
        assert_eq!(failure.code, 2);
        assert!(failure.to_string().contains("`frobnicate`"), "{failure}");
        assert!(failure.to_string().contains("Usage:"), "{failure}");
    }
}
