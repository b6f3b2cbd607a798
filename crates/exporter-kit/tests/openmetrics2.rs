//! OpenMetrics 2.0, release candidate 0: one golden text with every type.

use std::time::Duration;

use exporter_kit::{Counter, Format, Gauge, Histogram, Registry, StateSet, Summary};

#[test]
fn every_type_is_one_line_a_point() {
    let registry = Registry::new();
    registry
        .counter("c_total", "Count \"it\".")
        .unwrap()
        .inc_by(2);
    registry
        .add(Gauge::define("g.x", "h").unit("x").utf8_names())
        .unwrap_err();
    registry
        .add(Gauge::define("g.x", "h").utf8_names().labels(["l.y"]))
        .unwrap()
        .with(["v"])
        .set(1.5);
    let both = Histogram::define("h_seconds", "h")
        .unit("seconds")
        .buckets(&[1.0])
        .native_schema(0);
    let both = registry.add(both).unwrap();
    [1.0, 1.0, 3.0, 20.0, -2.0, 0.0]
        .into_iter()
        .for_each(|value| both.observe(value));
    registry.add(Histogram::define("n", "h").native()).unwrap();
    registry.info("i_info", "h", &[("version", "1")]).unwrap();
    registry
        .add(StateSet::define("phase", "h", &["on", "off"]))
        .unwrap()
        .set("on");
    let summary = Summary::define("s", "h").quantiles(&[0.5], Duration::from_secs(60));
    registry.add(summary).unwrap();
    registry
        .add(Counter::define("l_total", "h").labels(["a"]))
        .unwrap()
        .with(["b"])
        .inc();

    let text = String::from_utf8(registry.scrape(Format::OpenMetrics2).to_vec()).unwrap();
    // Start timestamps are the time of this test.
    let lines: Vec<&str> = text
        .lines()
        .map(|line| line.split(" st@").next().unwrap_or(line))
        .collect();
    let expected = r#"# TYPE c_total counter
# HELP c_total Count \"it\".
c_total 2.0
# TYPE "g.x" gauge
# HELP "g.x" h
{"g.x","l.y"="v"} 1.5
# TYPE h_seconds histogram
# UNIT h_seconds seconds
# HELP h_seconds h
h_seconds {count:6,sum:23.0,schema:0,zero_threshold:2.938735877055719e-39,zero_count:1,negative_spans:[1:1],negative_buckets:[1],positive_spans:[0:1,1:1,2:1],positive_buckets:[2,1,1],bucket:[1.0:4,+Inf:6]}
# TYPE i_info info
# HELP i_info h
i_info{version="1"} 1
# TYPE l_total counter
# HELP l_total h
l_total{a="b"} 1.0
# TYPE n histogram
# HELP n h
n {count:0,sum:0.0,schema:3,zero_threshold:2.938735877055719e-39,zero_count:0}
# TYPE phase stateset
# HELP phase h
phase{phase="on"} 1
phase{phase="off"} 0
# TYPE s summary
# HELP s h
s {count:0,sum:0.0,quantile:[0.5:NaN]}
# EOF"#;
    assert_eq!(lines.join("\n"), expected);
    assert!(text.contains("c_total 2.0 st@"));
}
