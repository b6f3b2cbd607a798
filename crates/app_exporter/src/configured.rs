//! The running sources of a configuration, and its reload.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use exporter_kit::Registry;
use exporter_kit::source::Sources;
use tokio::runtime::{Builder, Runtime};

use crate::config::ConfigError;
use crate::probe::Prober;
use crate::setup::{self, Built, Config, Files, Location};
use crate::sources::command;
use crate::sources::memory::Memory;
use crate::watch::{Watch, Watched};

/// The time for running fetches to end at shutdown.
const LAST_MOMENT: Duration = Duration::from_millis(500);

/// Sources that run until this is dropped.
pub(crate) struct Configured {
    location: Location,
    sources: Sources,
    prober: Arc<Prober>,
    texts: Arc<Mutex<Texts>>,
    memory: Memory,
    /// Always there until it is shut down.
    runtime: Option<Runtime>,
}

/// The files, as they were read. They may hold secrets.
struct Texts {
    /// The files that were tried last.
    tried: Arc<Files>,
    /// The text of `/config`, of the files that are in use.
    shown: Arc<str>,
}

impl Configured {
    /// Reads the files, and registers what their sources give.
    ///
    /// # Errors
    /// When a file is invalid. A source that fails is not an error: its metrics show it.
    pub(crate) fn start(
        location: Location,
        registry: &Registry,
        memory: Memory,
    ) -> anyhow::Result<Self> {
        let files = Arc::new(Files::read(&location, &crate::environment::variable));
        let Built {
            specs, templates, ..
        } = build(&files, &memory)?;
        // Apart from the server's threads: a large answer that is read here holds up no scrape.
        let runtime = Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("sources")
            .enable_all()
            .build()
            .context("can't start the threads of the sources")?;
        let sources = Sources::builder("app_exporter")
            .memory_limit(memory.held().clone())
            .start(runtime.handle())?;
        let count = specs.len() + templates.len();
        sources.replace(specs)?;
        registry.register(&sources)?;
        let prober = Prober::start(templates, registry, runtime.handle(), &memory)?;
        let file = location.path().display();
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
                shown: shown(&files),
                tried: files,
            })),
            memory,
            runtime: Some(runtime),
        })
    }

    /// Returns the function that reloads the files, all or nothing. Unchanged sources keep running.
    pub(crate) fn reload(&self) -> impl Fn() -> anyhow::Result<()> + Send + Sync + 'static {
        let (location, sources) = (self.location.clone(), self.sources.clone());
        let (prober, texts) = (Arc::clone(&self.prober), Arc::clone(&self.texts));
        let memory = self.memory.clone();
        move || {
            let files = Arc::new(Files::read(&location, &crate::environment::variable));
            lock(&texts).tried = Arc::clone(&files);
            let Built {
                specs, templates, ..
            } = build(&files, &memory)?;
            let shown = shown(&files);
            let replaced = sources.replace(specs)?;
            prober.replace(templates);
            lock(&texts).shown = shown;
            let (begun, ended, kept) = (replaced.begun, replaced.ended, replaced.kept);
            log::info!(begun, ended, kept; "Applied the changed configuration");
            Ok(())
        }
    }

    /// Returns the function for the text of `/config`, which was rendered when the files were loaded.
    pub(crate) fn shown(&self) -> impl Fn() -> String + Send + Sync + 'static {
        let texts = Arc::clone(&self.texts);
        move || {
            let shown = Arc::clone(&lock(&texts).shown);
            shown.as_ref().to_owned()
        }
    }

    /// Reloads when a file has another content, appears or disappears, until what is given back is dropped.
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
            tried: move || Arc::clone(&lock(&texts).tried),
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

fn build(files: &Files, memory: &Memory) -> Result<Built, ConfigError> {
    let variables = &crate::environment::variable;
    let built = setup::build(Config::parse(files, variables)?, variables, memory)?;
    for warning in &built.warnings {
        log::warn!("{warning}");
    }
    Ok(built)
}

/// Renders the text of `/config`. With thousands of sources, it takes as long as the load.
fn shown(files: &Files) -> Arc<str> {
    // What is wrong with it may be beside a secret.
    setup::shown(files)
        .unwrap_or_else(|_| "# it can't be shown\n".to_owned())
        .into()
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
        command::end_all();
    }
}
