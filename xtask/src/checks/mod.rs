//! `cargo xtask check [NAME]`: checks of the repository's text. They build nothing and take seconds.
//!
//! One module a check, one line a check in [`CHECKS`].

mod absences;
mod api;
mod commits;
mod direction;
mod files;
mod finding;
mod item;
pub(crate) mod links;
mod markdown;
mod modules;
mod prose;
mod readme;
mod rust;

use std::path::Path;

use crate::checks::finding::Finding;
use crate::run::{Failure, Outcome, announce};
use crate::workspace::Workspace;

/// One check.
struct Check {
    name: &'static str,
    rule: &'static str,
    run: fn(&Path) -> Result<Vec<Finding>, String>,
}

const CHECKS: &[Check] = &[
    Check {
        name: "direction",
        rule: "the library's rooms use each other in one direction",
        run: direction::direction,
    },
    Check {
        name: "circles",
        rule: "at most two files of a crate import each other",
        run: direction::no_circles,
    },
    Check {
        name: "prose",
        rule: "doc blocks open plainly, and odd turns are rare",
        run: prose::prose,
    },
    Check {
        name: "links",
        rule: "links lead somewhere, on a code host and in rustdoc",
        run: links::links,
    },
    Check {
        name: "absences",
        rule: "no page says that something is missing, unless that is checked",
        run: absences::absences,
    },
    Check {
        name: "api",
        rule: "the public API of each published crate is the one in its public-api.txt",
        run: api::api,
    },
    Check {
        name: "readme",
        rule: "the programs in README.md are in the library's README, whose programs are tests",
        run: readme::readme,
    },
    Check {
        name: "subjects",
        rule: "subjects of commits are short",
        run: commits::subjects,
    },
];

pub(crate) fn run(arguments: &[String]) -> Outcome {
    let unknown = |name: &&String| CHECKS.iter().all(|check| check.name != **name);
    if let Some(name) = arguments.iter().find(unknown) {
        let names: Vec<&str> = CHECKS.iter().map(|check| check.name).collect();
        return Err(Failure::usage(format!(
            "unknown check `{name}`; the checks are {}",
            names.join(", ")
        )));
    }
    Workspace::read()?.enter()?;
    let wanted = |check: &&Check| arguments.is_empty() || arguments.iter().any(|a| a == check.name);
    let failed: Vec<&str> = CHECKS
        .iter()
        .filter(wanted)
        .filter(|check| !passes(check))
        .map(|check| check.name)
        .collect();
    if failed.is_empty() {
        return Ok(());
    }
    Err(Failure::new(format!(
        "checks failed: {}; repeat one with `cargo xtask check NAME`",
        failed.join(", ")
    )))
}

/// Files in `docs` that are parts of the crate's own page.
const PARTS: &[&str] = &["front.md", "index.md"];

/// How many programs that documentation tests run the README and each page of a package have, by path.
pub(crate) fn programs(package: &str) -> Result<Vec<(String, usize)>, String> {
    let root = Path::new("");
    let mut pages = Vec::new();
    for file in files::with_extension(root, "md")? {
        let within = file.strip_prefix(package).unwrap_or(root);
        let is_page =
            within.starts_with("docs") && !PARTS.iter().any(|part| within.ends_with(part));
        if is_page || within == Path::new("README.md") {
            let page = markdown::Page::read(&files::read(root, &file)?);
            if page.programs > 0 {
                pages.push((file.display().to_string(), page.programs));
            }
        }
    }
    Ok(pages)
}

/// Runs `check` and prints its findings.
fn passes(check: &Check) -> bool {
    announce(&format!("{}: {}", check.name, check.rule));
    match (check.run)(Path::new("")) {
        Ok(findings) => {
            for finding in &findings {
                println!("{finding}");
            }
            findings.is_empty()
        }
        Err(why) => {
            println!("{why}");
            false
        }
    }
}
