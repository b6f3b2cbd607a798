//! Reading a program's configuration anew: on request, one at a time, with what became of it in metrics.

use std::any::Any;
use std::error::Error;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};

use crate::metric::Gauge;
use crate::registry::{RegisterError, Registry};
use crate::server::supervisor::{News, Supervisor};

type BoxError = Box<dyn Error + Send + Sync>;

/// Reloads a program's configuration, as `POST /-/reload` does; had from [`Server::reloader`](super::Server::reloader).
///
/// For what else may ask for it, such as the signal SIGHUP. Cheap to clone.
#[derive(Clone, Default)]
pub struct Reloader(Arc<Shared>);

#[derive(Default)]
struct Shared {
    program: Option<Program>,
    supervisor: Option<Arc<dyn Supervisor>>,
    /// Held while the program reloads, so that its reloads never overlap.
    reloading: Mutex<()>,
}

impl fmt::Debug for Reloader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reloader").finish_non_exhaustive()
    }
}

impl Reloader {
    pub(crate) fn new(program: Option<Program>, supervisor: Option<Arc<dyn Supervisor>>) -> Self {
        Self(Arc::new(Shared {
            program,
            supervisor,
            reloading: Mutex::new(()),
        }))
    }

    /// Reloads, and blocks until that is done. A reload that another thread has begun is waited for first.
    ///
    /// A program that gave no [`on_reload`](super::ServerBuilder::on_reload) has nothing to reload, which succeeds.
    ///
    /// # Errors
    /// When the program refuses the new configuration; it then goes on with the one before.
    pub fn reload(&self) -> Result<(), ReloadError> {
        // What a panic left behind is the program's own; the lock keeps no data.
        let _one = self
            .0
            .reloading
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        self.tell(News::Reloading);
        let reloaded = self.0.program.as_ref().map_or(Ok(()), Program::reload);
        self.tell(News::Reloaded);
        reloaded
    }

    fn tell(&self, news: News<'_>) {
        if let Some(supervisor) = &self.0.supervisor {
            supervisor.tell(news);
        }
    }
}

/// What a program does to reload, and the metrics that tell of it.
pub(crate) struct Program {
    hook: Box<dyn Fn() -> Result<(), BoxError> + Send + Sync>,
    successful: Gauge,
    success_timestamp: Gauge,
}

impl fmt::Debug for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Program").finish_non_exhaustive()
    }
}

impl Program {
    /// The configuration that it starts with counts as loaded.
    pub(crate) fn new<E: Into<BoxError>>(
        registry: &Registry,
        name: &str,
        hook: impl Fn() -> Result<(), E> + Send + Sync + 'static,
    ) -> Result<Self, RegisterError> {
        let successful = registry.gauge(
            &format!("{name}_config_last_reload_successful"),
            "Whether the last attempt to load the configuration was successful.",
        )?;
        let success_timestamp = registry.gauge(
            &format!("{name}_config_last_reload_success_timestamp_seconds"),
            "When the configuration was last loaded, in seconds since 1970-01-01 UTC.",
        )?;
        let program = Self {
            hook: Box::new(move || hook().map_err(Into::into)),
            successful,
            success_timestamp,
        };
        program.note(true);
        Ok(program)
    }

    fn reload(&self) -> Result<(), ReloadError> {
        // A program that panics here has not changed over, and others may still scrape it.
        let reloaded = catch_unwind(AssertUnwindSafe(|| (self.hook)()))
            .unwrap_or_else(|panic| Err(message(&*panic).into()));
        self.note(reloaded.is_ok());
        reloaded.map_err(|source| {
            let error = ReloadError { source };
            // Each mistake in a line of its own, as a log has lines.
            for line in error.to_string().lines() {
                log::error!("{line}");
            }
            error
        })
    }

    fn note(&self, successful: bool) {
        self.successful.set(u8::from(successful));
        if successful {
            self.success_timestamp.set_to_current_time();
        }
    }
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    format!("the program panicked: {}", text.unwrap_or("no message"))
}

/// Why a program goes on with the configuration that it had.
pub struct ReloadError {
    source: BoxError,
}

impl fmt::Display for ReloadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the new configuration can't be used and the one before stays: {}",
            self.source
        )
    }
}

crate::error::debug_by_display!(ReloadError);

impl Error for ReloadError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&*self.source)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::time::Duration;

    use super::*;

    #[derive(Debug, Default)]
    struct Told(Mutex<Vec<String>>);

    impl Supervisor for Told {
        fn tell(&self, news: News<'_>) {
            self.0.lock().unwrap().push(format!("{news:?}"));
        }

        fn pulse(&self) -> Option<Duration> {
            None
        }
    }

    fn value(registry: &Registry, name: &str) -> f64 {
        let text = registry.to_text();
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        line.unwrap().trim().parse().unwrap()
    }

    #[test]
    fn what_became_of_a_reload_is_in_the_metrics() {
        let registry = Registry::new();
        let times = AtomicU32::new(0);
        let program = Program::new(&registry, "shop", move || {
            match times.fetch_add(1, Ordering::Relaxed) {
                0 => Ok(()),
                1 => Err("line 3: unknown key"),
                _ => panic!("a bug"),
            }
        });
        let told = Arc::new(Told::default());
        let reloader = Reloader::new(Some(program.unwrap()), Some(told.clone()));
        let successful = || value(&registry, "shop_config_last_reload_successful ");
        let time = || {
            value(
                &registry,
                "shop_config_last_reload_success_timestamp_seconds ",
            )
        };
        assert_eq!(successful(), 1.0);
        let at_start = time();
        assert!(at_start > 1.7e9);

        reloader.reload().unwrap();
        assert_eq!(successful(), 1.0);
        let reloaded = time();
        assert!(reloaded >= at_start);

        let error = reloader.reload().unwrap_err();
        assert_eq!(
            error.to_string(),
            "the new configuration can't be used and the one before stays: line 3: unknown key"
        );
        assert_eq!(successful(), 0.0);
        assert_eq!(time(), reloaded);

        let error = reloader.reload().unwrap_err().to_string();
        assert!(error.ends_with("the program panicked: a bug"), "{error}");
        assert_eq!(
            told.0.lock().unwrap().concat(),
            "ReloadingReloaded".repeat(3)
        );
    }

    #[test]
    fn nothing_to_reload_is_no_failure() {
        Reloader::default().reload().unwrap();
    }
}
