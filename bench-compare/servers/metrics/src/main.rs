//! The exercise's server with metrics-exporter-prometheus and its own listener.

#[path = "../../serve.rs"]
mod serve;
#[path = "../../../src/workload.rs"]
#[allow(dead_code, reason = "it serves more than this program")]
mod workload;

use metrics::{describe_gauge, gauge};
use metrics_exporter_prometheus::PrometheusBuilder;
use serve::{arguments, keep_changing, sessions};
use workload::{EXERCISE, EXERCISE_HELP, GAUGE_FAMILIES, HELP, gauge_name, labels, value};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (port, series) = arguments();
    PrometheusBuilder::new()
        .with_http_listener(([127, 0, 0, 1], port))
        .install()?;
    let mut gauges = Vec::new();
    if series == 1 {
        describe_gauge!(EXERCISE, EXERCISE_HELP);
        let gauge = gauge!(EXERCISE);
        gauge.set(sessions(0));
        gauges.push(gauge);
    } else {
        for number in 0..GAUGE_FAMILIES {
            describe_gauge!(gauge_name(number), HELP);
            for series in 0..series / GAUGE_FAMILIES {
                let [method, status, instance] = labels(series);
                let name = gauge_name(number);
                let gauge =
                    gauge!(name, "method" => method, "status" => status, "instance" => instance);
                gauge.set(value(number, series));
                gauges.push(gauge);
            }
        }
    }
    keep_changing(gauges.len(), |i, value| gauges[i].set(value))
}
