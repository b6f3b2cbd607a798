//! The errors of socket activation.

use std::error::Error;
use std::fmt;
use std::io;

/// The sockets of systemd cannot be served.
#[non_exhaustive]
pub enum SystemdSocketError {
    /// The environment has no sockets for this process.
    NotPassed,
    /// The program has taken them over already; the environment passes them once.
    TakenBefore,
    /// A socket is not a listening TCP or Unix socket.
    NotListening {
        /// The name of the socket: `FileDescriptorName=`, by default the name of the unit.
        name: String,
        /// The reason.
        source: io::Error,
    },
    /// This system has no systemd.
    Unsupported,
}

impl fmt::Display for SystemdSocketError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotPassed => f.write_str(
                "systemd passed no socket to this process; start it by its `.socket` unit, or listen on an address instead",
            ),
            Self::TakenBefore => f.write_str(
                "the program has taken them over already; ask for them once in a program",
            ),
            Self::NotListening { name, source } => write!(
                f,
                "cannot listen on the socket `{name}`: {source}; use only `ListenStream=` in the `.socket` unit, and `Accept=no`"
            ),
            Self::Unsupported => {
                f.write_str("this system has no systemd; listen on an address instead")
            }
        }
    }
}

crate::error::debug_by_display!(SystemdSocketError);

impl Error for SystemdSocketError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::NotListening { source, .. } => Some(source),
            Self::NotPassed | Self::TakenBefore | Self::Unsupported => None,
        }
    }
}
