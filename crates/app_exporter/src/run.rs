//! Runs the exporter: serves the metrics and simulates sessions until told to stop.

use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Instant;

use anyhow::anyhow;
use exporter_kit::http::{ServeError, Server};
use exporter_kit::{BuildInfo, ProcessCollector, Registry};

use crate::cli::{Options, Web};
use crate::simulate::Simulation;
use crate::version::{BRANCH, REVISION, RUST_VERSION, VERSION};

/// Runs until `stop` gives the signal to end, and then lets the scrapes finish that have begun.
pub(crate) fn run(options: &Options, stop: &Receiver<&'static str>) -> anyhow::Result<()> {
    log::info!(version = VERSION, branch = BRANCH, revision = REVISION; "Starting app_exporter");
    let registry = Registry::new();
    registry.register(ProcessCollector::new())?;
    let build = BuildInfo::new("app_exporter", VERSION)?;
    registry.register(
        build
            .revision(REVISION)
            .branch(BRANCH)
            .rust_version(RUST_VERSION),
    )?;
    let sessions = registry.gauge("app_active_sessions", "Number of active user sessions")?;
    // Before anybody can ask: no scrape ever sees a gauge without a value.
    let mut simulation = Simulation::start(sessions, options.simulation(), Instant::now());
    let server = serve(&registry, &options.web)?;
    let signal = loop {
        let left = simulation.due().saturating_duration_since(Instant::now());
        match stop.recv_timeout(left) {
            Ok(signal) => break signal,
            Err(RecvTimeoutError::Timeout) => simulation.advance(Instant::now()),
            Err(RecvTimeoutError::Disconnected) => break "none",
        }
    };
    log::info!(signal; "Shutting down once the scrapes that have begun are answered");
    server.shutdown();
    log::info!("Stopped");
    Ok(())
}

/// Starts the server, and says what it serves where.
fn serve(registry: &Registry, web: &Web) -> anyhow::Result<Server> {
    let mut builder = Server::builder(registry)
        .metrics_path(&web.telemetry_path)
        .title("app_exporter")
        .description("Exports the active user sessions of an application.")
        .version(VERSION)
        .web_config_file(&web.config_file);
    for address in &web.listen_addresses {
        builder = builder.listen(address.clone());
    }
    let server = builder.start().map_err(|error| match error {
        ServeError::Listen { .. } => anyhow!("{error}; the flag is --web.listen-address"),
        ServeError::WebConfig(_) => anyhow!("{error}; the flag is --web.config.file"),
        error => error.into(),
    })?;
    for address in server.local_addresses() {
        log::info!(address:%; "Listening on");
    }
    for url in server.urls() {
        log::info!(url:%; "Serving metrics");
    }
    Ok(server)
}
