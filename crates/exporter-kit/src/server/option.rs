//! Options that other parts of the crate add to a server.

use std::fmt;
use std::sync::Arc;

use crate::collect::Collect;
use crate::server::access::AccessControl;
use crate::server::encryption::Encryption;
use crate::server::error::ServeError;
use crate::server::listener::Listener;
use crate::server::service_manager::ServiceManager;

/// An option for [`ServerBuilder::with`](super::ServerBuilder::with): a web configuration file, the sockets of systemd,
/// notifications to systemd.
///
/// Implemented by types of [`toolkit`](crate::toolkit), and by no others.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an option of a server",
    note = "the options are `toolkit::WebConfigFile`, `toolkit::SystemdSockets` and `toolkit::SystemdNotify`"
)]
pub trait ServerOption: Apply {}

impl<O: Apply> ServerOption for O {}

/// The implementation of an option. Private to this crate, which seals [`ServerOption`].
pub trait Apply {
    /// Adds the option to a server. Called once, by `with`.
    ///
    /// # Errors
    /// If the option cannot be used. The server reports the error when it is bound.
    fn apply(self, parts: &mut ServerParts) -> Result<(), ServeError>;
}

/// The parts of a server that options provide.
#[derive(Default)]
pub struct ServerParts {
    pub(crate) listeners: Vec<Listener>,
    pub(crate) access: Option<Arc<dyn AccessControl>>,
    pub(crate) encryption: Option<Arc<dyn Encryption>>,
    pub(crate) service_manager: Option<Arc<dyn ServiceManager>>,
    /// Metrics about the parts, shown with the server's own.
    pub(crate) metrics: Vec<Arc<dyn Collect>>,
}

impl fmt::Debug for ServerParts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerParts")
            .field("listeners", &self.listeners)
            .field("access", &self.access)
            .finish_non_exhaustive()
    }
}
