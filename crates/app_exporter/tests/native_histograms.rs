//! Histograms go over protobuf into a real Prometheus, which says of them what was observed.

use std::net::SocketAddr;
use std::path::PathBuf;

use exporter_kit::{Histogram, Registry};

use crate::support::{Prometheus, Scratch, require};

/// A Prometheus configuration that scrapes `target` each second.
pub(crate) fn config(scratch: &Scratch, target: SocketAddr) -> PathBuf {
    let config = format!(
        "global: {{scrape_interval: 1s}}\n\
         scrape_configs:\n\
         - job_name: proof\n\
        \x20 static_configs:\n\
        \x20 - targets: ['{target}']\n"
    );
    scratch.write("prometheus.yml", &config)
}

/// The observations in order of size, and the histogram that has them.
struct Observed {
    name: &'static str,
    histogram: Histogram,
    values: Vec<f64>,
}

impl Observed {
    fn new(
        registry: &Registry,
        definition: exporter_kit::Definition<'static, Histogram>,
        name: &'static str,
        mut values: Vec<f64>,
    ) -> Self {
        let histogram = registry.add(definition).expect("a valid definition");
        values.iter().for_each(|value| histogram.observe(*value));
        values.sort_by(f64::total_cmp);
        Self {
            name,
            histogram,
            values,
        }
    }

    /// By how much a value may differ from another one in its native bucket, at most.
    fn bucket_width(&self, value: f64) -> f64 {
        let histogram = self.histogram.value();
        let native = histogram.native().expect("it has native buckets");
        let growth = (-f64::from(native.schema)).exp2().exp2();
        value.abs() * (growth - 1.0) + native.zero_threshold
    }

    fn check(&self, prometheus: &Prometheus) {
        let name = self.name;
        let ask = |expression: &str| prometheus.value(expression);
        let count = self.values.len() as f64;
        assert_eq!(ask(&format!("histogram_count({name})")), count, "{name}");
        let sum: f64 = self.values.iter().sum();
        let read = ask(&format!("histogram_sum({name})"));
        assert!(
            (read - sum).abs() <= 1e-9 * sum.abs().max(1.0),
            "{name}: {read} for {sum}"
        );
        for quantile in [0.01, 0.25, 0.5, 0.9, 0.99] {
            let read = ask(&format!("histogram_quantile({quantile}, {name})"));
            let rank = (quantile * count).ceil().max(1.0) as usize;
            let exact = self.values[rank - 1];
            assert!(
                (read - exact).abs() <= self.bucket_width(exact),
                "{name}, quantile {quantile}: {read} for {exact}, {:?}",
                self.histogram.value(),
            );
        }
    }
}

#[test]
fn a_real_prometheus_reads_native_histograms_as_they_were_observed() {
    let Some(program) = require("prometheus") else {
        return;
    };
    let registry = Registry::new();
    let define = Histogram::define;
    let hundredths = || (1..=1000).map(|i| f64::from(i) / 100.0).collect::<Vec<_>>();
    let natives = [
        Observed::new(
            &registry,
            define("native_only_seconds", "h").native(),
            "native_only_seconds",
            hundredths(),
        ),
        Observed::new(
            &registry,
            define("fine_seconds", "h")
                .native_schema(8)
                .native_bucket_limit(5000),
            "fine_seconds",
            hundredths(),
        ),
        Observed::new(
            &registry,
            define("both_seconds", "h").buckets(&[0.5, 2.5]).native(),
            "both_seconds",
            hundredths(),
        ),
        Observed::new(
            &registry,
            define("around_zero_celsius", "h").native_zero_threshold(0.5),
            "around_zero_celsius",
            (-300..=500).map(|i| f64::from(i) / 10.0).collect(),
        ),
        Observed::new(
            &registry,
            define("coarse_bytes", "h")
                .native_schema(5)
                .native_bucket_limit(8),
            "coarse_bytes",
            (0..40).map(|i| 1.3_f64.powi(i)).collect(),
        ),
    ];
    registry
        .add(define("never_seconds", "h").native())
        .expect("a valid definition");
    let unreal = registry
        .add(define("unreal_seconds", "h").native())
        .expect("a valid definition");
    [1.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY]
        .into_iter()
        .for_each(|value| unreal.observe(value));
    let classic = registry
        .add(define("classic_only_seconds", "h").buckets(&[1.0, 5.0]))
        .expect("a valid definition");
    [0.5, 1.0, 3.0, 9.0]
        .into_iter()
        .for_each(|value| classic.observe(value));

    let server = exporter_kit::serve("127.0.0.1:0", &registry).expect("a free port");
    let scratch = Scratch::new("native_histograms");
    let config = config(&scratch, server.local_addresses()[0]);
    let prometheus = Prometheus::start(
        &program,
        &scratch,
        &config,
        &["--enable-feature=native-histograms"],
    );

    prometheus.wait_for("classic_only_seconds_count", |result| {
        result.get(0).cloned()
    });
    for observed in &natives {
        observed.check(&prometheus);
    }
    let ask = |expression: &str| prometheus.value(expression);
    assert_eq!(ask("histogram_count(never_seconds)"), 0.0);
    assert_eq!(ask("histogram_count(unreal_seconds)"), 4.0);
    assert!(ask("histogram_sum(unreal_seconds)").is_nan());
    assert_eq!(ask("classic_only_seconds_count"), 4.0);
    assert_eq!(ask("classic_only_seconds_sum"), 13.5);
    assert_eq!(
        ask("classic_only_seconds_bucket{le=\"1\"} or classic_only_seconds_bucket{le=\"1.0\"}"),
        2.0
    );
    assert_eq!(
        ask("histogram_quantile(0.5, classic_only_seconds_bucket)"),
        1.0
    );

    // Between two scrapes the resolution falls further.
    let mut coarse = natives.into_iter().last().expect("there are some");
    let schema = |observed: &Observed| {
        observed
            .histogram
            .value()
            .native()
            .map(|native| native.schema)
    };
    let before = schema(&coarse);
    for value in (0..40).map(|i| 7.0_f64.powi(i)) {
        coarse.histogram.observe(value);
        coarse.values.push(value);
    }
    coarse.values.sort_by(f64::total_cmp);
    assert!(schema(&coarse) < before, "{before:?}");
    prometheus.wait_for("histogram_count(coarse_bytes) == 80", |result| {
        result.get(0).cloned()
    });
    coarse.check(&prometheus);
    prometheus.assert_scraped_without_error();
}
