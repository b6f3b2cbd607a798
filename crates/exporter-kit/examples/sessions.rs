//! The exporter of the exercise, whole: a gauge that says how many sessions are active.
//!
//! `cargo run --example sessions`, then `curl http://localhost:8000/metrics`.

use std::{error::Error, thread::sleep, time::Duration};

use exporter_kit::{Registry, serve};

fn main() -> Result<(), Box<dyn Error>> {
    let registry = Registry::new();
    let active_sessions =
        registry.gauge("app_active_sessions", "Number of active user sessions")?;
    let _server = serve(([0, 0, 0, 0], 8000), &registry)?;
    loop {
        // A real exporter asks the application here.
        active_sessions.set(rand::random_range(10..=100));
        sleep(Duration::from_secs(5));
    }
}
