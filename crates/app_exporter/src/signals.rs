//! Signals that stop the program or reload its configuration.

use std::io;
use std::sync::mpsc::{self, Receiver};

/// The request of a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signal {
    /// Stop. The text is the signal's name.
    Stop(&'static str),
    /// Reload the configuration.
    Reload,
}

/// Receives the first Ctrl-C or SIGTERM, and every SIGHUP. A second Ctrl-C or SIGTERM ends the program at once.
#[cfg(unix)]
pub(crate) fn signals() -> io::Result<Receiver<Signal>> {
    use std::sync::Arc;
    use std::sync::atomic::AtomicBool;
    use std::thread;

    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    use signal_hook::flag;
    use signal_hook::iterator::Signals;

    let second = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        // In this order, so that the first signal finds the flag not set yet, and then sets it.
        flag::register_conditional_default(signal, Arc::clone(&second))?;
        flag::register(signal, Arc::clone(&second))?;
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
            }
        })?;
    Ok(receiver)
}

/// Receives the first Ctrl-C. A second one ends the program at once.
#[cfg(not(unix))]
pub(crate) fn signals() -> io::Result<Receiver<Signal>> {
    use std::thread;

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
                if ctrl_c().await.is_ok() {
                    #[allow(clippy::exit, reason = "the second Ctrl-C ends the program at once")]
                    std::process::exit(130);
                }
            });
        })?;
    Ok(receiver)
}
