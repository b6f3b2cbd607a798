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
