//! Runs the exporter: serves what a configuration says until a signal ends it.

use std::sync::Arc;

use anyhow::anyhow;
use exporter_kit::server::{ReloadError, ServeError, Server};
use exporter_kit::toolkit::{SystemdSocketError, WebConfigError, WebFlags};
use exporter_kit::{BuildInfo, Registry};

use crate::cli::Options;
use crate::configured::Configured;
use crate::open_files;
use crate::setup::Location;
use crate::signals::{Signal, Signals};
use crate::simulate;
use crate::version::{BRANCH, REVISION, RUST_VERSION, VERSION};

/// Runs until one of the `signals` stops it, and then finishes the scrapes in progress.
pub(crate) fn run(options: &Options, signals: &Signals) -> anyhow::Result<()> {
    log::info!(version = VERSION, branch = BRANCH, revision = REVISION; "Starting app_exporter");
    open_files::raise_limit();
    let registry = Registry::new();
    let build = BuildInfo::new("app_exporter", VERSION)?;
    registry.register(
        build
            .revision(REVISION)
            .branch(BRANCH)
            .rust_version(RUST_VERSION),
    )?;
    let location = match &options.config.file {
        Some(file) => Location::new(file),
        None => Location::built_in(simulate::configuration(&options.simulation())),
    };
    let interval = options.config.watch_interval;
    let is_watched = !location.is_built_in() && !interval.is_zero();
    let is_simulated = location.is_built_in();
    if is_simulated {
        let help = "Always 1: the exporter runs without a configuration file, so its sessions are random numbers.";
        registry.gauge("app_exporter_simulated", help)?.set(1);
    }
    let configured = Configured::start(location, &registry, options.memory())?;
    let server = serve(&registry, &options.web, &configured, is_simulated)?;
    // Nothing else reads files before the first reload.
    signals.begin();
    log_addresses(&server);
    let reloader = server.reloader();
    let _watch = is_watched
        .then(|| configured.watch(interval, move || announce(&reloader.reload())))
        .transpose()?;
    let signal = wait(&server, signals);
    log::info!(signal; "Shutting down after the scrapes in progress");
    server.shutdown();
    log::info!("Stopped");
    Ok(())
}

/// Reloads at each signal to reload, until a signal to stop. A reload that hangs does not delay the stop.
fn wait(server: &Server, signals: &Signals) -> &'static str {
    loop {
        match signals.recv() {
            Ok(Signal::Stop(signal)) => return signal,
            Ok(Signal::Reload) => server.reloader().reload_then(|it| announce(&it)),
            Err(_) => return "none",
        }
    }
}

fn announce(reloaded: &Result<(), ReloadError>) {
    // A failure is logged by the server.
    if reloaded.is_ok() {
        log::info!("Reloaded");
    }
}

/// Starts the server.
fn serve(
    registry: &Registry,
    web: &WebFlags,
    configured: &Configured,
    is_simulated: bool,
) -> anyhow::Result<Server> {
    let prober = Arc::clone(configured.prober());
    let mut builder = web
        .server(registry)
        .title("app_exporter")
        .description("Exports the active user sessions of an application.")
        .version(VERSION)
        .lifecycle_hint(
            "start app_exporter with --web.enable-lifecycle, or with APP_EXPORTER_WEB_ENABLE_LIFECYCLE=true in its environment",
        )
        .probe("/probe", move |query| prober.choose(query))
        .page("/config", "Configuration", configured.shown())
        .on_reload("app_exporter", configured.reload());
    if is_simulated {
        builder = builder.notice(
            "These numbers are simulated: app_exporter runs without a configuration file. Name one with --config.file or \
             APP_EXPORTER_CONFIG_FILE.",
        );
    }
    let server = builder.start().map_err(|error| match error {
        ServeError::Listen { .. } => anyhow!("{error}; the flag is --web.listen-address"),
        ServeError::Option { ref source, .. } if source.is::<WebConfigError>() => {
            anyhow!("{error}; the flag is --web.config.file")
        }
        ServeError::Endpoint { path, .. } => {
            anyhow!(
                "`{path}` is in use by another page; choose another path with --web.telemetry-path"
            )
        }
        ServeError::Option { ref source, .. } if source.is::<SystemdSocketError>() => {
            anyhow!("{error}; the flag is --web.systemd-socket")
        }
        error => error.into(),
    })?;
    Ok(server)
}

fn log_addresses(server: &Server) {
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
}
