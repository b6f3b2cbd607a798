//! One collection of every case in `tests/sources`: a configuration in, an exposition and the failures out.

use std::fs;
use std::path::{Path, PathBuf};

use crate::program::end;

/// A case is a configuration; beside it is the exposition, rewritten with `UPDATE_GOLDEN=1`.
#[test]
fn every_case_gives_what_it_should() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sources");
    let cases = with_extension(&folder, "yml");
    assert!(!cases.is_empty());
    for case in cases {
        compare(&case.with_extension("txt"), &collect(&case));
    }
}

/// The metrics and failures of one collection, without what differs from run to run.
pub(crate) fn collect(config: &Path) -> String {
    let output = end(&["once", "--config.file", &config.to_string_lossy()], &[]);
    let metrics = String::from_utf8(output.stdout).expect("UTF-8");
    let failures = String::from_utf8(output.stderr).expect("UTF-8");
    let folder = config.parent().expect("a folder").display().to_string();
    let timed = ["_duration_seconds", "_last_success_timestamp_seconds"];
    let kept = metrics.lines().filter(|line| {
        let own = line.contains("app_exporter_source_");
        let varies = timed.iter().any(|name| line.contains(name));
        let none = line.contains("_errors_total{") && line.ends_with(" 0.0");
        !(own && (varies || none || line.starts_with('#')))
    });
    let failures = failures.lines().map(|line| line.replace(&folder, "."));
    let code = output.status.code();
    let mut text: String = kept.map(|line| format!("{line}\n")).collect();
    text.push_str(&format!("-- exit code {code:?}\n"));
    failures.for_each(|line| text.push_str(&format!("{line}\n")));
    text
}

pub(crate) fn with_extension(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("the folder");
    let mut paths: Vec<PathBuf> = entries
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|found| found == extension))
        .collect();
    paths.sort();
    paths
}

/// Compares with a file, or writes it if `UPDATE_GOLDEN` says so.
pub(crate) fn compare(golden: &Path, found: &str) {
    if std::env::var_os("UPDATE_GOLDEN").is_some_and(|value| value == "1") {
        fs::write(golden, found).expect("the golden file");
        return;
    }
    let expected = fs::read_to_string(golden).unwrap_or_default();
    assert!(
        found == expected,
        "{} differs; UPDATE_GOLDEN=1 writes it anew. It is now:\n{found}",
        golden.display()
    );
}
