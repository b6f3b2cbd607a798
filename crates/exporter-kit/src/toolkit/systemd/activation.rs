//! Socket activation: systemd listens, and passes its sockets to the program that it starts.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};

use listenfd::ListenFd;
use rustix::net::sockopt::socket_acceptconn;

use crate::server::{IntoListener as _, Listener, ServeError, ServerBuilder, SystemdSocketError};

/// Whether this process has taken its sockets: two owners of one would close it under each other.
static TAKEN: AtomicBool = AtomicBool::new(false);

impl ServerBuilder {
    /// Takes over the sockets that systemd passed to this process: TCP and Unix sockets, all of them.
    ///
    /// They are there if a `.socket` unit started the program; that they are not is an error when binding. Call it
    /// once in a program, before other threads read the environment, from which it removes them.
    pub fn systemd_sockets(mut self) -> Self {
        match take() {
            Ok(listeners) => self.listeners.extend(listeners),
            Err(error) => {
                self.error.get_or_insert(ServeError::SystemdSocket(error));
            }
        }
        self
    }
}

fn take() -> Result<Vec<Listener>, SystemdSocketError> {
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
    // What is neither is refused by both, and the second says so.
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
        false => Err(io::Error::other(
            "it is a connection, or was never told to listen",
        )),
    }
}
