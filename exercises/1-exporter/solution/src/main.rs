//! Exercise 1, solved: an exporter with one gauge.

use std::{env, error::Error, thread, time::Duration};

use exporter_kit::Registry;

fn main() -> Result<(), Box<dyn Error>> {
    let port = env::args().nth(1).map_or(Ok(8000), |port| port.parse())?;
    let registry = Registry::new();
    let active_sessions =
        registry.gauge("app_active_sessions", "Number of active user sessions")?;

    let collect_metrics = || active_sessions.set(fastrand::u32(10..=100));
    collect_metrics();

    let _server = exporter_kit::serve(([0, 0, 0, 0], port), &registry)?;
    println!("Metrics: http://localhost:{port}/metrics");

    loop {
        println!("A scrape now shows:\n{}", registry.to_text());
        thread::sleep(Duration::from_secs(5));
        collect_metrics();
    }
}
