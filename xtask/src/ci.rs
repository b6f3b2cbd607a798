//! `cargo xtask ci`: what CI runs. Every check runs, also after one failed; the tests close.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::run::{Failure, Outcome, announce, cargo, in_ci, output, step};
use crate::test;
use crate::workspace::Workspace;

/// The library, whose features are checked one by one and whose package must build on its own.
const LIBRARY: &str = "exporter-kit";

/// What checks licences, sources and known holes, at the version that reads our deny.toml.
const DENY: &str = "cargo-deny@0.20.2";

pub(crate) fn run(arguments: &[String]) -> Outcome {
    if let Some(argument) = arguments.first() {
        return Err(Failure::usage(format!(
            "`{argument}` is not taken: `ci` runs every check there is"
        )));
    }
    let workspace = Workspace::read()?;
    workspace.enter()?;

    let mut failures = Vec::new();
    for check in [
        format,
        clippy,
        docs,
        features,
        package,
        dependencies,
        models,
        fuzz,
    ] {
        failures.extend(check(&workspace).err());
    }
    failures.extend(test::run(&[]).err());

    let Some(first) = failures.first() else {
        return Ok(());
    };
    let mut message = format!("{} failed:", count(failures.len()));
    for failure in &failures {
        message.push_str(&format!("\n  {failure}"));
    }
    Err(Failure::new(message).with_code(first.code))
}

fn count(failures: usize) -> String {
    match failures {
        1 => "1 check".to_owned(),
        more => format!("{more} checks"),
    }
}

fn format(_: &Workspace) -> Outcome {
    step("format", &mut cargo(&["fmt", "--all", "--check"]))
}

fn clippy(_: &Workspace) -> Outcome {
    let mut clippy = cargo(&["clippy", "--workspace", "--all-targets", "--all-features"]);
    step("lints", clippy.args(["--", "-D", "warnings"]))
}

/// The documentation as users' builds have it, and with every feature, as it is published.
fn docs(_: &Workspace) -> Outcome {
    let mut all = cargo(&["doc", "--workspace", "--no-deps"]);
    step("documentation", all.env("RUSTDOCFLAGS", "-D warnings"))?;
    let mut published = cargo(&["doc", "--package", LIBRARY, "--no-deps", "--all-features"]);
    step(
        "documentation, every feature",
        published.env("RUSTDOCFLAGS", "-D warnings"),
    )
}

/// Features only add: each must build without the others, and so must none.
fn features(workspace: &Workspace) -> Outcome {
    // clippy says all that check says, and takes warnings as errors without building dependencies
    // anew, which a flag to rustc would.
    let library = ["clippy", "--package", LIBRARY, "--no-default-features"];
    step("no feature", cargo(&library).args(["--", "-D", "warnings"]))?;
    for feature in workspace.features(LIBRARY)? {
        let mut alone = cargo(&library);
        alone.args(["--features", &feature, "--", "-D", "warnings"]);
        step(&format!("feature {feature} alone"), &mut alone)?;
    }
    Ok(())
}

/// The library on loom's words and locks: every order in which threads can take their steps.
fn models(_: &Workspace) -> Outcome {
    let mut models = cargo(&["test", "--release", "--manifest-path", "models/Cargo.toml"]);
    step("models", models.args(["--lib", "loom_"]))
}

/// Every fuzz target for a few seconds, the same inputs each time; on stable, without libFuzzer.
fn fuzz(_: &Workspace) -> Outcome {
    let manifest = ["--manifest-path", "fuzz/Cargo.toml"];
    let mut format = cargo(&["fmt", "--check"]);
    step("fuzz targets, format", format.args(manifest))?;
    let mut lints = cargo(&[
        "clippy",
        "--release",
        "--no-default-features",
        "--all-targets",
    ]);
    step(
        "fuzz targets, lints",
        lints.args(manifest).args(["--", "-D", "warnings"]),
    )?;
    let mut fuzz = cargo(&["test", "--release", "--no-default-features"]);
    step("fuzz targets", fuzz.args(manifest))
}

/// The package as it would be published, built from what is in it alone.
fn package(_: &Workspace) -> Outcome {
    let mut package = cargo(&["package", "--package", LIBRARY]);
    // A clone is clean. At work the check is of the files as they are.
    if !in_ci() {
        package.arg("--allow-dirty");
    }
    step("package", &mut package)
}

fn dependencies(workspace: &Workspace) -> Outcome {
    let deny = cargo_deny(&workspace.target()?)?;
    let check = |what: &[&str]| {
        let mut command = Command::new(&deny);
        command.arg("check").args(what);
        command
    };
    step(
        "dependencies: licences, sources, bans",
        &mut check(&["bans", "licenses", "sources"]),
    )?;
    // The database of known holes is fetched; a machine that cannot reach it can still be sure of
    // everything else, so that is said and not failed.
    if let Err(why) = output(Command::new(&deny).arg("fetch").arg("db")) {
        announce("dependencies: known holes NOT checked, their database cannot be fetched");
        println!("{why}");
        return Ok(());
    }
    step("dependencies: known holes", &mut check(&["advisories"]))
}

/// cargo-deny: the machine's, or one built below `target` once.
fn cargo_deny(target: &Path) -> Result<PathBuf, Failure> {
    let tools = target.join("tools");
    for candidate in [PathBuf::from("cargo-deny"), tools.join("bin/cargo-deny")] {
        if output(Command::new(&candidate).arg("--version")).is_ok() {
            return Ok(candidate);
        }
    }
    let mut install = cargo(&["install", DENY, "--locked", "--root"]);
    step("cargo-deny, once", install.arg(&tools))?;
    Ok(tools.join("bin/cargo-deny"))
}
