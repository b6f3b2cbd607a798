//! Metrics of the requests that a service answers, or that a client makes: a `tower` layer around either.

mod measurement;
mod request_metrics;
mod service;

pub use request_metrics::{RequestMetrics, RequestMetricsBuilder};
pub use service::{MeasuredFuture, MeasuredService};
