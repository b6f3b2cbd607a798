//! Socket activation: systemd listens, and passes its sockets to the program when it starts it.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};

use listenfd::ListenFd;
use rustix::net::sockopt::socket_acceptconn;

use super::error::SystemdSocketError;
use crate::server::{IntoListener as _, Listener};

/// Set once this process has taken its sockets: a second owner would close them under the first.
static TAKEN: AtomicBool = AtomicBool::new(false);

/// Takes the sockets over.
pub(super) fn take_sockets() -> Result<Vec<Listener>, SystemdSocketError> {
    let for_us =
        variable("LISTEN_PID").and_then(|pid| pid.parse().ok()) == Some(std::process::id());
    if TAKEN.load(Ordering::Relaxed) {
        return Err(SystemdSocketError::TakenBefore);
    }
    let mut passed = if for_us {
        ListenFd::from_env()
    } else {
        ListenFd::empty()
    };
    if passed.len() == 0 {
        return Err(SystemdSocketError::NotPassed);
    }
    if TAKEN.swap(true, Ordering::Relaxed) {
        return Err(SystemdSocketError::TakenBefore);
    }
    let names = variable("LISTEN_FDNAMES").unwrap_or_default();
    let mut names = names.split(':');
    (0..passed.len())
        .map(|index| {
            let name = names.next().filter(|name| !name.is_empty());
            listener(&mut passed, index).map_err(|source| SystemdSocketError::NotListening {
                name: name.map_or_else(|| format!("number {}", index + 1), str::to_owned),
                source,
            })
        })
        .collect()
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

fn listener(passed: &mut ListenFd, index: usize) -> io::Result<Listener> {
    // A socket of neither type is rejected by both, with the error of the second.
    if let Ok(Some(tcp)) = passed.take_tcp_listener(index) {
        check(socket_acceptconn(&tcp)?)?;
        return tcp.into_listener();
    }
    match passed.take_unix_listener(index)? {
        Some(unix) => {
            check(socket_acceptconn(&unix)?)?;
            unix.into_listener()
        }
        None => Err(io::ErrorKind::NotFound.into()),
    }
}

fn check(listens: bool) -> io::Result<()> {
    match listens {
        true => Ok(()),
        false => Err(io::Error::other("it is a connection, or does not listen")),
    }
}
