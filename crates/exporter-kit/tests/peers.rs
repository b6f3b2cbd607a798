//! Defects that were found in other Rust libraries, each with a test of this one.

use std::time::Duration;

use exporter_kit::{
    Counter, DefinitionError, Format, Histogram, NameErrorKind, RegisterError, Registry,
    SetupErrorKind, Summary,
};

/// The lines of the exposition that carry samples.
fn samples(registry: &Registry) -> Vec<String> {
    registry
        .to_text()
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(str::to_owned)
        .collect()
}

fn openmetrics(registry: &Registry) -> String {
    String::from_utf8(registry.scrape(Format::OpenMetrics).to_vec()).unwrap()
}

#[test]
fn label_values_that_join_to_the_same_text_are_two_series() {
    let registry = Registry::new();
    let family = registry
        .add(Counter::define("c_total", "h").labels(["a", "b"]))
        .unwrap();
    family.with(["ab", "c"]).inc();
    family.with(["a", "bc"]).inc_by(2);
    assert_eq!(
        samples(&registry),
        [
            "c_total{a=\"a\",b=\"bc\"} 2.0",
            "c_total{a=\"ab\",b=\"c\"} 1.0"
        ]
    );
}

#[test]
fn label_values_that_need_escaping_stay_apart_and_are_found_again() {
    let registry = Registry::new();
    let family = registry
        .add(Counter::define("c_total", "h").labels(["a", "b"]))
        .unwrap();
    let values = [
        "\\",
        "\\\\",
        "\"",
        "\\\"",
        "\n",
        "\\n",
        "\\\nx",
        "x\",b=\"y",
        "",
    ];
    for (amount, value) in (1u64..).zip(values) {
        family.with([value, "b"]).inc_by(amount);
        family.with(["a", value]).inc_by(amount);
    }
    assert_eq!(family.len(), 2 * values.len());
    for (amount, value) in (1u64..).zip(values) {
        assert_eq!(family.with([value, "b"]).get(), amount as f64, "{value:?}");
        assert_eq!(family.with(["a", value]).get(), amount as f64, "{value:?}");
    }
    assert!(
        registry
            .to_text()
            .contains("c_total{a=\"\\\\\\nx\",b=\"b\"} 7.0\n")
    );
}

#[test]
fn names_that_differ_in_what_is_escaped_do_not_become_one() {
    let registry = Registry::new();
    registry.gauge("a_b", "h").unwrap();
    for name in ["a.b", "a-b"] {
        let error = registry.gauge(name, "h").unwrap_err();
        assert!(
            matches!(&error, RegisterError::Definition(DefinitionError::Name(error)) if error.kind() == NameErrorKind::MetricCharacter)
        );
    }
    // A UTF-8 name is welcome where it is asked for, but not if readers without UTF-8 would see `a_b` twice.
    let utf8 = exporter_kit::Gauge::define("a.b", "h").utf8_names();
    assert!(matches!(
        registry.add(utf8),
        Err(RegisterError::Taken { .. })
    ));
    registry
        .add(exporter_kit::Gauge::define("c.d", "h").utf8_names())
        .unwrap();
    assert!(registry.to_text().contains("\nc_d 0.0\n"));
    assert!(openmetrics(&registry).contains("\n{\"c.d\"} 0.0\n"));
}

#[test]
fn a_counter_and_a_gauge_of_one_name_are_refused() {
    let registry = Registry::new();
    registry.counter("requests_total", "h").unwrap();
    let error = registry.gauge("requests", "h").unwrap_err();
    assert_eq!(
        error.to_string(),
        "family `requests` and the counter `requests_total` would both have samples named `requests`; \
         choose another name"
    );
    let error = registry.counter("requests_total", "h").unwrap_err();
    assert_eq!(
        error.to_string(),
        "family `requests_total` is already registered, as a counter; keep its handle and use it again, or \
         choose another name"
    );
}

#[test]
fn a_histogram_is_a_histogram_and_an_idle_quantile_is_nan() {
    let registry = Registry::new();
    registry.histogram("h_seconds", "h").unwrap().observe(1);
    let summary = Summary::define("s_seconds", "h").quantiles(&[0.5], Duration::from_secs(60));
    let summary = registry.add(summary).unwrap();
    let text = registry.to_text();
    assert!(text.contains("# TYPE h_seconds histogram\n"));
    assert!(text.contains("h_seconds_bucket{le=\"1.0\"} 1\n"));
    assert!(text.contains("s_seconds{quantile=\"0.5\"} NaN\n"));
    summary.observe(1);
    let value = summary.value().quantiles[0].1;
    assert!(
        (value - 1.0).abs() <= 0.0055,
        "{value} is beyond the error that the documentation states"
    );
}

#[test]
fn help_is_escaped_and_otherwise_left_alone() {
    let registry = Registry::new();
    registry
        .gauge("g", "a \"quoted\" \\ and\na second line")
        .unwrap();
    assert!(
        registry
            .to_text()
            .starts_with("# HELP g a \"quoted\" \\\\ and\\na second line\n")
    );
    assert!(
        openmetrics(&registry).contains("# HELP g a \\\"quoted\\\" \\\\ and\\na second line\n")
    );
}

#[test]
fn names_and_buckets_are_checked() {
    let registry = Registry::new();
    let reserved = registry
        .add(Histogram::define("h", "h").labels(["le"]))
        .unwrap_err();
    assert_eq!(
        reserved.to_string(),
        "name `le`: the label `le` belongs to the buckets of a histogram; choose another name"
    );
    let twice = registry
        .add(Counter::define("c_total", "h").labels(["a", "a"]))
        .unwrap_err();
    assert!(
        twice
            .to_string()
            .contains("a label set has each label name once")
    );
    let unsorted = registry
        .add(Histogram::define("h", "h").buckets(&[2.0, 1.0]))
        .unwrap_err();
    assert_eq!(
        unsorted,
        RegisterError::Definition(DefinitionError::Setup {
            name: "h".into(),
            kind: SetupErrorKind::BoundsNotRising
        })
    );
}

#[test]
fn an_infinite_observation_is_in_the_count_and_the_infinite_bucket() {
    let registry = Registry::new();
    let histogram = registry.histogram("h_seconds", "h").unwrap();
    histogram.observe(f64::INFINITY);
    histogram.observe(f64::NAN);
    let text = registry.to_text();
    assert!(text.contains("h_seconds_bucket{le=\"10.0\"} 0\n"));
    assert!(text.contains("h_seconds_bucket{le=\"+Inf\"} 2\n"));
    assert!(text.contains("h_seconds_count 2\n"));
}

#[test]
fn a_native_only_histogram_does_not_cost_the_text_formats_anything() {
    let registry = Registry::new();
    let native = registry
        .add(Histogram::define("native_seconds", "h").native())
        .unwrap();
    registry.gauge("other", "h").unwrap();
    native.observe(0.3);
    for text in [registry.to_text(), openmetrics(&registry)] {
        assert!(text.contains("native_seconds_bucket{le=\"+Inf\"} 1\n"));
        assert!(text.contains("native_seconds_count 1\n"));
        assert!(text.contains("other 0.0\n"));
    }
}

#[test]
fn large_numbers_are_short_and_counts_are_exact() {
    let registry = Registry::new();
    registry.gauge("g", "h").unwrap().set(1e300);
    registry
        .counter("c_total", "h")
        .unwrap()
        .inc_by((1u64 << 53) + 1);
    assert_eq!(
        samples(&registry),
        ["c_total 9007199254740993.0", "g 1e+300"]
    );
}

#[test]
fn holding_handles_while_a_series_is_made_does_not_block() {
    let registry = Registry::new();
    let family = registry
        .add(Counter::define("c_total", "h").labels(["l"]))
        .unwrap();
    let first = family.with(["1"]);
    let second = family.with(["2"]);
    let third = family.with(["3"]);
    first.inc();
    second.inc();
    third.inc();
    assert_eq!(samples(&registry).len(), 3);
    family.with(["1"]).inc();
    assert_eq!(first.get(), 2.0);
}

#[test]
fn a_histogram_that_nobody_scrapes_does_not_grow() {
    let registry = Registry::new();
    let histogram = registry
        .add(Histogram::define("h", "h").native().native_bucket_limit(8))
        .unwrap();
    for i in 0..200_000_u32 {
        histogram.observe(f64::from(i));
    }
    let native = histogram.value();
    assert_eq!(native.count(), 200_000);
    assert!(native.native().unwrap().positive.len() <= 8);
}

#[test]
fn openmetrics_names_a_counter_without_its_suffix() {
    let registry = Registry::new();
    registry.counter("process_cpu_seconds_total", "h").unwrap();
    assert_eq!(
        openmetrics(&registry),
        "# TYPE process_cpu_seconds counter\n# HELP process_cpu_seconds h\nprocess_cpu_seconds_total 0.0\n# EOF\n"
    );
}
