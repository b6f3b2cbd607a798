//! Metrics of a service that has an HTTP server already. The cookbook shows this program.
//!
//! `cargo run -p exporter-kit --features tower --example axum`, then `curl` the address that it prints.
#![allow(clippy::print_stdout, reason = "a program tells its user its address")]

use axum::extract::MatchedPath;
use axum::{Router, routing::get};
use exporter_kit::layer::RequestMetrics;
use exporter_kit::scrape::MetricsHandler;
use exporter_kit::{ProcessCollector, RegisterError, Registry};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use tokio::net::TcpListener;
use tokio::task::spawn_blocking;

fn app(registry: &Registry) -> Result<Router, RegisterError> {
    let metrics = RequestMetrics::builder(registry)
        .route(|request| {
            let route = request.extensions.get::<MatchedPath>();
            route.map(|route| route.as_str().to_owned())
        })
        .size_buckets([1_000.0, 10_000.0, 100_000.0, 1_000_000.0])
        .build()?;
    Ok(Router::new()
        .route("/users/{id}", get(|| async { "someone\n" }))
        .layer(metrics)
        .route_service("/metrics", MetricsHandler::new(registry)))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let registry = Registry::new();
    registry.register(ProcessCollector::new())?;
    let app = app(&registry)?;
    let listener = TcpListener::bind("127.0.0.1:0").await?; // port 0: any free port
    println!("http://{}/metrics", listener.local_addr()?);

    let mut signals = Signals::new([SIGINT, SIGTERM])?;
    let shutdown = async {
        let _ = spawn_blocking(move || signals.forever().next()).await;
    };
    axum::serve(listener, app)
        .with_graceful_shutdown(shutdown)
        .await?;
    Ok(())
}
