//! Runs the exporter: serves what a configuration says, or simulated sessions, until told to stop.

use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Instant;

use anyhow::anyhow;
use exporter_kit::http::{ServeError, Server};
use exporter_kit::scrape::Sources;
use exporter_kit::{BuildInfo, ProcessCollector, Registry};

use crate::cli::{Options, Web};
use crate::config::Location;
use crate::configured::Configured;
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
    let file = options.config.file.as_ref().map(Location::new);
    let configured = file
        .map(|file| Configured::start(&file, &registry))
        .transpose()?;
    let (server, signal) = match &configured {
        Some(configured) => {
            let server = serve(&registry, &options.web, Some(configured.sources()))?;
            (server, stop.recv().unwrap_or("none"))
        }
        None => {
            let sessions =
                registry.gauge("app_active_sessions", "Number of active user sessions")?;
            // Before anybody can ask: no scrape ever sees a gauge without a value.
            let simulation = Simulation::start(sessions, options.simulation(), Instant::now());
            let server = serve(&registry, &options.web, None)?;
            (server, simulate(simulation, stop))
        }
    };
    log::info!(signal; "Shutting down once the scrapes that have begun are answered");
    server.shutdown();
    log::info!("Stopped");
    Ok(())
}

/// Simulates until the signal to end.
fn simulate(mut simulation: Simulation, stop: &Receiver<&'static str>) -> &'static str {
    loop {
        let left = simulation.due().saturating_duration_since(Instant::now());
        match stop.recv_timeout(left) {
            Ok(signal) => return signal,
            Err(RecvTimeoutError::Timeout) => simulation.advance(Instant::now()),
            Err(RecvTimeoutError::Disconnected) => return "none",
        }
    }
}

/// Starts the server, and says what it serves where.
fn serve(registry: &Registry, web: &Web, sources: Option<&Sources>) -> anyhow::Result<Server> {
    let mut builder = Server::builder(registry)
        .metrics_path(&web.telemetry_path)
        .title("app_exporter")
        .description("Exports the active user sessions of an application.")
        .version(VERSION);
    if let Some(sources) = sources {
        builder = builder.sources(sources);
    }
    for address in &web.listen_addresses {
        builder = builder.listen(address.clone());
    }
    let server = builder.start().map_err(|error| match error {
        ServeError::Listen { .. } => anyhow!("{error}; the flag is --web.listen-address"),
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
