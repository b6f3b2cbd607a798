//! The exercise's server with prometheus_exporter, which serves the prometheus crate's registry.

#[path = "../../serve.rs"]
mod serve;
#[path = "../../../src/workload.rs"]
#[allow(dead_code, reason = "it serves more than this program")]
mod workload;

use prometheus_exporter::prometheus::{GaugeVec, Opts, register, register_gauge};
use serve::{arguments, keep_changing, sessions};
use workload::{EXERCISE, EXERCISE_HELP, GAUGE_FAMILIES, HELP, LABELS, gauge_name, labels, value};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (port, series) = arguments();
    let mut gauges = Vec::new();
    if series == 1 {
        let gauge = register_gauge!(EXERCISE, EXERCISE_HELP)?;
        gauge.set(sessions(0));
        gauges.push(gauge);
    } else {
        for number in 0..GAUGE_FAMILIES {
            let family = GaugeVec::new(Opts::new(gauge_name(number), HELP), &LABELS)?;
            register(Box::new(family.clone()))?;
            for series in 0..series / GAUGE_FAMILIES {
                let [method, status, instance] = &labels(series);
                let gauge = family.with_label_values(&[method, status, instance]);
                gauge.set(value(number, series));
                gauges.push(gauge);
            }
        }
    }
    let _exporter = prometheus_exporter::start(([127, 0, 0, 1], port).into())?;
    keep_changing(gauges.len(), |i, value| gauges[i].set(value))
}
