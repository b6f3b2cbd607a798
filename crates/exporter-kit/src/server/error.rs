//! The errors of starting a server.

use std::convert::Infallible;
use std::error::Error;
use std::fmt;
use std::io;

use crate::registry::RegisterError;
use crate::server::address::{AddressKind, ListenAddress, ListenAddressError};
use crate::server::path::PathError;

/// A server cannot start.
#[non_exhaustive]
pub enum ServeError {
    /// The text of an address is invalid.
    Address(ListenAddressError),
    /// The server has neither an address nor a listener.
    NoAddress,
    /// The path of the metrics is invalid.
    MetricsPath(Box<str>),
    /// The path of a probe or a page is invalid or in use.
    Endpoint {
        /// The path.
        path: Box<str>,
        /// The reason.
        why: &'static str,
    },
    /// The route prefix or the external URL is invalid.
    Path(PathError),
    /// A metric of the server exists in the registry already.
    Register(RegisterError),
    /// The server cannot listen on an address.
    Listen {
        /// The address.
        address: ListenAddress,
        /// The error of the operating system.
        source: io::Error,
    },
    /// The server cannot take over a listener.
    Listener(io::Error),
    /// An option of [`ServerBuilder::with`](super::ServerBuilder::with) cannot be used.
    ///
    /// The source is the error of the option, such as `toolkit::WebConfigError`.
    Option {
        /// The option, in words.
        name: &'static str,
        /// The error.
        source: Box<dyn Error + Send + Sync>,
    },
    /// The thread of the server or its runtime cannot be started.
    Start(io::Error),
}

impl fmt::Display for ServeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(error) => error.fmt(f),
            Self::NoAddress => f.write_str(
                "cannot start the server: it has no address to listen on; add one with `listen`, or a listener with `listener`",
            ),
            Self::MetricsPath(path) => write!(
                f,
                "cannot serve the metrics at `{path}`: the path is invalid; write one that begins with `/` and has no `?`, `#` or space, such as `/metrics`"
            ),
            Self::Endpoint { path, why } => {
                write!(f, "cannot serve a probe or page at `{path}`: {why}")
            }
            Self::Path(error) => error.fmt(f),
            Self::Register(error) => {
                write!(f, "cannot register the metrics of the server: {error}")
            }
            Self::Listen { address, source } => {
                write!(f, "cannot listen on `{address}`: ")?;
                match &address.0 {
                    AddressKind::Unix(..) => explain_unix_socket(source, f),
                    _ => explain_port(source, f),
                }
            }
            Self::Listener(error) => write!(
                f,
                "cannot take over the listener: {error}; pass a TCP or Unix listener that is open"
            ),
            Self::Option { name, source } => write!(f, "cannot use the {name}: {source}"),
            Self::Start(error) => write!(
                f,
                "cannot start the thread of the server: {error}; raise the limits on threads and open files"
            ),
        }
    }
}

fn explain_port(source: &io::Error, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match source.kind() {
        io::ErrorKind::AddrInUse => f.write_str(
            "the port is in use; stop the program that listens on it (`ss -ltnp` names it) or choose another port",
        ),
        io::ErrorKind::PermissionDenied => f.write_str(
            "permission denied; choose a port from 1024 on, or grant the program the capability `CAP_NET_BIND_SERVICE`",
        ),
        io::ErrorKind::AddrNotAvailable => f.write_str(
            "this machine does not have the address; choose one that `ip address` lists, or `:PORT` for all of them",
        ),
        _ => write!(
            f,
            "{source}; choose an address of this machine, or `:PORT` for all of them"
        ),
    }
}

fn explain_unix_socket(source: &io::Error, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match source.kind() {
        io::ErrorKind::AddrInUse => f.write_str(
            "another program listens there; stop it (`ss -lxp` names it) or choose another path",
        ),
        io::ErrorKind::AlreadyExists => {
            f.write_str("the file exists and is not a socket; remove it or choose another path")
        }
        io::ErrorKind::NotFound => {
            f.write_str("the folder does not exist; create it or choose another path")
        }
        io::ErrorKind::PermissionDenied => {
            f.write_str("permission denied; choose a folder that the user of the program can write")
        }
        io::ErrorKind::Unsupported => {
            f.write_str("this system does not support Unix sockets; listen on a port")
        }
        _ => write!(f, "{source}; choose another path, of at most 107 bytes"),
    }
}

crate::error::debug_by_display!(ServeError);

impl Error for ServeError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Address(error) => Some(error),
            Self::Path(error) => Some(error),
            Self::Register(error) => Some(error),
            Self::Listen { source, .. } | Self::Listener(source) | Self::Start(source) => {
                Some(source)
            }
            Self::Option { source, .. } => Some(&**source),
            Self::NoAddress | Self::MetricsPath(_) | Self::Endpoint { .. } => None,
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
