//! The signals that ask the program to end, or to read its configuration anew.

use std::io;
use std::sync::mpsc::{self, Receiver};

/// What a signal asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signal {
    /// To end; with the signal's name.
    Stop(&'static str),
    /// To read the configuration anew.
    Reload,
}

/// From now on the first Ctrl-C or SIGTERM is received here, and every SIGHUP; a second Ctrl-C or SIGTERM ends the
/// program at once, as if nobody had listened.
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
                // Nobody receives when the program is ending already.
                if sender.send(asked).is_err() {
                    break;
                }
            }
        })?;
    Ok(receiver)
}

/// From now on the first Ctrl-C is received here; a second one ends the program at once.
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
                    // Nobody receives when the program is ending for another reason.
                    let _ = sender.send(Signal::Stop("Ctrl-C"));
                }
                if ctrl_c().await.is_ok() {
                    #[allow(clippy::exit, reason = "this is what the second Ctrl-C asks for")]
                    std::process::exit(130);
                }
            });
        })?;
    Ok(receiver)
}
