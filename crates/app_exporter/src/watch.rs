//! Reloads the configuration when the content of its files changes, or files appear or disappear.
//!
//! The files are read every few seconds. Notifications of the kernel miss network file systems, and differ for files that
//! are replaced by an editor or through a symbolic link (Kubernetes). Files with the same content are not reloaded.

use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::Duration;
use std::{fmt, io};

use crate::setup::{Files, Location};

/// The time without changes before a changed file is loaded, as a program may still write it.
const SETTLED: Duration = Duration::from_millis(100);
/// The highest number of such waits.
const PATIENCE: usize = 20;

/// Watches the files until it is dropped.
#[derive(Debug)]
pub(crate) struct Watch {
    _stop: Sender<()>,
}

/// The watched configuration, and the reaction to a change.
pub(crate) struct Watched<T, R> {
    pub(crate) location: Location,
    /// Returns the files that were tried last.
    pub(crate) tried: T,
    /// Loads the files as they are now.
    pub(crate) reload: R,
}

impl Watch {
    /// Checks the files at this interval.
    ///
    /// # Errors
    /// When no thread can start.
    pub(crate) fn start<T, R>(watched: Watched<T, R>, interval: Duration) -> io::Result<Self>
    where
        T: Fn() -> Arc<Files> + Send + 'static,
        R: Fn() + Send + 'static,
    {
        let (stop, stopped) = mpsc::channel();
        // The program does not join the thread, which hangs if its file system does.
        thread::Builder::new()
            .name("config-watch".to_owned())
            .spawn(move || {
                while pause(&stopped, interval) {
                    watched.look(|| pause(&stopped, SETTLED));
                }
            })?;
        Ok(Self { _stop: stop })
    }
}

impl<T: Fn() -> Arc<Files>, R: Fn()> Watched<T, R> {
    /// Reloads if the files differ from those that were tried last. `settle` waits, and returns false at the end of the
    /// program.
    fn look(&self, settle: impl Fn() -> bool) {
        let tried = (self.tried)();
        let read = || tried.refreshed(&self.location, &crate::environment::variable);
        let mut found = read();
        if found == *tried {
            return;
        }
        for _ in 0..PATIENCE {
            if !settle() {
                return;
            }
            let now = read();
            if now == found {
                break;
            }
            found = now;
        }
        // The old text may be back, or a request may have reloaded the files meanwhile.
        if found != *(self.tried)() {
            let file = self.location.path().display();
            log::info!(file:%; "The configuration has changed");
            (self.reload)();
        }
    }
}

impl<T, R> fmt::Debug for Watched<T, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Watched").field(&self.location).finish()
    }
}

/// Waits; returns false at the end of the program.
fn pause(stopped: &Receiver<()>, time: Duration) -> bool {
    stopped.recv_timeout(time) == Err(RecvTimeoutError::Timeout)
}

#[cfg(test)]
mod tests {
    use std::cell::{Cell, RefCell};
    use std::fs;

    use super::*;

    #[test]
    fn each_content_is_tried_once_and_only_when_it_has_settled() {
        let folder =
            std::env::temp_dir().join(format!("app_exporter-watch-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let file = folder.join("config.yml");
        let write = |text: &str| fs::write(&file, text).unwrap();
        write("a");
        let location = Location::new(&file);
        let read = || Arc::new(Files::read(&location, &|_| None));
        let tried = RefCell::new(read());
        let reloads = Cell::new(0);
        let watched = Watched {
            location: location.clone(),
            tried: || Arc::clone(&tried.borrow()),
            reload: || {
                reloads.set(reloads.get() + 1);
                *tried.borrow_mut() = read();
            },
        };
        let look = || {
            watched.look(|| true);
            reloads.get()
        };
        assert_eq!((look(), look()), (0, 0));
        write("a");
        assert_eq!(look(), 0);
        write("b");
        assert_eq!((look(), look()), (1, 1));
        fs::remove_file(&file).unwrap();
        assert_eq!((look(), look()), (2, 2));
        write("b");
        assert_eq!((look(), look()), (3, 3));
        // What is still being written is not loaded.
        write("half");
        let parts = RefCell::new(vec!["whole", "almost"]);
        watched.look(|| {
            parts.borrow_mut().pop().into_iter().for_each(write);
            true
        });
        assert_eq!(reloads.get(), 4);
        assert_eq!(*tried.borrow(), read());
        // What is back before it was loaded was never away.
        write("x");
        watched.look(|| {
            write("whole");
            true
        });
        // The end comes before a reload.
        write("x");
        watched.look(|| false);
        assert_eq!(reloads.get(), 4);
        fs::remove_dir_all(&folder).unwrap();
    }
}
