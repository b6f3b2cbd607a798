//! What a configuration file exports: its sources, running.

use std::time::Duration;

use anyhow::Context as _;
use exporter_kit::scrape::{Deadline, Sources};
use exporter_kit::{Collect, CollectError, Descriptor, Registry, Sink};
use tokio::runtime::{Builder, Handle, Runtime};

use crate::config::{Config, Location};
use crate::sources;

/// Sources that run until this is dropped.
pub(crate) struct Configured {
    // Before the runtime, which their work is on.
    _sources: Sources,
    runtime: Option<Runtime>,
}

/// The sources as a collector that asks them first.
struct Asked {
    sources: Sources,
    runtime: Handle,
}

impl Configured {
    /// Reads the file, and registers what its sources give.
    ///
    /// # Errors
    /// When the file can't be used. A source that can't be had is no error: its metrics say so.
    pub(crate) fn start(location: &Location, registry: &Registry) -> anyhow::Result<Self> {
        let config = Config::read(location)?;
        let specs = sources::build(config, location, &crate::environment)?;
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
        registry.register(Asked {
            sources: sources.clone(),
            runtime: runtime.handle().clone(),
        })?;
        let file = location.file().display();
        log::info!(file:%, sources = count; "Exporting what the configuration says");
        Ok(Self {
            _sources: sources,
            runtime: Some(runtime),
        })
    }
}

impl Drop for Configured {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // A file system that hangs would hold the end up for ever.
            runtime.shutdown_background();
        }
    }
}

impl Collect for Asked {
    fn descriptors(&self) -> Vec<Descriptor> {
        self.sources.descriptors()
    }

    fn collect(&self, sink: &mut dyn Sink) -> Result<(), CollectError> {
        /// As long as Prometheus waits unless told otherwise, less what sending takes.
        const LONGEST: Duration = Duration::from_millis(9500);
        // A scrape is collected on a thread that may block.
        self.runtime
            .block_on(self.sources.refresh(Deadline::after(LONGEST)));
        self.sources.collect(sink)
    }
}
