//! A program that ends at Ctrl-C and at SIGTERM, and answers what has been asked before. The cookbook shows it.
//!
//! `cargo run -p exporter-kit --example shutdown`, then `curl` the address that it prints.
#![allow(clippy::print_stdout, reason = "a program tells its user its address")]

use exporter_kit::{Registry, serve};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut signals = Signals::new([SIGINT, SIGTERM])?;
    let registry = Registry::new();
    registry.counter("jobs_total", "Jobs done.")?.inc();
    let server = serve("127.0.0.1:0", &registry)?; // port 0: any free port
    println!("{}", server.urls()[0]);

    signals.forever().next(); // waits for a signal; the work runs on other threads
    server.shutdown();
    Ok(())
}
