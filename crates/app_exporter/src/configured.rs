//! What a configuration file exports: its sources, running.

use anyhow::Context as _;
use exporter_kit::Registry;
use exporter_kit::scrape::{SourceSpec, Sources};
use tokio::runtime::{Builder, Runtime};

use crate::config::{Config, ConfigError, Location};
use crate::sources;

/// Sources that run until this is dropped.
pub(crate) struct Configured {
    location: Location,
    sources: Sources,
    /// Always there until it is shut down.
    runtime: Option<Runtime>,
}

impl Configured {
    /// Reads the file, and registers what its sources give.
    ///
    /// # Errors
    /// When the file can't be used. A source that can't be had is no error: its metrics say so.
    pub(crate) fn start(location: Location, registry: &Registry) -> anyhow::Result<Self> {
        let specs = read(&location)?;
        // Apart from the server's threads: a large answer that is read here holds up no scrape.
        let runtime = Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("sources")
            .enable_all()
            .build()
            .context("can't start the threads of the sources")?;
        let sources = Sources::builder("app_exporter").start(runtime.handle())?;
        let count = specs.len();
        sources.replace(specs)?;
        registry.register(sources.clone())?;
        let file = location.file().display();
        log::info!(file:%, sources = count; "Exporting what the configuration says");
        Ok(Self {
            location,
            sources,
            runtime: Some(runtime),
        })
    }

    /// What reads the file anew: all or nothing, and sources that did not change keep running.
    pub(crate) fn reload(&self) -> impl Fn() -> anyhow::Result<()> + Send + Sync + 'static {
        let (location, sources) = (self.location.clone(), self.sources.clone());
        move || {
            let replaced = sources.replace(read(&location)?)?;
            let (begun, ended, kept) = (replaced.begun, replaced.ended, replaced.kept);
            log::info!(begun, ended, kept; "Exporting what the configuration says now");
            Ok(())
        }
    }

    /// The sources, for the server to ask before it answers.
    pub(crate) fn sources(&self) -> &Sources {
        &self.sources
    }
}

/// The sources of a file.
fn read(location: &Location) -> Result<Vec<SourceSpec>, ConfigError> {
    sources::build(Config::read(location)?, location, &crate::environment)
}

impl Drop for Configured {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // A file system that hangs would hold the end up for ever.
            runtime.shutdown_background();
        }
    }
}
