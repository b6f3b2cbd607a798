//! The pages under `docs/`: each can be found, and the tests that they name exist.

use std::collections::HashSet;
use std::fs;
use std::path::Path;

/// The names of all functions in the sources under `folder`.
fn functions(folder: &Path, names: &mut HashSet<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            functions(&path, names);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let stem = path.file_stem().unwrap().to_string_lossy().into_owned();
            let module = match stem.as_str() {
                "mod" => path.parent().unwrap().file_name().unwrap(),
                _ => stem.as_ref(),
            };
            let module = module.to_string_lossy().into_owned();
            let source = fs::read_to_string(&path).unwrap();
            let functions = source.lines().filter_map(|line| {
                let name = line.trim_start().strip_prefix("fn ")?;
                Some(name.split(['(', '<']).next()?.to_owned())
            });
            names.extend(functions.map(|name| format!("{module}::{name}")));
        }
    }
}

#[test]
fn every_test_that_the_requirements_name_exists() {
    let library = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = fs::read_to_string(library.join("docs/requirements.md")).unwrap();
    let mut own = HashSet::new();
    functions(&library.join("src"), &mut own);
    functions(&library.join("tests"), &mut own);
    let program = library.with_file_name("app_exporter").join("tests");
    let mut programs = HashSet::new();
    if program.is_dir() {
        // It is not there where the library's package stands alone.
        functions(&program, &mut programs);
    }
    let is_name = |text: &str| {
        let mut bytes = text.bytes();
        text.contains("::")
            && bytes.all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_' || b == b':')
    };
    let tables = page.split("\n## Example 1").next().unwrap();
    let named: Vec<&str> = tables.split('`').filter(|text| is_name(text)).collect();
    let missing: Vec<&&str> = named
        .iter()
        .filter(|name| match name.strip_prefix("app_exporter::") {
            Some(name) => program.is_dir() && !programs.contains(name),
            None => !own.contains(**name) && **name != "testing::assert_lint",
        })
        .collect();
    assert!(named.len() > 40, "{named:?}");
    assert!(missing.is_empty(), "{missing:?}");
}

/// The pages under `folder`, by their paths within `docs/`.
fn pages(folder: &Path, within: &str, found: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let name = format!("{within}{}", entry.file_name().to_string_lossy());
        if entry.path().is_dir() {
            pages(&entry.path(), &format!("{name}/"), found);
        } else {
            found.push(name);
        }
    }
}

#[test]
fn every_page_is_in_the_documentation_and_in_the_list() {
    let library = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    pages(&library.join("docs"), "", &mut found);
    // These two are parts of other pages.
    found.retain(|page| page != "front.md" && page != "index.md");
    assert!(found.len() > 15, "{found:?}");
    let module = fs::read_to_string(library.join("src/docs.rs")).unwrap();
    // The list is not there where the library's package stands alone.
    let list = fs::read_to_string(library.join("../../docs/README.md")).ok();
    for page in &found {
        assert!(module.contains(&format!("\"{page}\"")), "{page}");
        let link = format!("(../crates/exporter-kit/docs/{page})");
        assert!(
            list.as_ref().is_none_or(|list| list.contains(&link)),
            "{page}"
        );
    }
    let links = list.iter().flat_map(|list| list.split("](").skip(1));
    for link in links.filter_map(|rest| rest.split_once(')')) {
        assert!(
            library.join("../../docs").join(link.0).is_file(),
            "{}",
            link.0
        );
    }
}
