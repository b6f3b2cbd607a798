//! Why a server can't start.

use std::convert::Infallible;
use std::fmt;
use std::io;

use super::listen::{ListenAddress, ListenAddressError};

/// Why a server can't start.
#[derive(Debug)]
#[non_exhaustive]
pub enum ServeError {
    /// An address is not written as one.
    Address(ListenAddressError),
    /// Neither an address nor a listener was given.
    NoAddress,
    /// The path of the metrics is not a path.
    MetricsPath(Box<str>),
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
            Self::Listen { address, source } => {
                write!(f, "can't listen on `{address}`: ")?;
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
            Self::Listener(error) => write!(
                f,
                "can't use the listener that was handed over: {error}; hand over a TCP listener that is open"
            ),
            Self::WebConfig(error) => write!(f, "the web configuration can't be used: {error}"),
            Self::Start(error) => write!(
                f,
                "can't start the server's thread: {error}; raise the limits on threads and open files"
            ),
        }
    }
}

impl std::error::Error for ServeError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Address(error) => Some(error),
            Self::Listen { source, .. } | Self::Listener(source) | Self::Start(source) => {
                Some(source)
            }
            Self::WebConfig(error) => Some(&**error),
            Self::NoAddress | Self::MetricsPath(_) => None,
        }
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
