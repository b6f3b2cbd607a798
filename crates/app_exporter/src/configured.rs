//! The running sources of a configuration file, and its reload.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use exporter_kit::Registry;
use exporter_kit::source::Sources;
use tokio::runtime::{Builder, Runtime};

use crate::config::ConfigError;
use crate::probe::Prober;
use crate::setup::{self, Built, Config, Location};
use crate::watch::{Watch, Watched};

/// The time for running fetches to end at shutdown.
const LAST_MOMENT: Duration = Duration::from_millis(500);

/// Sources that run until this is dropped.
pub(crate) struct Configured {
    location: Location,
    sources: Sources,
    prober: Arc<Prober>,
    texts: Arc<Mutex<Texts>>,
    /// Always there until it is shut down.
    runtime: Option<Runtime>,
}

/// The file, as it was read.
struct Texts {
    /// The last text that was tried; `None` if the file was unreadable.
    tried: Option<String>,
    /// The text that is in use. It may hold secrets.
    running: String,
}

impl Configured {
    /// Reads the file, and registers what its sources give.
    ///
    /// # Errors
    /// When the file is invalid. A source that fails is not an error: its metrics show it.
    pub(crate) fn start(location: Location, registry: &Registry) -> anyhow::Result<Self> {
        let text = location.read()?;
        let Built { specs, templates } = read(&text, &location)?;
        // Apart from the server's threads: a large answer that is read here holds up no scrape.
        let runtime = Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("sources")
            .enable_all()
            .build()
            .context("can't start the threads of the sources")?;
        let sources = Sources::builder("app_exporter").start(runtime.handle())?;
        let count = specs.len() + templates.len();
        sources.replace(specs)?;
        registry.register(&sources)?;
        let prober = Prober::start(templates, registry, runtime.handle())?;
        let file = location.file().display();
        if location.is_built_in() {
            log::warn!(
                "Sessions are simulated: without a configuration file, app_active_sessions is a random number; name a file \
                 with --config.file or APP_EXPORTER_CONFIG_FILE to export real numbers"
            );
        } else if count == 0 {
            log::warn!(file:%; "No sources in the configuration: only metrics about the exporter are exported");
        } else {
            log::info!(file:%, sources = count; "Loaded the configuration");
        }
        Ok(Self {
            location,
            sources,
            prober,
            texts: Arc::new(Mutex::new(Texts {
                tried: Some(text.clone()),
                running: text,
            })),
            runtime: Some(runtime),
        })
    }

    /// Returns the function that reloads the file, all or nothing. Unchanged sources keep running.
    pub(crate) fn reload(&self) -> impl Fn() -> anyhow::Result<()> + Send + Sync + 'static {
        let (location, sources) = (self.location.clone(), self.sources.clone());
        let (prober, texts) = (Arc::clone(&self.prober), Arc::clone(&self.texts));
        move || {
            let text = location.read();
            lock(&texts).tried = text.as_ref().ok().cloned();
            let text = text?;
            let Built { specs, templates } = read(&text, &location)?;
            let replaced = sources.replace(specs)?;
            prober.replace(templates);
            lock(&texts).running = text;
            let (begun, ended, kept) = (replaced.begun, replaced.ended, replaced.kept);
            log::info!(begun, ended, kept; "Applied the changed configuration");
            Ok(())
        }
    }

    /// Returns the function that renders the text of `/config`.
    pub(crate) fn shown(&self) -> impl Fn() -> String + Send + Sync + 'static {
        let texts = Arc::clone(&self.texts);
        move || {
            let text = lock(&texts).running.clone();
            // What is wrong with it may be beside a secret.
            setup::shown(&text).unwrap_or_else(|_| "# it can't be shown\n".to_owned())
        }
    }

    /// Reloads when the file has another content, until what is given back is dropped.
    ///
    /// # Errors
    /// When there can be no further thread.
    pub(crate) fn watch(
        &self,
        interval: Duration,
        reload: impl Fn() + Send + 'static,
    ) -> anyhow::Result<Watch> {
        let texts = Arc::clone(&self.texts);
        let watched = Watched {
            location: self.location.clone(),
            tried: move || lock(&texts).tried.clone(),
            reload,
        };
        Watch::start(watched, interval)
            .context("can't start the thread that watches the configuration")
    }

    /// The prober for `/probe`.
    pub(crate) fn prober(&self) -> &Arc<Prober> {
        &self.prober
    }
}

fn read(text: &str, location: &Location) -> Result<Built, ConfigError> {
    setup::build(
        Config::parse(text, location)?,
        location,
        &crate::environment::variable,
    )
}

fn lock(texts: &Mutex<Texts>) -> MutexGuard<'_, Texts> {
    texts.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Drop for Configured {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // The programs and statements that sources have begun end with their tasks. A file system that hangs would hold
            // the end up for ever.
            runtime.shutdown_timeout(LAST_MOMENT);
        }
    }
}
