//! Signals that stop the program or reload its configuration.

use std::io;
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

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

/// Receives Ctrl-C, SIGTERM and SIGHUP. A Ctrl-C or SIGTERM more than 0.5 s after the first one ends the program at once.
#[cfg(unix)]
pub(crate) fn signals() -> io::Result<Receiver<Signal>> {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::thread;

    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    use signal_hook::flag;
    use signal_hook::iterator::Signals;

    let is_final = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        flag::register_conditional_default(signal, Arc::clone(&is_final))?;
    }
    let mut signals = Signals::new([SIGHUP, SIGINT, SIGTERM])?;
    let (sender, receiver) = mpsc::channel();
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
                if asked != Signal::Reload && !is_final.load(Ordering::Relaxed) {
                    thread::sleep(SAME);
                    is_final.store(true, Ordering::Relaxed);
                }
            }
        })?;
    Ok(receiver)
}

/// Receives the first Ctrl-C. One that is pressed more than 0.5 s later ends the program at once.
#[cfg(not(unix))]
pub(crate) fn signals() -> io::Result<Receiver<Signal>> {
    use std::thread;
    use std::time::Instant;

    use tokio::signal::ctrl_c;

    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let (sender, receiver) = mpsc::channel();
    thread::Builder::new()
        .name("signals".to_owned())
        .spawn(move || {
            runtime.block_on(async {
                if ctrl_c().await.is_ok() {
                    // The receiver is gone when the program is ending already.
                    let _ = sender.send(Signal::Stop("Ctrl-C"));
                }
                let first = Instant::now();
                while ctrl_c().await.is_ok() {
                    if first.elapsed() < SAME {
                        continue;
                    }
                    #[allow(clippy::exit, reason = "the second Ctrl-C ends the program at once")]
                    std::process::exit(130);
                }
            });
        })?;
    Ok(receiver)
}
