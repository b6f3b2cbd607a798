//! The exercise's server with vise and vise-exporter.

#[path = "../../serve.rs"]
mod serve;
#[path = "../../../src/workload.rs"]
#[allow(dead_code, reason = "it serves more than this program")]
mod workload;

#[path = "../../../src/peers/vise_families.rs"]
#[allow(dead_code, reason = "histograms are not served")]
mod vise_families;

use serve::{arguments, keep_changing, sessions};
use vise::{Format, Registry};
use vise_exporter::MetricsExporter;
use vise_families::{Exercise, GaugeFamilies, Series};
use workload::{GAUGE_FAMILIES, labels, value};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (port, series) = arguments();
    let mut registry = Registry::empty();
    let mut gauges = Vec::new();
    if series == 1 {
        let metrics = Exercise::default();
        metrics.active_sessions.set(sessions(0));
        registry.register_metrics(&metrics);
        gauges.push(metrics.active_sessions);
    } else {
        let metrics = GaugeFamilies::default();
        for (number, family) in metrics.all().into_iter().enumerate() {
            for series in 0..series / GAUGE_FAMILIES {
                let gauge = family[&Series::from(labels(series))].clone();
                gauge.set(value(number, series));
                gauges.push(gauge);
            }
        }
        registry.register_metrics(&metrics);
    }
    std::thread::spawn(move || keep_changing(gauges.len(), |i, value| _ = gauges[i].set(value)));
    let exporter = MetricsExporter::new(registry.into()).with_format(Format::Prometheus);
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(async {
            exporter.start(([127, 0, 0, 1], port).into()).await?;
            Ok(())
        })
}
