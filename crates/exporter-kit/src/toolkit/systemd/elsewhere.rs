//! Systems without systemd.

use std::sync::Arc;

use super::error::SystemdSocketError;
use crate::server::Listener;
use crate::server::service_manager::ServiceManager;

/// Fails on systems without systemd.
pub(super) fn take_sockets() -> Result<Vec<Listener>, SystemdSocketError> {
    Err(SystemdSocketError::Unsupported)
}

/// `None` on systems without systemd.
pub(super) fn from_environment() -> Option<Arc<dyn ServiceManager>> {
    None
}
