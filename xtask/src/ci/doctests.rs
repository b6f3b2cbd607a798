//! Documentation tests, counted page by page: a page whose programs are not run any more is a failure.

use std::collections::BTreeMap;

use crate::checks::programs;
use crate::run::{Failure, Outcome, announce, cargo, echoed};
use crate::workspace::Workspace;

/// Runs every documentation test and compares how many ran with what each page has.
pub(crate) fn run(workspace: &Workspace) -> Outcome {
    let mut tests = cargo(&["test", "--workspace", "--all-features", "--doc"]);
    let printed = echoed("documentation tests", &mut tests)?;

    announce("documentation tests of each page");
    let mut pages = BTreeMap::new();
    for package in workspace.published()? {
        // A README without a program is as much a fault as one whose programs are not run.
        pages.insert(format!("crates/{}/README.md", package.name), 1);
        let found = programs(&format!("crates/{}", package.name)).map_err(Failure::new)?;
        pages.extend(found);
    }
    let silent = silent(&pages, &tests_of_pages(&printed));
    if silent.is_empty() {
        return Ok(());
    }
    Err(Failure::new(silent.join("\n  ")))
}

/// The pages with more programs than tests that ran; prints a line for each page.
fn silent(pages: &BTreeMap<String, usize>, ran: &BTreeMap<String, usize>) -> Vec<String> {
    let mut silent = Vec::new();
    for (page, programs) in pages {
        let count = ran.get(page).copied().unwrap_or(0);
        println!("{count:>4} {page}");
        if count < *programs {
            silent.push(format!(
                "{page}: {count} documentation tests ran, and {programs} were expected"
            ));
        }
    }
    silent
}

/// How many tests ran by page: `crates/exporter-kit/docs/guide.md`.
fn tests_of_pages(printed: &str) -> BTreeMap<String, usize> {
    let mut ran = BTreeMap::new();
    // `test crates/exporter-kit/src/../docs/guide.md - docs::guide (line 9) ... ok`
    for line in printed
        .lines()
        .filter_map(|line| line.strip_prefix("test "))
    {
        let (file, rest) = line.split_once(" - ").unwrap_or((line, ""));
        let page = file.replace("src/../", "");
        let result = rest.rsplit(" ... ").next().unwrap_or_default();
        if result == "ok" {
            *ran.entry(page).or_insert(0) += 1;
        }
    }
    ran
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tests_are_counted_by_page_when_they_ran() {
        let printed = "running 4 tests\n\
            test crates/exporter-kit/src/../docs/guide.md - docs::guide (line 9) ... ok\n\
            test crates/exporter-kit/src/../docs/guide.md - docs::guide (line 90) - compile ... ok\n\
            test crates/exporter-kit/src/../docs/guide.md - docs::guide (line 99) ... ignored\n\
            test crates/exporter-kit/src/lib.rs - label_enum (line 1) ... ok\n";
        let ran = tests_of_pages(printed);
        assert_eq!(ran["crates/exporter-kit/docs/guide.md"], 2);

        let pages = [
            ("crates/exporter-kit/docs/guide.md", 2),
            ("crates/exporter-kit/README.md", 1),
        ];
        let pages = pages.map(|(page, programs)| (page.to_owned(), programs));
        let silent = silent(&pages.into(), &ran);
        assert_eq!(silent.len(), 1);
        assert!(
            silent[0].starts_with("crates/exporter-kit/README.md: 0 "),
            "{silent:?}"
        );
    }
}
