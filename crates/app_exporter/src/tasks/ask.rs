//! One collection, for the subcommands that make one.

use std::time::Duration;

use anyhow::Context as _;
use exporter_kit::Registry;
use exporter_kit::scrape::{Deadline, SourceSpec, SourceStatus, Sources};

/// What one collection gave.
pub(super) struct Asked {
    /// The metrics, as text.
    pub(super) metrics: String,
    /// How each source is.
    pub(super) status: Vec<SourceStatus>,
}

/// Asks every source once, and waits for them no longer than that.
///
/// # Errors
/// When nothing can be asked at all.
pub(super) fn ask(specs: Vec<SourceSpec>, timeout: Duration) -> anyhow::Result<Asked> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("can't start to work")?;
    let all = Sources::builder("app_exporter").start(runtime.handle())?;
    all.replace(specs)?;
    let registry = Registry::new();
    registry.register(all.clone())?;
    runtime.block_on(all.refresh(Deadline::after(timeout)));
    // First the metrics: that sources contradict each other is found with them.
    let metrics = registry.to_text();
    let status = all.status();
    drop(all);
    // A file system that hangs would hold the program up for ever.
    runtime.shutdown_background();
    Ok(Asked { metrics, status })
}

/// What went wrong with a source, with a part of it, or with the time that it had.
pub(super) fn failure(status: &SourceStatus) -> Option<String> {
    match (&status.error, status.up) {
        (Some(error), _) => Some(error.to_string()),
        (None, Some(true)) => None,
        (None, _) => Some("was not done in time".to_owned()),
    }
}
