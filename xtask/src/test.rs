//! `cargo xtask test`: every test of the workspace, against real servers.

use crate::ci::documentation_tests;
use crate::run::{Failure, Outcome, announce, cargo, in_ci, output, step};
use crate::servers;
use crate::workspace::Workspace;

pub(crate) fn run(arguments: &[String]) -> Outcome {
    if let Some(argument) = arguments.first() {
        return Err(Failure::usage(format!(
            "`{argument}` is not taken: `test` runs everything; for one test use `cargo test NAME`"
        )));
    }
    let workspace = Workspace::read()?;
    workspace.enter()?;

    announce("what the tests need");
    let provided = servers::provide(&workspace.target()?);
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

/// Said before the tests and again after them, where a screen of output has not hidden it.
fn tell_what_is_left_out(missing: &[String]) {
    if !missing.is_empty() {
        println!("\nLeft out, as what they need is missing:");
    }
    for line in missing {
        println!("  {line}");
    }
}
