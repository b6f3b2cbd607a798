//! Progress on standard error, while a command waits. Only terminals show it.

use std::io::{self, IsTerminal as _, Write as _};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// The time before the first line: fast commands show none.
const DELAY: Duration = Duration::from_millis(500);
/// The time between two lines.
const INTERVAL: Duration = Duration::from_secs(1);
/// The width of a line. A longer one would wrap, and its begin would stay.
const WIDTH: usize = 79;
/// Returns to the begin of the line and clears it.
const CLEAR: &str = "\r\x1b[2K";

/// A line that is rewritten until this is dropped, and then cleared.
pub(crate) struct Progress {
    running: Option<(Sender<()>, JoinHandle<()>)>,
}

impl Progress {
    /// Shows `action` for each second from now on, if standard error is a terminal. `action` is called with the time since
    /// now, on a thread of its own.
    pub(crate) fn start(action: impl Fn(Duration) -> String + Send + 'static) -> Self {
        if !io::stderr().is_terminal() {
            return Self { running: None };
        }
        let since = Instant::now();
        let (alive, gone) = mpsc::channel();
        let thread = thread::Builder::new().name("progress".to_owned());
        let started = thread.spawn(move || {
            let mut wait = DELAY;
            while gone.recv_timeout(wait) == Err(RecvTimeoutError::Timeout) {
                write(&format!("{CLEAR}{}", shortened(&action(since.elapsed()))));
                wait = INTERVAL;
            }
            write(CLEAR);
        });
        // A command needs no progress.
        let running = started.ok().map(|thread| (alive, thread));
        Self { running }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some((alive, thread)) = self.running.take() {
            drop(alive);
            // Results come after the line is cleared.
            let _ = thread.join();
        }
    }
}

fn write(text: &str) {
    let mut err = io::stderr().lock();
    let _ = err.write_all(text.as_bytes()).and_then(|()| err.flush());
}

/// The begin of a text, without control characters.
fn shortened(text: &str) -> String {
    let shown = |c: char| if c.is_control() { ' ' } else { c };
    if text.chars().count() <= WIDTH {
        return text.chars().map(shown).collect();
    }
    let begin = text.chars().take(WIDTH - 1).map(shown);
    begin.chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_fits_and_has_no_control_characters() {
        assert_eq!(shortened("a\tb\x1b"), "a b ");
        assert_eq!(shortened(&"é".repeat(WIDTH)), "é".repeat(WIDTH));
        let long = shortened(&"é".repeat(200));
        assert_eq!(long.chars().count(), WIDTH);
        assert!(long.ends_with("é…"));
    }
}
