//! The exercise's server with opentelemetry-prometheus behind axum.

#[path = "../../serve.rs"]
mod serve;
#[path = "../../../src/workload.rs"]
#[allow(dead_code, reason = "it serves more than this program")]
mod workload;

use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::routing::get;
use opentelemetry::KeyValue;
use opentelemetry::metrics::MeterProvider as _;
use opentelemetry_sdk::metrics::SdkMeterProvider;
use prometheus::{Encoder as _, Registry, TextEncoder};
use serve::{arguments, keep_changing, sessions};
use workload::{EXERCISE, EXERCISE_HELP, GAUGE_FAMILIES, HELP, LABELS, gauge_name, labels, value};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (port, series) = arguments();
    let registry = Registry::new();
    // Names and labels as the other servers have them.
    let exporter = opentelemetry_prometheus::exporter()
        .with_registry(registry.clone())
        .without_counter_suffixes()
        .without_units()
        .without_target_info()
        .scope_info_enabled(false)
        .build()?;
    // It stops the instruments when it is dropped.
    let provider = SdkMeterProvider::builder().with_reader(exporter).build();
    let meter = provider.meter("bench");
    let mut gauges = Vec::new();
    if series == 1 {
        let gauge = meter.f64_gauge(EXERCISE).with_description(EXERCISE_HELP);
        let gauge = gauge.build();
        gauge.record(sessions(0), &[]);
        gauges.push((gauge, Vec::new()));
    } else {
        for number in 0..GAUGE_FAMILIES {
            let family = meter.f64_gauge(gauge_name(number)).with_description(HELP);
            let family = family.build();
            for series in 0..series / GAUGE_FAMILIES {
                let pairs = LABELS.into_iter().zip(labels(series));
                let attributes: Vec<KeyValue> = pairs
                    .map(|(name, value)| KeyValue::new(name, value))
                    .collect();
                family.record(value(number, series), &attributes);
                gauges.push((family.clone(), attributes));
            }
        }
    }
    std::thread::spawn(move || {
        keep_changing(gauges.len(), |i, value| {
            let (gauge, attributes) = &gauges[i];
            gauge.record(value, attributes);
        })
    });
    let metrics = move || {
        let registry = registry.clone();
        async move {
            let mut body = Vec::new();
            TextEncoder::new()
                .encode(&registry.gather(), &mut body)
                .expect("writing to memory succeeds");
            ([(CONTENT_TYPE, prometheus::TEXT_FORMAT)], body)
        }
    };
    // One thread: on two cores, beside the client, it answers more than several do.
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(async {
            let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
            axum::serve(listener, Router::new().route("/metrics", get(metrics))).await
        })?;
    Ok(())
}
