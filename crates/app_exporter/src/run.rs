//! Runs the exporter: serves the metrics and simulates sessions until told to stop.

use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Instant;

use anyhow::anyhow;
use exporter_kit::http::{ServeError, Server, WebFlags};
use exporter_kit::{BuildInfo, Registry};

use crate::cli::Options;
use crate::signals::Signal;
use crate::simulate::Simulation;
use crate::version::{BRANCH, REVISION, RUST_VERSION, VERSION};

/// Runs until one of the `signals` asks it to end, and then lets the scrapes finish that have begun.
pub(crate) fn run(options: &Options, signals: &Receiver<Signal>) -> anyhow::Result<()> {
    log::info!(version = VERSION, branch = BRANCH, revision = REVISION; "Starting app_exporter");
    let registry = Registry::new();
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
        match signals.recv_timeout(left) {
            Ok(Signal::Stop(signal)) => break signal,
            Ok(Signal::Reload) => reload(&server),
            Err(RecvTimeoutError::Timeout) => simulation.advance(Instant::now()),
            Err(RecvTimeoutError::Disconnected) => break "none",
        }
    };
    log::info!(signal; "Shutting down once the scrapes that have begun are answered");
    server.shutdown();
    log::info!("Stopped");
    Ok(())
}

/// Does what `/-/reload` does.
fn reload(server: &Server) {
    // A refusal is told where the configuration is read.
    if server.reloader().reload().is_ok() {
        log::info!("Reloaded");
    }
}

/// Starts the server, and says what it serves where.
fn serve(registry: &Registry, web: &WebFlags) -> anyhow::Result<Server> {
    let server = web
        .server(registry)
        .title("app_exporter")
        .description("Exports the active user sessions of an application.")
        .version(VERSION)
        .start()
        .map_err(|error| match error {
            ServeError::Listen { .. } => anyhow!("{error}; the flag is --web.listen-address"),
            ServeError::WebConfig(_) => anyhow!("{error}; the flag is --web.config.file"),
            ServeError::SystemdSocket(_) => anyhow!("{error}; the flag is --web.systemd-socket"),
            error => error.into(),
        })?;
    for address in server.local_addresses() {
        log::info!(address:%; "Listening on");
    }
    for path in server.socket_paths() {
        let address = format!("unix:{}", path.display());
        log::info!(address:%; "Listening on");
    }
    for url in server.urls() {
        log::info!(url:%; "Serving metrics");
    }
    Ok(server)
}
