//! Metrics about the requests of a service or a client, as a `tower` layer.

mod measurement;
mod request_metrics;
mod service;

pub use request_metrics::{RequestMetrics, RequestMetricsBuilder};
pub use service::{MeasuredFuture, MeasuredService};
