//! The server inside a program that has a tokio runtime: it shares the runtime, and stops with the program.
//!
//! `cargo run --example async_server`, then `curl http://localhost:8000/metrics` within ten seconds.

use std::time::Duration;

use exporter_kit::{Registry, Server};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let registry = Registry::new();
    let turns = registry.counter("turns_total", "How often the program went around.")?;
    // Binding is done before the asynchronous part, so that a taken port ends the program at once.
    let server = Server::builder(&registry)
        .listen(":8000")
        .title("An asynchronous program")
        .bind()?;

    tokio::runtime::Runtime::new()?.block_on(async {
        // Any future does for a shutdown: a signal, a channel, or here the program's own work.
        let work = async {
            for _ in 0..100 {
                turns.inc();
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        };
        server.run(work).await?;
        Ok(())
    })
}
