//! The parsers: what they make of an exposition, and what they say about a bad one.

use exporter_kit::parse::{self, ParseError, ParseErrorKind};
use exporter_kit::{Format, MetricType, Registry, Snapshot, Value};

fn om(body: &str) -> Result<Snapshot, ParseError> {
    parse::openmetrics(format!("{body}# EOF\n"))
}

/// As in the reference parser, but only with a timestamp and the same value.
#[test]
fn openmetrics_accepts_a_sample_again_with_the_same_timestamp_and_value() {
    for (lines, again) in [
        ("# TYPE a gauge\na 1 5\n", "a 1.0 5.000\n"),
        ("# TYPE a gauge\na NaN 5\n", "a NaN 5\n"),
        ("a{b=\"c\"} 1 5\n", "a{b=\"c\"} 1 5\n"),
        ("# TYPE a counter\na_total 1 5\n", "a_total 1 5\n"),
        (
            "# TYPE a counter\na_total 1 5 # {x=\"y\"} 1\na_created 1 5\n",
            "a_total 1 5 # {x=\"z\"} 1\na_created 1 5\n",
        ),
        (
            "# TYPE a info\na_info{b=\"c\"} 1 5\n",
            "a_info{b=\"c\"} 1 5\n",
        ),
        (
            "# TYPE a stateset\na{a=\"x\"} 1 5\na{a=\"y\"} 0 5\n",
            "a{a=\"x\"} 1 5\n",
        ),
        (
            "# TYPE a histogram\na_bucket{le=\"1\"} 1 5\na_bucket{le=\"+Inf\"} 2 5\na_count 2 5\na_sum 3 5\n",
            "a_bucket{le=\"1\"} 1 5\na_bucket{le=\"+Inf\"} 2 5\na_count 2 5\na_sum 3 5\n",
        ),
        (
            "# TYPE a gaugehistogram\na_bucket{le=\"+Inf\"} 2 5\na_gcount 2 5\na_gsum 3 5\n",
            "a_bucket{le=\"+Inf\"} 2 5\na_gcount 2 5\n",
        ),
        (
            "# TYPE a summary\na{quantile=\"0.5\"} 1 5\na_count 2 5\na_sum 3 5\n",
            "a{quantile=\"0.5\"} 1 5\na_sum 3 5\n",
        ),
    ] {
        let once = om(lines).unwrap();
        let twice =
            om(&format!("{lines}{again}")).unwrap_or_else(|error| panic!("{lines}: {error}"));
        assert_eq!(format!("{twice:?}"), format!("{once:?}"), "{lines}");
        // Without a timestamp a series is there twice.
        let plain = format!("{lines}{again}")
            .replace(" 5.000\n", "\n")
            .replace(" 5\n", "\n")
            .replace(" 5 #", " #");
        assert!(om(&plain).is_err(), "{plain}");
    }
    for other in [
        "# TYPE a gauge\na 1 5\na 2 5\n",
        "# TYPE a counter\na_total 1 5\na_total 2 5\n",
        "# TYPE a stateset\na{a=\"x\"} 1 5\na{a=\"x\"} 0 5\n",
        "# TYPE a histogram\na_bucket{le=\"1\"} 1 5\na_bucket{le=\"+Inf\"} 2 5\na_bucket{le=\"1\"} 2 5\n",
        "# TYPE a summary\na{quantile=\"0.5\"} 1 5\na{quantile=\"0.5\"} 2 5\n",
        "# TYPE a info\na_info{b=\"c\"} 1 5\na_info{b=\"c\"} 1 5\n# HELP a Late.\n",
    ] {
        assert!(om(other).is_err(), "{other}");
    }
}

#[test]
fn openmetrics_says_where_and_why() {
    use ParseErrorKind as F;
    let cases = [
        ("a 1\n\nb 1\n", 2, 1, F::BlankLine),
        ("# comment\n", 1, 1, F::Comment),
        ("# TYPE a gauge\n# TYPE a gauge\n", 2, 1, F::SecondType),
        ("# HELP a x\n# HELP a x\n", 2, 1, F::SecondHelp),
        ("# UNIT a_s s\n# UNIT a_s s\n", 2, 1, F::SecondUnit),
        ("# UNIT a_seconds s\n", 1, 18, F::Unit),
        ("# TYPE a_s info\n# UNIT a_s s\n", 2, 1, F::UnitOfType),
        ("# TYPE a untyped\n", 1, 10, F::Type),
        ("a 1\n# TYPE a gauge\n", 2, 10, F::LateMetadata),
        ("a 1\nb 1\na 1\n", 3, 1, F::Clash),
        (
            "# TYPE a counter\na_total 1\n# TYPE a_total gauge\n",
            3,
            1,
            F::Clash,
        ),
        (
            "# TYPE a histogram\n# TYPE a_sum gauge\na_sum 1\n",
            2,
            1,
            F::Clash,
        ),
        ("1a 1\n", 1, 1, F::MetricName),
        ("a.b 1\n", 1, 1, F::MetricName),
        ("{} 1\n", 1, 1, F::NoMetricName),
        ("{\"\"} 1\n", 1, 2, F::NoMetricName),
        ("a{\"b\"} 1\n", 1, 2, F::SecondMetricName),
        ("{\"a\",\"b\"} 1\n", 1, 6, F::SecondMetricName),
        ("a{b:c=\"1\"} 1\n", 1, 3, F::LabelName),
        ("a{__b=\"1\"} 1\n", 1, 3, F::ReservedLabel),
        ("a{é=\"1\"} 1\n", 1, 3, F::LabelName),
        (
            "a{\"é\"=\"1\",b=\"2\",b=\"3\"} 1\n",
            1,
            17,
            F::DuplicateLabel,
        ),
        ("a{b} 1\n", 1, 4, F::NoEquals),
        ("a{b=1} 1\n", 1, 5, F::NoQuote),
        ("a{b=\"1\\\"} 1\n", 1, 5, F::OpenQuote),
        ("a{b=\"1\";c=\"2\"} 1\n", 1, 8, F::NoComma),
        ("a{b=\"1\",} 1\n", 1, 9, F::LabelName),
        ("a{b=\"1\"}1\n", 1, 9, F::NoSpace),
        ("a\n", 1, 2, F::NoSpace),
        ("a \n", 1, 3, F::Number),
        ("a  1\n", 1, 3, F::Number),
        ("a 1 \n", 1, 5, F::Timestamp),
        ("a 1 2 3\n", 1, 6, F::Exemplar),
        ("a 1_0\n", 1, 3, F::Number),
        ("a 1\r\n", 1, 3, F::CarriageReturn),
        ("a 1e400\n", 1, 3, F::OutOfRange),
        ("a 1 1\na 3 1\n", 2, 1, F::Duplicate),
        ("a 1 1e3x\n", 1, 5, F::Timestamp),
        ("a 1 1\na 1\n", 2, 1, F::MixedTimestamps),
        ("a 1 2\na 1 1\n", 2, 1, F::Backwards),
        ("a 1\na 2\n", 2, 1, F::Duplicate),
        ("a 1 1\na 2 1.0\n", 2, 1, F::Duplicate),
        (
            "a{b=\"1\"} 1\na{b=\"2\"} 1\na{b=\"1\"} 1\n",
            3,
            1,
            F::Interleaved,
        ),
        (
            "a{b=\"1\",c=\"2\"} 1\na{b=\"2\"} 1\na{c=\"2\",b=\"1\"} 1\n",
            3,
            1,
            F::Interleaved,
        ),
        ("# TYPE a counter\na_total -1\n", 2, 9, F::NotACount),
        ("# TYPE a counter\na_total NaN\n", 2, 9, F::NotACount),
        ("# TYPE a counter\na_created 1\n", 2, 1, F::NoTotal),
        (
            "# TYPE a counter\na_total 1\na_created NaN\n",
            3,
            11,
            F::Timestamp,
        ),
        (
            "# TYPE a counter\na_total 1 # {b=\"1\"} 1 \n",
            2,
            23,
            F::Timestamp,
        ),
        (
            "# TYPE a counter\na_total 1 # b=\"1\"} 1\n",
            2,
            10,
            F::Exemplar,
        ),
        (
            "# TYPE a counter\na_total 1 # {b=\"1\"} 1 2 3\n",
            2,
            24,
            F::Trailing,
        ),
        (
            "# TYPE a gauge\na 1 # {b=\"1\"} 1\n",
            2,
            4,
            F::ExemplarPlace,
        ),
        ("# TYPE a info\na_info 2\n", 2, 8, F::InfoValue),
        (
            "# TYPE a info\na_info{b=\"1\"} 1\na_info 1\na_info{b=\"1\"} 1\n",
            4,
            1,
            F::Duplicate,
        ),
        ("# TYPE a stateset\na 1\n", 2, 1, F::State),
        ("# TYPE a stateset\na{a=\"x\"} 2\n", 2, 10, F::StateValue),
        (
            "# TYPE a stateset\na{a=\"x\"} 1\na{a=\"x\"} 0\n",
            3,
            1,
            F::Duplicate,
        ),
        ("# TYPE a summary\na 1\n", 2, 1, F::Quantile),
        (
            "# TYPE a summary\na{quantile=\"1.1\"} 1\n",
            2,
            1,
            F::Quantile,
        ),
        (
            "# TYPE a summary\na{quantile=\"1\"} -1\n",
            2,
            17,
            F::NegativeQuantile,
        ),
        (
            "# TYPE a summary\na_count{quantile=\"1\"} 1\n",
            2,
            1,
            F::TypeLabel,
        ),
        ("# TYPE a summary\na_count 1.5\n", 2, 9, F::NotWhole),
        ("# TYPE a histogram\na 1\n", 2, 1, F::SampleOfType),
        ("# TYPE a histogram\na_bucket 1\n", 2, 1, F::Le),
        ("# TYPE a histogram\na_bucket{le=\"Inf\"} 1\n", 2, 1, F::Le),
        (
            "# TYPE a histogram\na_bucket{le=\"2\"} 1\na_bucket{le=\"1\"} 1\n",
            3,
            1,
            F::BucketOrder,
        ),
        (
            "# TYPE a histogram\na_bucket{le=\"1\"} 2\na_bucket{le=\"+Inf\"} 1\n",
            3,
            21,
            F::BucketCount,
        ),
        (
            "# TYPE a histogram\na_bucket{le=\"1\"} 2\n",
            2,
            1,
            F::NoInfBucket,
        ),
        (
            "# TYPE a histogram\na_bucket{le=\"+Inf\"} 1\na_count 2\na_sum 1\n",
            4,
            1,
            F::CountMismatch,
        ),
        (
            "# TYPE a histogram\na_bucket{le=\"+Inf\"} 1\na_sum 1\n",
            3,
            1,
            F::SumWithoutCount,
        ),
        (
            "# TYPE a histogram\na_bucket{le=\"+Inf\"} 1\na_count 1\n",
            3,
            1,
            F::CountWithoutSum,
        ),
        (
            "# TYPE a histogram\na_bucket{le=\"-1\"} 1\na_bucket{le=\"+Inf\"} 1\na_count 1\na_sum 1\n",
            5,
            1,
            F::SumOfNegative,
        ),
        (
            "# TYPE a gaugehistogram\na_bucket{le=\"+Inf\"} 1\na_gcount 1\na_gsum -1\n",
            4,
            1,
            F::NegativeSum,
        ),
    ];
    for (body, line, column, fault) in cases {
        match om(body) {
            Ok(snapshot) => panic!("{body:?} should be refused, gave {snapshot:?}"),
            Err(error) => assert_eq!(
                (error.line(), error.column(), error.kind()),
                (line, column, fault),
                "{body:?}: {error}"
            ),
        }
    }
}

#[test]
fn openmetrics_ends_with_eof_and_nothing_else() {
    let fault = |text: &str| parse::openmetrics(text).unwrap_err().kind();
    assert_eq!(fault(""), ParseErrorKind::NoEof);
    assert_eq!(fault("a 1\n"), ParseErrorKind::NoEof);
    assert_eq!(fault("a 1\n# EOF \n"), ParseErrorKind::Comment);
    assert_eq!(fault("# EOF\n\n"), ParseErrorKind::AfterEof);
    assert_eq!(fault("# EOF\n# EOF\n"), ParseErrorKind::AfterEof);
    assert_eq!(fault("\u{feff}# EOF\n"), ParseErrorKind::ByteOrderMark);
    let error = parse::openmetrics(b"a 1\nb{c=\"\xff\"} 1\n# EOF\n").unwrap_err();
    assert_eq!(
        (error.line(), error.column(), error.kind()),
        (2, 6, ParseErrorKind::NotUtf8)
    );
    assert!(parse::openmetrics("# EOF").unwrap().families().is_empty());
}

#[test]
fn text_says_where_and_why() {
    use ParseErrorKind as F;
    let cases = [
        ("a 1", 1, 4, F::NoLineFeed),
        ("a b\n", 1, 3, F::Number),
        ("a 1 1.5\n", 1, 5, F::TimestampMillis),
        ("a 1 1 1\n", 1, 7, F::Trailing),
        ("  a{b=\"\\x\"} 1\n", 1, 8, F::Escape),
        ("# HELP a x\\y\n", 1, 11, F::Escape),
        ("# TYPE a info\n", 1, 10, F::Type),
        ("a 1\n# TYPE a gauge\n", 2, 1, F::SecondType),
        ("a{__name__=\"b\"} 1\n", 1, 3, F::ReservedLabel),
        ("a{b=\"1\",b=\"2\"} 1\n", 1, 9, F::DuplicateLabel),
        ("a{,} 1\n", 1, 3, F::LabelName),
        ("# TYPE a counter\na -1\n", 2, 3, F::NotACount),
        ("# TYPE a histogram\na 1\n", 2, 1, F::SampleOfType),
        (
            "# TYPE a histogram\na_bucket{le=\"1\"} 1\na_sum 1\n",
            3,
            1,
            F::NoInfBucket,
        ),
        (
            "# TYPE a histogram\na_bucket{le=\"1\"} 2\na_count 1\n",
            3,
            1,
            F::BucketCount,
        ),
        (
            "# TYPE a histogram\na_count{le=\"+Inf\"} 0\n",
            2,
            1,
            F::TypeLabel,
        ),
    ];
    for (body, line, column, fault) in cases {
        match parse::text(body) {
            Ok(snapshot) => panic!("{body:?} should be refused, gave {snapshot:?}"),
            Err(error) => assert_eq!(
                (error.line(), error.column(), error.kind()),
                (line, column, fault),
                "{body:?}: {error}"
            ),
        }
    }
}

#[test]
fn text_is_lenient_where_prometheus_is() {
    let snapshot = parse::text(
        "\n# a comment\n#TYPE x\n  # HELP  h  A histogram \n# TYPE h HISTOGRAM\t\n\
         h_count{ job = \"a\" , } 4\n\tu{}5 -7 \nh_bucket{le=\"2\",job=\"a\"}\t3\nh_bucket{job=\"a\",le=\"1\"} 1\n\
         # TYPE \"b c\" gauge\n{\"b c\",\"d e\"=\"f\"} 1\nu 6\nu 7\n\t",
    )
    .unwrap();
    let read = |name, labels| snapshot.value(name, labels);
    assert_eq!(read("h_bucket", &[("le", "1.0"), ("job", "a")]), Some(1.0));
    assert_eq!(read("h_bucket", &[("le", "+Inf"), ("job", "a")]), Some(4.0));
    assert_eq!(read("h_count", &[("job", "a")]), Some(4.0));
    assert_eq!(read("h_sum", &[("job", "a")]), None);
    assert_eq!(read("b c", &[("d e", "f")]), Some(1.0));
    assert_eq!(
        snapshot.family("h").unwrap().descriptor().help(),
        "A histogram "
    );
    // A series without a time is another than the same with one; the third `u` is a duplicate.
    assert_eq!(snapshot.family("u").unwrap().series().len(), 2);
    assert_eq!(snapshot.duplicates().collect::<Vec<_>>(), ["u"]);
}

#[test]
fn every_type_is_assembled_and_read_by_its_samples() {
    let snapshot = om(
        "# TYPE c counter\nc_total{x=\"1\"} 17 5.25 # {t=\"i\"} 0.5 5\nc_created{x=\"1\"} 1.5 5.25\n\
         # TYPE w histogram\n# UNIT h_s s\n# TYPE h_s gaugehistogram\nh_s_bucket{le=\"+Inf\"} 2\nh_s_gcount 2\nh_s_gsum 3\n\
         # TYPE s summary\ns{quantile=\"0.5\"} NaN\ns_count 0\n# TYPE i info\ni_info{v=\"1\"} 1\n\
         # TYPE e stateset\ne{e=\"on\"} 1\ne{e=\"off\"} 0\nu 9007199254740993\n",
    )
    .unwrap();
    let read = |name, labels| snapshot.value(name, labels);
    assert_eq!(read("c_total", &[("x", "1")]), Some(17.0));
    assert_eq!(read("c_created", &[("x", "1")]), Some(1.5));
    assert_eq!(read("h_s_bucket", &[("le", "Inf")]), Some(2.0));
    assert_eq!(read("h_s_gsum", &[]), Some(3.0));
    assert!(read("s", &[("quantile", "0.50")]).unwrap().is_nan());
    assert_eq!(
        (read("s_count", &[]), read("s_sum", &[])),
        (Some(0.0), None)
    );
    assert_eq!(read("i_info", &[("v", "1")]), Some(1.0));
    assert_eq!(
        (read("e", &[("e", "off")]), read("e", &[("e", "on")])),
        (Some(0.0), Some(1.0))
    );
    assert_eq!(snapshot.family("h_s").unwrap().descriptor().unit(), "s");
    assert_eq!(
        snapshot.family("w").unwrap().descriptor().metric_type(),
        MetricType::Histogram
    );
    let (_, point) = snapshot.family("c_total").unwrap().series().next().unwrap();
    let Value::Counter(_, Some(exemplar)) = point.value else {
        panic!("{point:?} has no exemplar");
    };
    assert_eq!(
        (exemplar.value(), point.timestamp.unwrap().as_millis()),
        (0.5, 5250)
    );
    // Whole numbers beyond 2^53 stay exact.
    let body = String::from_utf8(snapshot.encode(Format::OpenMetrics)).unwrap();
    assert!(body.contains("\nu 9007199254740993.0\n"), "{body}");
}

#[test]
fn a_snapshot_is_collected_like_any_metric() {
    let read = om("# TYPE c counter\nc_total{x=\"1\"} 17\n").unwrap();
    let registry = Registry::new();
    registry.register(read.clone()).unwrap();
    assert_eq!(registry.snapshot(), read);
    assert!(registry.counter("c_total", "Taken.").is_err());
}

#[test]
fn long_inputs_take_linear_time() {
    // Each of these would take minutes if its time grew with the square of its length.
    let labels: String = (0..200_000).map(|i| format!("l{i}=\"\",")).collect();
    om(&format!("a{{{}}} 1\n", labels.trim_end_matches(','))).unwrap();
    let states: String = (0..100_000)
        .map(|i| format!("e{{e=\"{i}\"}} 0\n"))
        .collect();
    om(&format!("# TYPE e stateset\n{states}")).unwrap();
    let moments: String = (0..200_000).map(|i| format!("a 1 {i}\n")).collect();
    parse::text(&moments).unwrap();
    om(&moments).unwrap();
    let families: String = (0..50_000).map(|i| format!("a{i} 1\n")).collect();
    om(&families).unwrap();
}

#[test]
fn text_whose_histogram_shares_a_sample_with_another_family_is_rejected() {
    let texts = [
        "bar_count 1\n# TYPE bar histogram\nbar_bucket{le=\"+Inf\"} 0\n",
        "# TYPE bar summary\nbar_count 1\n# TYPE bar_count gauge\nbar_count 2\n",
    ];
    for (text, line) in texts.into_iter().zip([3, 4]) {
        let error = parse::text(text).unwrap_err();
        assert_eq!((error.kind(), error.line()), (ParseErrorKind::Clash, line));
        // As scraped, both are kept, each with its own name and number.
        let scraped = parse::as_scraped(text, parse::Dialect::Text).unwrap();
        let again = scraped.snapshot().encode(Format::Text);
        let again = parse::as_scraped(again, parse::Dialect::Text).unwrap();
        let value = |read: &parse::Scraped, name| read.snapshot().value(name, &[]);
        assert_eq!(value(&again, "bar_count"), value(&scraped, "bar_count"));
        assert_eq!(again.left_out(), 0);
        parse::openmetrics(scraped.snapshot().encode(Format::OpenMetrics)).unwrap();
    }
    // A counter beside a gauge is usual in Go.
    let text = "# TYPE a gauge\na 1\n# TYPE a_total counter\na_total 2\n";
    let openmetrics = parse::text(text).unwrap().encode(Format::OpenMetrics);
    let read = parse::openmetrics(openmetrics).unwrap();
    assert_eq!(read.value("a_total", &[]), Some(2.0));
    assert_eq!(read.value("a", &[]), Some(1.0));
}

#[test]
fn a_sample_that_comes_twice_without_a_timestamp_is_rejected_in_openmetrics_whatever_its_type() {
    let families = [
        "# TYPE a gauge\na 1\na 1\n",
        "# TYPE a unknown\na 1\na 1\n",
        "# TYPE a counter\na_total 1\na_total 1\n",
        "# TYPE a counter\na_total 1\na_created 1\na_created 1\n",
        "# TYPE a info\na_info{b=\"1\"} 1\na_info{b=\"1\"} 1\n",
        "# TYPE a stateset\na{a=\"x\"} 1\na{a=\"x\"} 1\n",
        "# TYPE a summary\na{quantile=\"0.5\"} 1\na{quantile=\"0.5\"} 1\n",
        "# TYPE a summary\na_count 1\na_count 1\na_sum 1\n",
        "# TYPE a histogram\na_bucket{le=\"+Inf\"} 1\na_bucket{le=\"+Inf\"} 1\n",
        "# TYPE a histogram\na_bucket{le=\"+Inf\"} 1\na_sum 1\na_sum 1\na_count 1\n",
        "# TYPE a gaugehistogram\na_bucket{le=\"+Inf\"} 1\na_gsum 1\na_gsum 1\na_gcount 1\n",
    ];
    for family in families {
        assert!(om(family).is_err(), "{family}");
    }
}

#[test]
fn a_page_of_many_families_or_labels_is_read_and_written_in_linear_time() {
    let families: String = (0..40_000)
        .map(|i| format!("# TYPE f{i}_total counter\nf{i}_total 1\n"))
        .collect();
    let labels: String = (0..40_000).map(|i| format!("l{i}=\"v\",")).collect();
    let labels = format!("a{{{labels}\"x y\"=\"1\"}} 1\n");
    let quotes = "{\"\n".repeat(200_000);
    let began = std::time::Instant::now();
    for (page, left_out) in [(&families, 0), (&labels, 0), (&quotes, 200_000)] {
        let scraped = parse::as_scraped(page, parse::Dialect::Text).unwrap();
        assert_eq!(scraped.left_out(), left_out);
        for format in [Format::Text, Format::OpenMetrics, Format::Protobuf] {
            scraped.snapshot().encode(format);
        }
    }
    // Quadratic time would be minutes in a test build.
    assert!(began.elapsed().as_secs() < 20, "{:?}", began.elapsed());
}
