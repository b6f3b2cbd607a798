//! Reloads the configuration when the content of its file changes.
//!
//! The file is read every few seconds. Notifications of the kernel miss network file systems, and differ for files that
//! are replaced by an editor or through a symbolic link (Kubernetes). A file with the same content is not reloaded.

use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::Duration;
use std::{fmt, io};

use crate::setup::Location;

/// The time without changes before a changed file is loaded, as a program may still write it.
const SETTLED: Duration = Duration::from_millis(100);
/// The highest number of such waits.
const PATIENCE: usize = 20;

/// Watches a file until it is dropped.
#[derive(Debug)]
pub(crate) struct Watch {
    _stop: Sender<()>,
}

/// The watched file, and the reaction to a change.
pub(crate) struct Watched<T, R> {
    pub(crate) location: Location,
    /// Returns the last text that was tried; `None` if it could not be read.
    pub(crate) tried: T,
    /// Loads the file as it is now.
    pub(crate) reload: R,
}

impl Watch {
    /// Checks the file at this interval.
    ///
    /// # Errors
    /// When no thread can start.
    pub(crate) fn start<T, R>(watched: Watched<T, R>, interval: Duration) -> io::Result<Self>
    where
        T: Fn() -> Option<String> + Send + 'static,
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

impl<T: Fn() -> Option<String>, R: Fn()> Watched<T, R> {
    /// Reloads if the file differs from the text that was tried last. `settle` waits, and returns false at the end of the
    /// program.
    fn look(&self, settle: impl Fn() -> bool) {
        let read = || self.location.read().ok();
        let mut found = read();
        if found == (self.tried)() {
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
        // The old text may be back, or a request may have reloaded the file meanwhile.
        if found != (self.tried)() {
            let file = self.location.file().display();
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
        let tried = RefCell::new(Some("a".to_owned()));
        let reloads = Cell::new(0);
        let watched = Watched {
            location: location.clone(),
            tried: || tried.borrow().clone(),
            reload: || {
                reloads.set(reloads.get() + 1);
                *tried.borrow_mut() = location.read().ok();
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
        assert_eq!(tried.borrow().as_deref(), Some("whole"));
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
