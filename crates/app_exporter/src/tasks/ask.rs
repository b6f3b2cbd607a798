//! One collection, for the subcommands that make one.

use std::sync::mpsc::Receiver;
use std::time::Duration;
use std::{fmt, io, thread};

use anyhow::Context as _;
use exporter_kit::Registry;
use exporter_kit::source::{Deadline, SourceSpec, SourceStatus, Sources};
use tokio::sync::oneshot;

use crate::signals::{self, Signal};

/// What one collection gave.
pub(super) struct Asked {
    /// The metrics, as text.
    pub(super) metrics: String,
    /// How each source is.
    pub(super) status: Vec<SourceStatus>,
}

/// A signal came before the sources were done.
#[derive(Debug)]
pub(super) struct Stopped(&'static str);

/// Asks every source once, and waits for them no longer than that.
///
/// # Errors
/// When nothing can be asked at all, or it was [`Stopped`].
pub(super) fn ask(specs: Vec<SourceSpec>, timeout: Duration) -> anyhow::Result<Asked> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("can't start to work")?;
    let all = Sources::builder("app_exporter").start(runtime.handle())?;
    all.replace(specs)?;
    let registry = Registry::new();
    registry.register(all.clone())?;
    let signals = signals::signals().context("can't listen for signals")?;
    let stop = first(signals).context("can't wait for signals")?;
    let stopped = runtime.block_on(async {
        tokio::select! {
            () = all.refresh(Deadline::after(timeout)) => None,
            Ok(signal) = stop => Some(signal),
        }
    });
    // First the metrics: that sources contradict each other is found with them.
    let metrics = registry.to_text();
    let status = all.status();
    drop(all);
    // What the sources have begun ends here, and so do the programs that they have started. A file system that hangs would
    // hold this up for ever.
    runtime.shutdown_background();
    match stopped {
        None => Ok(Asked { metrics, status }),
        Some(signal) => Err(Stopped(signal).into()),
    }
}

/// The first signal, whichever it is.
fn first(signals: Receiver<Signal>) -> io::Result<oneshot::Receiver<&'static str>> {
    let (sender, receiver) = oneshot::channel();
    thread::Builder::new()
        .name("stop".to_owned())
        .spawn(move || {
            // Nobody receives when the sources are done already.
            let _ = match signals.recv() {
                Ok(Signal::Stop(name)) => sender.send(name),
                Ok(Signal::Reload) => sender.send("SIGHUP"),
                Err(_) => Ok(()),
            };
        })?;
    Ok(receiver)
}

impl Stopped {
    /// What a shell takes for the end by this signal.
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
        write!(f, "stopped by {} before the sources were done", self.0)
    }
}

impl std::error::Error for Stopped {}

/// What went wrong with a source, with a part of it, or with the time that it had.
pub(super) fn failure(status: &SourceStatus) -> Option<String> {
    match (&status.error, status.up) {
        (Some(error), _) => Some(error.to_string()),
        (None, Some(true)) => None,
        (None, _) => Some("was not done in time".to_owned()),
    }
}
