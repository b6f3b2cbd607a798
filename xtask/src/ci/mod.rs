//! `cargo xtask ci`: what CI runs. Every check runs, also after one failed; the tests close.

mod doctests;
mod nightly;
mod package;

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::checks;
use crate::run::{Failure, Outcome, announce, cargo, output, step};
use crate::test;
use crate::workspace::Workspace;

pub(crate) use doctests::run as documentation_tests;

/// The library, whose features are checked one by one.
const LIBRARY: &str = "exporter-kit";

/// The program, whose features are checked one by one.
const PROGRAM: &str = "app_exporter";

/// The checker of licences, sources and known holes, at the version that reads our deny.toml.
const DENY: &str = "cargo-deny@0.20.2";

pub(crate) fn run(arguments: &[String]) -> Outcome {
    // A wrong argument is told before the checks, not after them.
    test::consent(arguments)?;
    let workspace = Workspace::read()?;
    workspace.enter()?;

    let mut failures = Vec::new();
    for check in [
        text,
        format,
        clippy,
        docs,
        features,
        package::run,
        dependencies,
        models,
        fuzz,
        comparison,
        nightly::run,
    ] {
        failures.extend(check(&workspace).err());
    }
    failures.extend(test::run(arguments).err());

    let Some(first) = failures.first() else {
        return Ok(());
    };
    let mut message = format!("{} failed:", count(failures.len()));
    for failure in &failures {
        message.push_str(&format!("\n  {failure}"));
    }
    Err(Failure::new(message).with_code(first.code))
}

/// The checks of `cargo xtask check`.
fn text(_: &Workspace) -> Outcome {
    checks::run(&[])
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
fn docs(workspace: &Workspace) -> Outcome {
    let mut all = cargo(&["doc", "--workspace", "--no-deps"]);
    step("documentation", all.env("RUSTDOCFLAGS", "-D warnings"))?;
    let mut published = cargo(&["doc", "--package", LIBRARY, "--no-deps", "--all-features"]);
    step(
        "documentation, every feature",
        published.env("RUSTDOCFLAGS", "-D warnings"),
    )?;
    published_links(&workspace.target()?)
}

/// Links to the published documentation lead to pages that the build above has written.
fn published_links(target: &Path) -> Outcome {
    announce("links to the published documentation");
    let folder = target.join("doc/exporter_kit");
    let links = checks::links::published(Path::new("")).map_err(Failure::new)?;
    let dead: Vec<String> = links
        .into_iter()
        .filter(|(_, path)| !is_written(&folder, path))
        .map(|(place, path)| format!("{place}: the documentation has no `{path}`"))
        .collect();
    if dead.is_empty() {
        return Ok(());
    }
    Err(Failure::new(dead.join("\n  ")))
}

/// Returns whether rustdoc wrote the page `path` below `folder`, with its anchor.
fn is_written(folder: &Path, path: &str) -> bool {
    let (page, anchor) = path.split_once('#').unwrap_or((path, ""));
    let mut page = folder.join(page);
    if page.is_dir() {
        page.push("index.html");
    }
    let text = std::fs::read_to_string(page);
    text.is_ok_and(|text| anchor.is_empty() || text.contains(&format!("id=\"{anchor}\"")))
}

/// Features only add: each must build without the others, and so must none.
fn features(workspace: &Workspace) -> Outcome {
    alone(workspace, LIBRARY)?;
    alone(workspace, PROGRAM)
}

/// Builds `package` without any feature, and with each alone.
fn alone(workspace: &Workspace, package: &str) -> Outcome {
    // clippy takes warnings as errors without building dependencies again, which a flag to rustc would.
    let base = ["clippy", "--package", package, "--no-default-features"];
    let mut none = cargo(&base);
    step(
        &format!("{package} without features"),
        none.args(["--", "-D", "warnings"]),
    )?;
    for feature in workspace.features(package)? {
        let mut alone = cargo(&base);
        alone.args(["--features", &feature, "--", "-D", "warnings"]);
        step(&format!("{package} with {feature} alone"), &mut alone)?;
    }
    Ok(())
}

/// The comparison with other libraries compiles, and all peers show the same samples. Its figures are measured elsewhere.
fn comparison(_: &Workspace) -> Outcome {
    let manifest = ["--manifest-path", "bench-compare/Cargo.toml"];
    let mut format = cargo(&["fmt", "--all", "--check"]);
    step("comparison, format", format.args(manifest))?;
    // The tests do no timing, so nothing is built for release.
    let mut tests = cargo(&["test", "--workspace", "--all-targets"]);
    step("comparison", tests.args(manifest))
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
    // Unoptimised, it is built in a fraction of the time and still checks in seconds.
    let mut install = cargo(&["install", DENY, "--locked", "--debug", "--root"]);
    step("cargo-deny, once", install.arg(&tools))?;
    Ok(tools.join("bin/cargo-deny"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_and_its_anchor_are_looked_up_in_the_documentation() {
        let folder = std::env::temp_dir().join(format!("xtask-published-{}", std::process::id()));
        std::fs::create_dir_all(folder.join("docs/guide")).unwrap();
        std::fs::write(folder.join("docs/guide/index.html"), "<h2 id=\"labels\">").unwrap();
        for path in ["docs/guide", "docs/guide/", "docs/guide/index.html#labels"] {
            assert!(is_written(&folder, path), "{path}");
        }
        for path in ["docs/guide#no", "struct.No.html", "docs/no/"] {
            assert!(!is_written(&folder, path), "{path}");
        }
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
