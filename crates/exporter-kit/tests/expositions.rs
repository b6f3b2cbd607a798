//! Expositions of other exporters, as scraped: the series that Prometheus 3.5 stores of each, in every format.

use std::fs;
use std::path::Path;

use exporter_kit::Format;
use exporter_kit::parse::{self, Dialect};

use crate::stored::{assert_same, cases, expected, stored};

/// The content type and the text of a case that Prometheus reads without decompressing it.
fn exposition(case: &Path) -> Option<(Dialect, Vec<u8>)> {
    let headers = fs::read_to_string(case.join("headers")).unwrap();
    if headers.contains("Content-Encoding") {
        return None;
    }
    let content_type = headers.lines().next().unwrap();
    let content_type = content_type.strip_prefix("Content-Type: ").unwrap();
    let dialect = Dialect::of_content_type(content_type)?;
    Some((dialect, fs::read(case.join("exposition")).unwrap()))
}

#[test]
fn each_format_has_the_series_that_prometheus_stores() {
    let mut count = 0;
    for case in cases() {
        let Some((dialect, page)) = exposition(&case) else {
            continue;
        };
        count += 1;
        let of = case.display().to_string();
        let expected = expected(&case);
        let scraped = parse::as_scraped(&page, dialect).unwrap();
        assert_same(&stored(scraped.snapshot()), &expected, &of);

        let text = scraped.snapshot().encode(Format::Text);
        let again = parse::as_scraped(&text, Dialect::Text).unwrap();
        assert_eq!(again.left_out(), 0, "{of}: {:?}", again.faults());
        assert_same(
            &stored(again.snapshot()),
            &expected,
            &format!("{of} as text"),
        );

        let openmetrics = scraped.snapshot().encode(Format::OpenMetrics);
        if let Err(error) = parse::openmetrics(&openmetrics) {
            panic!("{of}: {error}\n{}", String::from_utf8_lossy(&openmetrics));
        }
        let again = parse::as_scraped(&openmetrics, Dialect::OpenMetrics).unwrap();
        assert_same(
            &stored(again.snapshot()),
            &expected,
            &format!("{of} as OpenMetrics"),
        );
    }
    assert_eq!(count, 29);
}

/// Found by a fuzzer: Prometheus reads times before 1970 in OpenMetrics, and rejects a whole text with one.
#[test]
fn a_time_before_1970_never_makes_a_text_that_prometheus_rejects() {
    let page = "# TYPE a gauge\na 0 -1\na 1 -0.25\na 2 5\n# EOF\n";
    let scraped = parse::as_scraped(page, Dialect::OpenMetrics).unwrap();
    assert_eq!(scraped.left_out(), 2, "{:?}", scraped.faults());
    let text = String::from_utf8(scraped.snapshot().encode(Format::Text)).unwrap();
    assert!(text.ends_with("\na 2.0 5000\n"), "{text}");

    // A collector's own.
    let snapshot = parse::openmetrics("# TYPE a gauge\na 0 -1\n# EOF\n").unwrap();
    for format in [Format::Text, Format::TextUtf8] {
        let text = String::from_utf8(snapshot.encode(format)).unwrap();
        assert!(text.ends_with("\na 0.0 0\n"), "{text}");
        let again = parse::as_scraped(&text, Dialect::Text).unwrap();
        assert_eq!(again.left_out(), 0);
    }
}
