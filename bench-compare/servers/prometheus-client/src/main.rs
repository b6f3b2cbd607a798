//! The exercise's server with prometheus-client behind axum, as in the library's own example.

#[path = "../../serve.rs"]
mod serve;
#[path = "../../../src/workload.rs"]
#[allow(dead_code, reason = "it serves more than this program")]
mod workload;

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::routing::get;
use prometheus_client::encoding::{EncodeLabelSet, text::encode};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use serve::{arguments, keep_changing, sessions};
use workload::{EXERCISE, EXERCISE_HELP, GAUGE_FAMILIES, HELP, gauge_name, labels, value};

type FloatGauge = Gauge<f64, AtomicU64>;

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Series {
    method: String,
    status: String,
    instance: String,
}

fn main() -> std::io::Result<()> {
    let (port, series) = arguments();
    let mut registry = Registry::default();
    let mut gauges = Vec::new();
    if series == 1 {
        let gauge = FloatGauge::default();
        gauge.set(sessions(0));
        registry.register(EXERCISE, EXERCISE_HELP, gauge.clone());
        gauges.push(gauge);
    } else {
        for number in 0..GAUGE_FAMILIES {
            let family = Family::<Series, FloatGauge>::default();
            for series in 0..series / GAUGE_FAMILIES {
                let [method, status, instance] = labels(series);
                let gauge = family.get_or_create_owned(&Series {
                    method,
                    status,
                    instance,
                });
                gauge.set(value(number, series));
                gauges.push(gauge);
            }
            registry.register(gauge_name(number), HELP, family);
        }
    }
    std::thread::spawn(move || keep_changing(gauges.len(), |i, value| _ = gauges[i].set(value)));
    let registry = Arc::new(registry);
    let metrics = move || {
        let registry = Arc::clone(&registry);
        async move {
            let mut body = String::new();
            encode(&mut body, &registry).expect("writing to a string succeeds");
            (
                [(
                    CONTENT_TYPE,
                    "application/openmetrics-text; version=1.0.0; charset=utf-8",
                )],
                body,
            )
        }
    };
    // One thread: on two cores, beside the client, it answers more than several do.
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(async {
            let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
            axum::serve(listener, Router::new().route("/metrics", get(metrics))).await
        })
}
