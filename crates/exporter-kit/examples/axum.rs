//! Metrics of a service that has an HTTP server already: mount the handler beside its own routes.
//!
//! `cargo run --example axum`, then `curl http://localhost:8000/` and `curl http://localhost:8000/metrics`.

use axum::Router;
use axum::routing::get;
use exporter_kit::Registry;
use exporter_kit::scrape::MetricsHandler;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let registry = Registry::new();
    let greetings = registry.counter("greetings_total", "Greetings given.")?;
    let app = Router::new()
        .route(
            "/",
            get(move || async move {
                greetings.inc();
                "hello\n"
            }),
        )
        .route_service("/metrics", MetricsHandler::new(&registry));

    tokio::runtime::Runtime::new()?.block_on(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:8000").await?;
        axum::serve(listener, app).await?;
        Ok(())
    })
}
