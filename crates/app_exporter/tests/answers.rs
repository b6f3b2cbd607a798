//! `docs/answers.md` has an answer to each of the 22 things, and what it names exists.

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

#[test]
fn each_has_an_answer_that_is_shown() {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = fs::read_to_string(own.join("../../docs/answers.md")).expect("the page");
    let mut tests = HashSet::new();
    for folder in ["tests", "../exporter-kit/tests", "../exporter-kit/src"] {
        functions(&own.join(folder), None, &mut tests);
    }
    let rows = page.lines().filter(|line| line.starts_with("| ")).skip(1);
    let mut number = 0;
    for row in rows {
        number += 1;
        assert!(row.starts_with(&format!("| {number} | ")), "{row}");
        let shown = row.rsplit(" | ").next().expect("a last cell");
        let shown: Vec<_> = shown.split('`').skip(1).step_by(2).collect();
        assert!(!shown.is_empty(), "{row}");
        for name in shown {
            let exists = if name.ends_with(".yml") {
                own.join("tests/sources").join(name).exists()
            } else {
                tests.contains(name)
            };
            assert!(exists, "`{name}` in row {number}");
        }
    }
    assert_eq!(number, 22);
}
