//! `docs/answers.md` answers requests and reports, and every test that it names exists.

use std::collections::HashSet;
use std::fs;
use std::path::Path;

/// The functions in the sources under `folder`, each behind the name of the first folder or file below `tests` or `src`.
fn functions(folder: &Path, area: Option<&str>, names: &mut HashSet<String>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let stem = path.file_stem().expect("a name").to_string_lossy();
        let area = area.unwrap_or(&stem);
        if path.is_dir() {
            functions(&path, Some(area), names);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let source = fs::read_to_string(&path).expect("text");
            let tests = source.split("#[test]").skip(1);
            let tests = tests.filter_map(|it| it.split("fn ").nth(1)?.split('(').next());
            names.extend(tests.map(|name| format!("{area}::{name}")));
        }
    }
}

/// Names in the last cell of a row that are neither a test nor a case of `tests/sources`; or the row, if it names nothing.
fn missing(row: &str, tests: &HashSet<String>) -> Vec<String> {
    let shown = row.rsplit(" | ").next().unwrap_or_default();
    let shown: Vec<_> = shown.split('`').skip(1).step_by(2).collect();
    if shown.is_empty() {
        return vec![row.to_owned()];
    }
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sources");
    let exists = |name: &str| match name.ends_with(".yml") {
        true => cases.join(name).exists(),
        false => tests.contains(name),
    };
    let shown = shown.into_iter().filter(|name| !exists(name));
    shown.map(str::to_owned).collect()
}

/// Names of the tests of the program and of the library.
fn tests() -> HashSet<String> {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut tests = HashSet::new();
    for folder in ["tests", "../exporter-kit/tests", "../exporter-kit/src"] {
        functions(&own.join(folder), None, &mut tests);
    }
    tests
}

#[test]
fn each_has_an_answer_that_is_shown() {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = fs::read_to_string(own.join("../../docs/answers.md")).expect("the page");
    let tests = tests();
    let (requests, reports) = page.split_once("\n## ").expect("two tables");
    let rows = |table| -> Vec<&str> {
        let lines = str::lines(table).filter(|line| line.starts_with("| "));
        lines.skip(1).collect()
    };
    let (requests, reports) = (rows(requests), rows(reports));
    for (i, row) in requests.iter().enumerate() {
        assert!(row.starts_with(&format!("| {} | ", i + 1)), "{row}");
    }
    assert_eq!((requests.len(), reports.len()), (22, 34));
    let all = requests.iter().chain(&reports);
    let missing: Vec<_> = all.flat_map(|row| missing(row, &tests)).collect();
    assert!(missing.is_empty(), "{missing:#?}");
}

#[test]
fn a_row_without_a_test_is_found() {
    let tests = HashSet::from(["a::b".to_owned()]);
    assert_eq!(
        missing("| 1 | x | `a::b`, `json.yml` |", &tests),
        Vec::<String>::new()
    );
    for (row, found) in [
        ("| 1 | x | `a::c` |", "a::c"),
        ("| 1 | x | `a::b`, `no.yml` |", "no.yml"),
        ("| 1 | `a::b` | it works |", "| 1 | `a::b` | it works |"),
    ] {
        assert_eq!(missing(row, &tests), [found]);
    }
}
