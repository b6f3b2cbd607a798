//! Systems without systemd.

use crate::server::{ServeError, ServerBuilder, SystemdSocketError};

impl ServerBuilder {
    /// Takes over the sockets that systemd passed; there is no systemd here, which is an error when binding.
    pub fn systemd_sockets(mut self) -> Self {
        let error = ServeError::SystemdSocket(SystemdSocketError::Elsewhere);
        self.error.get_or_insert(error);
        self
    }

    /// Tells systemd how the server does; there is no systemd here, and nothing is told.
    pub fn systemd_notify(self) -> Self {
        self
    }
}
