//! A server inside a tokio program. It shares the runtime and ends with the program.
//!
//! `cargo run -p exporter-kit --example async_server`, then `curl http://localhost:8000/metrics` within ten seconds.

use std::time::Duration;

use exporter_kit::{Registry, Server};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let registry = Registry::new();
    let turns = registry.counter("turns_total", "Rounds of the program.")?;
    // Bind first: a port in use then ends the program at once.
    let server = Server::builder(&registry)
        .listen(":8000")
        .title("An asynchronous program")
        .bind()?;

    tokio::runtime::Runtime::new()?.block_on(async {
        // Any future ends the server: a signal, a channel, or here the end of the work.
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
