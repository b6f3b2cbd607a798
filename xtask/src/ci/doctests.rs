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
        let count = ran.get(&key(page)).copied().unwrap_or(0);
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
    // A page is a module of `docs` and named after its file; all of them are included from one place.
    // `test crates/exporter-kit/src/../docs/links.txt - docs::from_go (line 9) ... ok`
    // `test crates/exporter-kit/src/../README.md - readme (line 9) ... ok`
    for line in printed.lines().filter(|line| line.ends_with(" ... ok")) {
        let Some((file, rest)) = line.strip_prefix("test ").and_then(|l| l.split_once(" - "))
        else {
            continue;
        };
        let (package, file) = file.split_once("/src/").unwrap_or((file, ""));
        let item = rest.split(" (line").next().unwrap_or_default();
        let page = match item.strip_prefix("docs::") {
            Some(page) => format!("{package}/{page}"),
            None => format!("{package}/{}", file.trim_start_matches("../")),
        };
        *ran.entry(page).or_insert(0) += 1;
    }
    ran
}

/// The name that [`tests_of_pages`] has for the page `path`.
fn key(path: &str) -> String {
    let Some((package, page)) = path.split_once("/docs/") else {
        return path.to_owned();
    };
    let stem = page.rsplit('/').next().unwrap_or(page);
    let module = stem.trim_end_matches(".md").replace('-', "_");
    format!("{package}/{module}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tests_are_counted_by_page_when_they_ran() {
        let printed = "running 4 tests\n\
            test crates/exporter-kit/src/../docs/links.txt - docs::from_go (line 9) ... ok\n\
            test crates/exporter-kit/src/../docs/links.txt - docs::from_go (line 90) - compile ... ok\n\
            test crates/exporter-kit/src/../docs/links.txt - docs::from_go (line 99) ... ignored\n\
            test crates/exporter-kit/src/../README.md - readme (line 9) ... FAILED\n\
            test crates/other/src/../README.md - (line 9) ... ok\n\
            test crates/exporter-kit/src/lib.rs - label_enum (line 1) ... ok\n";
        let ran = tests_of_pages(printed);
        assert_eq!(ran["crates/exporter-kit/from_go"], 2);

        let pages = [
            ("crates/exporter-kit/docs/from-go.md", 2),
            ("crates/exporter-kit/README.md", 1),
            ("crates/other/README.md", 1),
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
