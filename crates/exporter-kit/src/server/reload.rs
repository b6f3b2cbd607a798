//! Reloading the configuration of a program: one reload at a time on a thread of its own, with the outcome in metrics.

use std::any::Any;
use std::error::Error;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread;

use crate::metric::Gauge;
use crate::registry::{RegisterError, Registry};
use crate::server::service_manager::{Event, ServiceManager};
use crate::sync::caught;

type BoxError = Box<dyn Error + Send + Sync>;

/// Called with the outcome of a reload.
type Asking = Box<dyn FnOnce(Result<(), ReloadError>) + Send>;

/// The largest number of callers that wait for a reload. Only a reload that hangs has so many.
const MAX_ASKING: usize = 1024;

/// Reloads the configuration of a program, as `POST /-/reload` does; returned by
/// [`Server::reloader`](super::Server::reloader).
///
/// For other triggers of a reload, such as the signal SIGHUP. Cheap to clone.
#[derive(Clone, Default)]
pub struct Reloader(Arc<ReloadState>);

#[derive(Default)]
struct ReloadState {
    hook: Option<ReloadHook>,
    service_manager: Option<Arc<dyn ServiceManager>>,
    pending: Mutex<Pending>,
}

#[derive(Default)]
struct Pending {
    /// True while the thread that reloads runs.
    is_reloading: bool,
    /// The callers that wait for the next reload.
    asking: Vec<Asking>,
}

impl fmt::Debug for Reloader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reloader").finish_non_exhaustive()
    }
}

impl Reloader {
    pub(crate) fn new(
        hook: Option<ReloadHook>,
        service_manager: Option<Arc<dyn ServiceManager>>,
    ) -> Self {
        Self(Arc::new(ReloadState {
            hook,
            service_manager,
            pending: Mutex::default(),
        }))
    }

    /// Reloads, and blocks until the reload is over.
    ///
    /// Reloads run one at a time, on a thread of their own. All calls during a reload share the next one, so the outcome
    /// is always that of a reload that began after the call. Succeeds without effect in a program that set no
    /// [`on_reload`](super::ServerBuilder::on_reload).
    ///
    /// # Errors
    /// If the program rejects the new configuration. The previous configuration then stays in effect. Also if no thread
    /// can start, or if 1024 calls wait already.
    pub fn reload(&self) -> Result<(), ReloadError> {
        let (sender, receiver) = mpsc::channel();
        self.reload_then(move |reloaded| {
            // The caller waits.
            let _ = sender.send(reloaded);
        });
        receiver
            .recv()
            .unwrap_or_else(|_| Err(ReloadError::new("the thread that reloads has ended")))
    }

    /// Reloads as [`reload`](Self::reload) does, without waiting, and calls `done` with the outcome.
    ///
    /// For callers that must not block, such as the thread that waits for signals: a configuration file on a file system
    /// that hangs blocks a reload forever. `done` is called on the thread that reloads, and must not block.
    pub fn reload_then(&self, done: impl FnOnce(Result<(), ReloadError>) + Send + 'static) {
        let mut pending = self.0.pending();
        if pending.asking.len() >= MAX_ASKING {
            drop(pending);
            return done(Err(ReloadError::new(
                "too many reloads are waiting for one that does not end; restart the program",
            )));
        }
        pending.asking.push(Box::new(done));
        if pending.is_reloading {
            return;
        }
        let state = Arc::clone(&self.0);
        let started = thread::Builder::new()
            .name("exporter-reload".to_owned())
            .spawn(move || state.work());
        match started {
            Ok(_) => pending.is_reloading = true,
            Err(error) => {
                let asking = std::mem::take(&mut pending.asking);
                drop(pending);
                let error = ReloadError::new(format!(
                    "cannot start a thread: {error}; raise the limit on threads"
                ));
                for done in asking {
                    done(Err(error.clone()));
                }
            }
        }
    }
}

impl ReloadState {
    /// Reloads while callers ask for it.
    fn work(&self) {
        loop {
            let asking = {
                let mut pending = self.pending();
                if pending.asking.is_empty() {
                    pending.is_reloading = false;
                    return;
                }
                std::mem::take(&mut pending.asking)
            };
            self.notify(Event::Reloading);
            let reloaded = self.hook.as_ref().map_or(Ok(()), ReloadHook::reload);
            self.notify(Event::Reloaded);
            for done in asking {
                done(reloaded.clone());
            }
        }
    }

    fn pending(&self) -> MutexGuard<'_, Pending> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn notify(&self, event: Event<'_>) {
        if let Some(service_manager) = &self.service_manager {
            service_manager.notify(event);
        }
    }
}

/// The program's function for a reload, and the metrics about its outcome.
pub(crate) struct ReloadHook {
    run: Box<dyn Fn() -> Result<(), BoxError> + Send + Sync>,
    successful: Gauge,
    success_timestamp: Gauge,
}

impl fmt::Debug for ReloadHook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReloadHook").finish_non_exhaustive()
    }
}

impl ReloadHook {
    /// Counts the configuration at the start as loaded.
    pub(crate) fn new<E: Into<BoxError>>(
        registry: &Registry,
        name: &str,
        run: impl Fn() -> Result<(), E> + Send + Sync + 'static,
    ) -> Result<Self, RegisterError> {
        let successful = registry.gauge(
            &format!("{name}_config_last_reload_successful"),
            "Whether the last attempt to load the configuration was successful.",
        )?;
        let success_timestamp = registry.gauge(
            &format!("{name}_config_last_reload_success_timestamp_seconds"),
            "When the configuration was last loaded, in seconds since 1970-01-01 UTC.",
        )?;
        let hook = Self {
            run: Box::new(move || run().map_err(Into::into)),
            successful,
            success_timestamp,
        };
        hook.note(true);
        Ok(hook)
    }

    fn reload(&self) -> Result<(), ReloadError> {
        // A panic leaves the previous configuration in effect, and the program can still be scraped.
        let reloaded = catch_unwind(AssertUnwindSafe(|| (self.run)())).unwrap_or_else(|panic| {
            let message = message(&*panic);
            let _ = caught(|| drop(panic));
            Err(message.into())
        });
        self.note(reloaded.is_ok());
        reloaded.map_err(|source| {
            let error = ReloadError::new(source);
            // One log line for each line of the message.
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

/// A new configuration was rejected; the previous one stays in effect.
#[derive(Clone)]
pub struct ReloadError {
    source: Arc<dyn Error + Send + Sync>,
}

impl ReloadError {
    fn new(source: impl Into<BoxError>) -> Self {
        Self {
            source: source.into().into(),
        }
    }
}

impl fmt::Display for ReloadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "cannot reload the configuration, the previous one stays in effect: {}",
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
    struct Recorder(Mutex<Vec<String>>);

    impl ServiceManager for Recorder {
        fn notify(&self, event: Event<'_>) {
            self.0.lock().unwrap().push(format!("{event:?}"));
        }

        fn keep_alive_interval(&self) -> Option<Duration> {
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
        let hook = ReloadHook::new(&registry, "shop", move || {
            match times.fetch_add(1, Ordering::Relaxed) {
                0 => Ok(()),
                1 => Err("line 3: unknown key"),
                _ => panic!("a bug"),
            }
        });
        let told = Arc::new(Recorder::default());
        let reloader = Reloader::new(Some(hook.unwrap()), Some(told.clone()));
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
            "cannot reload the configuration, the previous one stays in effect: line 3: unknown key"
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

    #[test]
    fn all_who_ask_during_a_reload_share_the_next_one() {
        let (begun, begins) = mpsc::channel();
        let (release, released) = mpsc::channel::<()>();
        let released = Mutex::new(released);
        let times = AtomicU32::new(0);
        let hook = ReloadHook::new(&Registry::new(), "shop", move || {
            begun.send(()).unwrap();
            released.lock().unwrap().recv().unwrap();
            // Each has another outcome.
            Err::<(), _>(format!("reload {}", times.fetch_add(1, Ordering::Relaxed)))
        });
        let reloader = Reloader::new(Some(hook.unwrap()), None);
        let (told, outcomes) = mpsc::channel();
        let ask = || {
            let told = told.clone();
            reloader.reload_then(move |reloaded| {
                told.send(reloaded.unwrap_err().source.to_string()).unwrap();
            });
        };
        ask();
        begins.recv().unwrap();
        (1..60).for_each(|_| ask());
        release.send(()).unwrap();
        release.send(()).unwrap();
        assert_eq!(outcomes.recv().unwrap(), "reload 0");
        for _ in 1..60 {
            assert_eq!(outcomes.recv().unwrap(), "reload 1");
        }
        begins.recv().unwrap();
        assert!(begins.try_recv().is_err());
    }

    #[test]
    fn a_reload_that_hangs_gathers_a_bounded_number_of_callers() {
        let (begun, begins) = mpsc::channel();
        let (_release, released) = mpsc::channel::<()>();
        let released = Mutex::new(released);
        let hook = ReloadHook::new(&Registry::new(), "shop", move || {
            begun.send(()).unwrap();
            let _ = released.lock().unwrap().recv();
            Ok::<(), &str>(())
        });
        let reloader = Reloader::new(Some(hook.unwrap()), None);
        reloader.reload_then(drop);
        begins.recv().unwrap();
        (0..MAX_ASKING).for_each(|_| reloader.reload_then(drop));
        let error = reloader.reload().unwrap_err().to_string();
        assert!(error.contains("too many reloads"), "{error}");
    }
}
