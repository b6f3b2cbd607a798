//! Why a server can't start.

use std::convert::Infallible;
use std::fmt;
use std::io;

use crate::registry::RegisterError;
use crate::server::address::{ListenAddress, ListenAddressError, Place};
use crate::server::path::PathError;

/// Why a server can't start.
#[non_exhaustive]
pub enum ServeError {
    /// An address is not written as one.
    Address(ListenAddressError),
    /// Neither an address nor a listener was given.
    NoAddress,
    /// The path of the metrics is not a path.
    MetricsPath(Box<str>),
    /// The path of a probe or a page can't be had.
    Mount {
        /// The path.
        path: Box<str>,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The prefix of all paths, or the external URL, is not one.
    Path(PathError),
    /// A metric of the server's own is already there.
    Register(RegisterError),
    /// systemd gave no socket, or one that can't be used.
    SystemdSocket(SystemdSocketError),
    /// Nothing can listen on the address.
    Listen {
        /// The address.
        address: ListenAddress,
        /// What the operating system says.
        source: io::Error,
    },
    /// The caller's listener can't be used.
    Listener(io::Error),
    /// The web configuration file can't be used. With the feature `web-config` this is a `WebConfigError`.
    WebConfig(Box<dyn std::error::Error + Send + Sync>),
    /// The background thread or its runtime can't be started.
    Start(io::Error),
}

impl fmt::Display for ServeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(error) => error.fmt(f),
            Self::NoAddress => f.write_str(
                "the server was given no address to listen on; name one with `listen`, or hand over a `listener`",
            ),
            Self::MetricsPath(path) => write!(
                f,
                "`{path}` is no path for metrics; write one that begins with `/` and has no `?`, `#` or space, such as `/metrics`"
            ),
            Self::Mount { path, why } => {
                write!(f, "`{path}` is no path for a probe or a page: {why}")
            }
            Self::Path(error) => error.fmt(f),
            Self::Register(error) => write!(f, "can't register the server's own metrics: {error}"),
            Self::SystemdSocket(error) => error.fmt(f),
            Self::Listen { address, source } => {
                write!(f, "can't listen on `{address}`: ")?;
                match &address.0 {
                    Place::Unix(..) => why_no_unix_socket(source, f),
                    _ => why_no_port(source, f),
                }
            }
            Self::Listener(error) => write!(
                f,
                "can't use the listener that was handed over: {error}; hand over a TCP or Unix listener that is open"
            ),
            Self::WebConfig(error) => write!(f, "the web configuration can't be used: {error}"),
            Self::Start(error) => write!(
                f,
                "can't start the server's thread: {error}; raise the limits on threads and open files"
            ),
        }
    }
}

fn why_no_port(source: &io::Error, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match source.kind() {
        io::ErrorKind::AddrInUse => f.write_str(
            "the port is taken; stop the program that has it (`ss -ltnp` names it) or choose another port",
        ),
        io::ErrorKind::PermissionDenied => f.write_str(
            "not permitted; choose a port from 1024 on, or give the program the capability `CAP_NET_BIND_SERVICE`",
        ),
        io::ErrorKind::AddrNotAvailable => f.write_str(
            "this machine has no such address; choose one that `ip address` shows, or `:PORT` for all of them",
        ),
        _ => write!(
            f,
            "{source}; choose an address of this machine, or `:PORT` for all of them"
        ),
    }
}

fn why_no_unix_socket(source: &io::Error, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match source.kind() {
        io::ErrorKind::AddrInUse => f.write_str(
            "a program listens there; stop it (`ss -lxp` names it) or choose another path",
        ),
        io::ErrorKind::AlreadyExists => {
            f.write_str("there is a file that is no socket; remove it or choose another path")
        }
        io::ErrorKind::NotFound => {
            f.write_str("there is no such folder; make it or choose another path")
        }
        io::ErrorKind::PermissionDenied => {
            f.write_str("not permitted; choose a folder that the program's user may write to")
        }
        io::ErrorKind::Unsupported => {
            f.write_str("this system has no Unix sockets; listen on a port")
        }
        _ => write!(f, "{source}; choose another path, of at most 107 bytes"),
    }
}

crate::error::debug_by_display!(ServeError);

impl std::error::Error for ServeError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Address(error) => Some(error),
            Self::Path(error) => Some(error),
            Self::Register(error) => Some(error),
            Self::SystemdSocket(error) => Some(error),
            Self::Listen { source, .. } | Self::Listener(source) | Self::Start(source) => {
                Some(source)
            }
            Self::WebConfig(error) => Some(&**error),
            Self::NoAddress | Self::MetricsPath(_) | Self::Mount { .. } => None,
        }
    }
}

impl From<PathError> for ServeError {
    fn from(error: PathError) -> Self {
        Self::Path(error)
    }
}

impl From<ListenAddressError> for ServeError {
    fn from(error: ListenAddressError) -> Self {
        Self::Address(error)
    }
}

impl From<Infallible> for ServeError {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

/// Why systemd's sockets can't be served.
#[non_exhaustive]
pub enum SystemdSocketError {
    /// The environment has none, or not for this process.
    NotPassed,
    /// They have been taken over already: the environment gives them once.
    TakenBefore,
    /// One is no TCP or Unix socket that listens.
    NotListening {
        /// What its unit calls it: `FileDescriptorName=`, and the unit's name if that is not said.
        name: String,
        /// What is wrong with it.
        source: io::Error,
    },
    /// This system has no systemd.
    Elsewhere,
}

impl fmt::Display for SystemdSocketError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotPassed => f.write_str(
                "systemd has passed no socket to this process; start it by its `.socket` unit, or listen on an address instead",
            ),
            Self::TakenBefore => f.write_str(
                "the sockets that systemd has passed are served already; ask for them once in a program",
            ),
            Self::NotListening { name, source } => write!(
                f,
                "the socket `{name}` that systemd has passed can't be listened on: {source}; have only `ListenStream=` in the `.socket` unit, and `Accept=no`"
            ),
            Self::Elsewhere => f.write_str(
                "there is no systemd on this system; listen on an address instead",
            ),
        }
    }
}

crate::error::debug_by_display!(SystemdSocketError);

impl std::error::Error for SystemdSocketError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::NotListening { source, .. } => Some(source),
            Self::NotPassed | Self::TakenBefore | Self::Elsewhere => None,
        }
    }
}
