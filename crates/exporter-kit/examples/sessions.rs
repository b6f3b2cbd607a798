//! An exporter with one gauge. The READMEs and the guide show this program.
//!
//! `cargo run -p exporter-kit --example sessions`, then `curl` the address that it prints.
#![allow(clippy::print_stdout, reason = "a program tells its user its address")]

use exporter_kit::{Registry, serve};
use std::{error::Error, thread::sleep, time::Duration};

fn main() -> Result<(), Box<dyn Error>> {
    let registry = Registry::new();
    let sessions = registry.gauge("app_active_sessions", "Number of active user sessions")?;
    let server = serve("127.0.0.1:0", &registry)?; // port 0: any free port
    println!("{}", server.urls()[0]);
    loop {
        sessions.set(45); // ask your application here
        sleep(Duration::from_secs(5));
    }
}
