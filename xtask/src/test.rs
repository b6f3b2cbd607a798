//! `cargo xtask test`: every test of the workspace, against real servers.

use std::io::{self, IsTerminal as _};

use crate::ci::documentation_tests;
use crate::debian::Consent;
use crate::run::{Failure, Outcome, announce, cargo, in_ci, output, step};
use crate::servers;
use crate::workspace::Workspace;

pub(crate) fn run(arguments: &[String]) -> Outcome {
    let consent = consent(arguments)?;
    let workspace = Workspace::read()?;
    workspace.enter()?;

    announce("what the tests need");
    let provided = servers::provide(&workspace.target()?, consent);
    for (variable, path) in &provided.variables {
        println!("{variable}={}", path.display());
    }
    if in_ci() && !provided.missing.is_empty() {
        return Err(Failure::new(format!(
            "in CI no test is left out, and these are missing:\n{}",
            provided.missing.join("\n")
        )));
    }
    tell_what_is_left_out(&provided.missing);

    step(
        "examples",
        &mut cargo(&["build", "--workspace", "--examples", "--all-features"]),
    )?;
    // They go first, so that the summary of the other tests closes the output.
    let outcome = documentation_tests(&workspace);
    // The one with the better report where it is there; a fresh machine has only cargo's own.
    let nextest = output(&mut cargo(&["nextest", "--version"])).is_ok();
    let mut tests = if nextest {
        cargo(&["nextest", "run", "--workspace", "--all-features"])
    } else {
        let mut tests = cargo(&["test", "--workspace", "--all-features", "--no-fail-fast"]);
        tests.args(["--lib", "--bins", "--tests"]);
        tests
    };
    for (variable, path) in &provided.variables {
        tests.env(variable, path);
    }
    let outcome = step("tests", &mut tests).and(outcome);
    tell_what_is_left_out(&provided.missing);
    outcome
}

/// The consent to installing packages that the command line, CI or a terminal gives.
pub(crate) fn consent(arguments: &[String]) -> Result<Consent, Failure> {
    match arguments {
        [flag] if flag == "--install" => Ok(Consent::Given),
        [] if in_ci() => Ok(Consent::Given),
        [] if io::stdin().is_terminal() && io::stdout().is_terminal() => Ok(Consent::Ask),
        [] => Ok(Consent::Refused),
        [argument, ..] => Err(Failure::usage(format!(
            "unknown argument `{argument}`: every test is run, and `--install` is the only argument; for one test use \
             `cargo test NAME`"
        ))),
    }
}

/// Said before the tests and again after them, where a screen of output has not hidden it.
fn tell_what_is_left_out(missing: &[String]) {
    if !missing.is_empty() {
        println!("\nLeft out, as what they need is missing:");
    }
    for line in missing {
        println!("  {line}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_flag_is_consent_and_other_arguments_are_named() {
        assert_eq!(
            consent(&["--install".to_owned()]).ok(),
            Some(Consent::Given)
        );
        let failure = consent(&["--all".to_owned()]).unwrap_err();
        assert_eq!(failure.code, 2);
        assert!(failure.to_string().contains("`--all`"), "{failure}");
    }
}
