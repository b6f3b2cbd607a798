//! The threat model is about tests that exist.

use std::fs;
use std::path::Path;

/// The folders of tests, from the workspace.
const PLACES: [&str; 7] = [
    "crates/exporter-kit/src",
    "crates/exporter-kit/tests",
    "crates/structural-gzip/tests",
    "crates/app_exporter/src",
    "crates/app_exporter/tests",
    "fuzz/src",
    "fuzz/tests",
];

fn read_all(folder: &Path, all: &mut String) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            read_all(&path, all);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            all.push_str(&fs::read_to_string(path).unwrap());
        }
    }
}

/// The last column of each table names functions, in backticks.
#[test]
fn every_test_that_the_threat_model_names_exists() {
    let home = Path::new(env!("CARGO_MANIFEST_DIR"));
    let workspace = home.join("../..");
    let mut sources = String::new();
    for place in PLACES {
        read_all(&workspace.join(place), &mut sources);
    }
    let page = fs::read_to_string(home.join("docs/security.md")).unwrap();
    let mut named = 0;
    for line in page.lines().filter(|line| line.starts_with("| ")) {
        let tests = line.trim_end_matches(" |").rsplit(" | ").next().unwrap();
        for test in tests.split('`').skip(1).step_by(2) {
            let function = format!("fn {test}(");
            assert!(sources.contains(&function), "no `{test}`, named in: {line}");
            named += 1;
        }
    }
    assert!(named > 25, "only {named} tests are named");
}
