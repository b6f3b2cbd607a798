//! One fetch of every source, for `once` and `check-config --connect`.

use std::time::Duration;
use std::{fmt, io, thread};

use anyhow::Context as _;
use exporter_kit::Registry;
use exporter_kit::source::{Deadline, SourceSpec, SourceStatus, Sources};
use tokio::sync::oneshot;

use crate::progress::Progress;
use crate::signals::{Signal, Signals};
use crate::sources::command;
use crate::sources::memory::Memory;

/// The result of one fetch of every source.
pub(super) struct Asked {
    /// The metrics, in the text format.
    pub(super) metrics: String,
    /// The health of each source.
    pub(super) status: Vec<SourceStatus>,
}

/// A signal arrived before the sources were fetched.
#[derive(Debug)]
pub(super) struct Stopped(&'static str);

/// Fetches every source once, within the timeout.
///
/// # Errors
/// When no source can start, or a signal arrived: [`Stopped`]. The failure of a source is not an error; its status has it.
pub(super) fn ask(
    specs: Vec<SourceSpec>,
    timeout: Duration,
    memory: &Memory,
) -> anyhow::Result<Asked> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime of the sources")?;
    let all = Sources::builder("app_exporter")
        .memory_limit(memory.held().clone())
        .start(runtime.handle())?;
    all.replace(specs)?;
    let registry = Registry::new();
    registry.register(all.clone())?;
    let signals = Signals::listen().context("cannot listen for signals")?;
    signals.begin();
    let stop = first(signals).context("cannot wait for signals")?;
    let progress = {
        let all = all.clone();
        Progress::start(move |since| waiting_for(&all.status(), since))
    };
    let stopped = runtime.block_on(async {
        tokio::select! {
            () = all.refresh(Deadline::after(timeout)) => None,
            Ok(signal) = stop => Some(signal),
        }
    });
    drop(progress);
    // First the metrics: writing them finds conflicts between sources.
    let metrics = registry.to_text();
    let status = all.status();
    drop(all);
    // Ends the commands that are still running. It does not wait for reads, which may hang with their file system.
    runtime.shutdown_background();
    command::end_all();
    match stopped {
        None => Ok(Asked { metrics, status }),
        Some(signal) => Err(Stopped(signal).into()),
    }
}

/// A line with the sources that are still being fetched.
fn waiting_for(status: &[SourceStatus], since: Duration) -> String {
    let waiting = status.iter().filter(|status| status.up.is_none());
    let names: Vec<&str> = waiting.map(|status| &*status.name).collect();
    format!(
        "fetching for {} s, {} of {} sources left: {}",
        since.as_secs(),
        names.len(),
        status.len(),
        names.join(", ")
    )
}

/// Waits for the first signal of any kind.
fn first(signals: Signals) -> io::Result<oneshot::Receiver<&'static str>> {
    let (sender, receiver) = oneshot::channel();
    thread::Builder::new()
        .name("stop".to_owned())
        .spawn(move || {
            // The receiver is gone when the sources are fetched already.
            let _ = match signals.recv() {
                Ok(Signal::Stop(name)) => sender.send(name),
                Ok(Signal::Reload) => sender.send("SIGHUP"),
                Err(_) => Ok(()),
            };
        })?;
    Ok(receiver)
}

impl Stopped {
    /// The exit code that shells use for this signal.
    pub(super) fn code(&self) -> u8 {
        match self.0 {
            "SIGHUP" => 129,
            "SIGTERM" => 143,
            _ => 130,
        }
    }
}

impl fmt::Display for Stopped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "stopped by {} before all sources were fetched", self.0)
    }
}

impl std::error::Error for Stopped {}

/// The failure of a source: of all of it, of some results, or to finish in time.
pub(super) fn failure(status: &SourceStatus) -> Option<String> {
    match (&status.error, status.up) {
        (Some(error), _) => Some(error.to_string()),
        (None, Some(true)) => None,
        (None, _) => {
            Some("not finished in time; raise --timeout, or look for what is slow".to_owned())
        }
    }
}

/// A line for a source that succeeded but returned no rows, unless it is `with_default`.
pub(super) fn emptiness(status: &SourceStatus, with_default: &[String]) -> Option<String> {
    let is_empty = status.up == Some(true) && status.error.is_none() && status.rows == Some(0);
    let is_expected = with_default.iter().any(|name| **name == *status.name);
    (is_empty && !is_expected).then(|| {
        let name = &status.name;
        format!("{name}: no rows, so its metrics have no samples; check its path, pattern or query")
    })
}
