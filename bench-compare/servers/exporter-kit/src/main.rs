//! The exercise's server with exporter-kit.

#[path = "../../serve.rs"]
mod serve;
#[path = "../../../src/workload.rs"]
#[allow(dead_code, reason = "it serves more than this program")]
mod workload;

use exporter_kit::{Gauge, Registry, Server};
use serve::{arguments, keep_changing, sessions};
use workload::{EXERCISE, EXERCISE_HELP, GAUGE_FAMILIES, HELP, LABELS, gauge_name, labels, value};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (port, series) = arguments();
    let registry = Registry::new();
    let mut gauges = Vec::new();
    if series == 1 {
        let gauge = registry.gauge(EXERCISE, EXERCISE_HELP)?;
        gauge.set(sessions(0));
        gauges.push(gauge);
    } else {
        for number in 0..GAUGE_FAMILIES {
            let name = gauge_name(number);
            let family = registry.add(Gauge::define(&name, HELP).labels(LABELS))?;
            for series in 0..series / GAUGE_FAMILIES {
                let [method, status, instance] = &labels(series);
                let gauge = family.with([method, status, instance]);
                gauge.set(value(number, series));
                gauges.push(gauge);
            }
        }
    }
    // The peers show nothing of their own.
    let _server = Server::builder(&registry)
        .listen(([127, 0, 0, 1], port))
        .self_metrics(false)
        .start()?;
    keep_changing(gauges.len(), |i, value| gauges[i].set(value))
}
