//! Fails in the way that its argument names, with a `main` as the guide has it. `tests/examples.rs` runs it.

use std::error::Error;

use exporter_kit::{Registry, serve};

fn main() -> Result<(), Box<dyn Error>> {
    let registry = Registry::new();
    let sessions = registry.gauge("app_active_sessions", "Number of active user sessions")?;
    sessions.set(45);
    match std::env::args().nth(1).as_deref() {
        Some("name") => drop(registry.counter("requests", "Requests.")?),
        Some("twice") => drop(registry.gauge("app_active_sessions", "The same again.")?),
        Some("file") => registry.write_text_file("/no/such/folder/app.prom")?,
        Some("port") => {
            let first = serve("127.0.0.1:0", &registry)?;
            let _second = serve(first.local_addresses()[0], &registry)?;
        }
        other => return Err(format!("no such way to fail: {other:?}").into()),
    }
    Ok(())
}
