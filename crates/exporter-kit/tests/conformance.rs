//! The published OpenMetrics parser cases: what should parse does, what should not is refused with a place.

use std::fs;
use std::path::Path;

use exporter_kit::parse;

#[test]
fn every_published_openmetrics_case_is_judged_rightly() {
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/conformance/openmetrics");
    let mut wrong = Vec::new();
    let mut count = 0;
    for case in fs::read_dir(&cases).unwrap() {
        let case = case.unwrap().path();
        let verdict = fs::read_to_string(case.join("test.json")).unwrap();
        let good = verdict.contains("\"shouldParse\": true");
        assert!(
            good || verdict.contains("\"shouldParse\": false"),
            "{case:?}"
        );
        let exposition = fs::read(case.join("metrics")).unwrap();
        let lines = exposition.split(|b| *b == b'\n').count();
        match parse::openmetrics(&exposition) {
            Ok(_) if good => {}
            Err(error) if !good => {
                assert!((1..=lines + 1).contains(&error.line()), "{case:?}: {error}");
            }
            other => wrong.push(format!("{}: {other:?}", case.display())),
        }
        count += 1;
    }
    assert_eq!(wrong, Vec::<String>::new());
    assert_eq!(count, 105);
}
