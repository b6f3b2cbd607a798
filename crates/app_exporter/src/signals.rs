//! Signals that stop the program or reload its configuration.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, RecvError};
use std::time::Duration;
#[cfg(not(unix))]
use std::time::Instant;
use std::{io, thread};

/// The time in which further Ctrl-C and SIGTERM count as the first one: `timeout` and terminals send one to the process and
/// one to its group.
const SAME: Duration = Duration::from_millis(500);

/// The request of a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signal {
    /// Stop. The text is the signal's name.
    Stop(&'static str),
    /// Reload the configuration.
    Reload,
}

/// Receives signals, in the order of their arrival.
#[derive(Debug)]
pub(crate) struct Signals {
    received: Receiver<Signal>,
    /// True if the next Ctrl-C or SIGTERM ends the program at once.
    is_final: Arc<AtomicBool>,
}

impl Signals {
    /// Waits for the next signal.
    pub(crate) fn recv(&self) -> Result<Signal, RecvError> {
        self.received.recv()
    }

    /// Begins to receive Ctrl-C and SIGTERM. Before, the first one ends the program at once, as it may hang in a file that
    /// it reads. Afterwards, one that arrives more than 0.5 s after the first one does.
    pub(crate) fn begin(&self) {
        self.is_final.store(false, Ordering::Relaxed);
    }

    /// Listens for Ctrl-C, SIGTERM and SIGHUP.
    ///
    /// # Errors
    /// If the system allows no handler or thread.
    #[cfg(unix)]
    pub(crate) fn listen() -> io::Result<Self> {
        use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
        use signal_hook::flag;
        use signal_hook::iterator::Signals;

        let is_final = Arc::new(AtomicBool::new(true));
        for signal in [SIGINT, SIGTERM] {
            flag::register_conditional_default(signal, Arc::clone(&is_final))?;
        }
        let mut signals = Signals::new([SIGHUP, SIGINT, SIGTERM])?;
        let (sender, received) = mpsc::channel();
        let after_first = Arc::clone(&is_final);
        thread::Builder::new()
            .name("signals".to_owned())
            .spawn(move || {
                for signal in signals.forever() {
                    let asked = match signal {
                        SIGHUP => Signal::Reload,
                        SIGINT => Signal::Stop("SIGINT"),
                        _ => Signal::Stop("SIGTERM"),
                    };
                    // The receiver is gone when the program is ending already.
                    if sender.send(asked).is_err() {
                        break;
                    }
                    if asked != Signal::Reload && !after_first.load(Ordering::Relaxed) {
                        thread::sleep(SAME);
                        after_first.store(true, Ordering::Relaxed);
                    }
                }
            })?;
        Ok(Self { received, is_final })
    }

    /// Listens for Ctrl-C.
    ///
    /// # Errors
    /// If the system allows no handler or thread.
    #[cfg(not(unix))]
    pub(crate) fn listen() -> io::Result<Self> {
        use tokio::signal::ctrl_c;

        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let is_final = Arc::new(AtomicBool::new(true));
        let (sender, received) = mpsc::channel();
        let after_first = Arc::clone(&is_final);
        thread::Builder::new()
            .name("signals".to_owned())
            .spawn(move || {
                let mut first = None;
                while runtime.block_on(ctrl_c()).is_ok() {
                    let is_same = first.is_none_or(|first: Instant| first.elapsed() < SAME);
                    if !is_same || after_first.load(Ordering::Relaxed) {
                        #[allow(clippy::exit, reason = "a later Ctrl-C ends the program at once")]
                        std::process::exit(130);
                    }
                    first.get_or_insert_with(Instant::now);
                    // The receiver is gone when the program is ending already.
                    let _ = sender.send(Signal::Stop("Ctrl-C"));
                }
            })?;
        Ok(Self { received, is_final })
    }
}
