//! Names of samples that two families of one exposition would have.

use std::collections::HashSet;

use exporter_kit::parse::{self, Dialect, ParseErrorKind};
use exporter_kit::{Format, Snapshot};

/// Types with samples of several names: the family, one of its samples, and the name of another one.
const FAMILIES: [(&str, &str, &str); 5] = [
    ("histogram", "bar_bucket{le=\"+Inf\"} 0", "bar_count"),
    ("histogram", "bar_bucket{le=\"+Inf\"} 0", "bar_sum"),
    ("histogram", "bar_count 0", "bar_bucket"),
    ("summary", "bar{quantile=\"0.5\"} 0", "bar_count"),
    ("summary", "bar{quantile=\"0.5\"} 0", "bar_sum"),
];

/// Asserts that no format writes a sample twice.
fn assert_each_sample_once(snapshot: &Snapshot, page: &str) {
    for format in [Format::Text, Format::TextUtf8, Format::OpenMetrics] {
        let body = String::from_utf8(snapshot.encode(format)).unwrap();
        let mut seen = HashSet::new();
        for line in body.lines().filter(|line| !line.starts_with('#')) {
            let (series, _) = line.rsplit_once(' ').unwrap();
            assert!(seen.insert(series), "{page}\nbecame {format}\n{body}");
        }
    }
}

/// Found by a fuzzer: the histogram's own count was written beside the other family.
#[test]
fn a_family_named_like_a_sample_of_another_is_rejected() {
    let page = "bar_count 1\n#TYPE bar histogram\nbar_bucket{a=\"\",le=\"Inf\"}0\n";
    let error = parse::text(page).unwrap_err();
    assert_eq!(error.kind(), ParseErrorKind::Clash, "{error}");
    for (metric_type, sample, other) in FAMILIES {
        let family = format!("# TYPE bar {metric_type}\n{sample}\n");
        let other = format!("# TYPE {other} gauge\n{other} 1\n");
        for page in [format!("{other}{family}"), format!("{family}{other}")] {
            let error = parse::text(&page).unwrap_err();
            assert_eq!(error.kind(), ParseErrorKind::Clash, "{page}: {error}");
            assert!(
                parse::openmetrics(format!("{page}# EOF\n")).is_err(),
                "{page}"
            );
        }
    }
}

/// Pages of other exporters are passed on, but a sample is never written twice.
#[test]
fn a_page_with_such_families_is_passed_on_with_each_sample_once() {
    for (metric_type, sample, other) in FAMILIES {
        let family = format!("# TYPE bar {metric_type}\n{sample}\n");
        for other in [
            format!("{other} 1\n"),
            format!("# TYPE {other} gauge\n{other} 1\n"),
        ] {
            for page in [format!("{other}{family}"), format!("{family}{other}")] {
                let scraped = parse::as_scraped(&page, Dialect::Text).unwrap();
                assert_each_sample_once(scraped.snapshot(), &page);
            }
        }
    }
}

/// Found by a fuzzer: a declared family without samples is not shown, and takes no other family's type.
#[test]
fn a_family_without_samples_claims_no_name() {
    let shown = "# TYPE a_total counter\na_total 3\n";
    for empty in ["histogram", "counter", "gauge", "summary"] {
        let page = format!("# TYPE a {empty}\n{shown}");
        let snapshot = parse::text(&page).unwrap();
        let body = String::from_utf8(snapshot.encode(Format::OpenMetrics)).unwrap();
        assert!(body.starts_with("# TYPE a counter\n"), "{page}\n{body}");
        assert!(body.contains("\na_total 3.0\n"), "{page}\n{body}");
        let again = parse::text(snapshot.encode(Format::TextUtf8)).unwrap();
        assert_eq!(again.encode(Format::OpenMetrics), body.as_bytes(), "{page}");
        let scraped = parse::as_scraped(&page, Dialect::Text).unwrap();
        let passed_on = scraped.snapshot().encode(Format::OpenMetrics);
        assert!(passed_on.starts_with(b"# TYPE a counter\n"), "{page}");
    }
}
