//! The options of a server for systemd.

#[cfg(not(target_os = "linux"))]
use super::elsewhere::{from_environment, take_sockets};
#[cfg(target_os = "linux")]
use super::{activation::take_sockets, notify::from_environment};
use crate::server::ServeError;
use crate::server::option::{Apply, ServerParts};

/// Takes over the sockets that systemd passed to this process: all of them, TCP and Unix.
///
/// systemd passes sockets to a program that a `.socket` unit started; without sockets, binding the server fails. Use it
/// once in a program, before other threads read the environment, from which it removes them.
///
/// ```no_run
/// use exporter_kit::toolkit::SystemdSockets;
/// use exporter_kit::{Registry, Server};
///
/// let server = Server::builder(&Registry::new()).with(SystemdSockets).start()?;
/// # Ok::<(), exporter_kit::ServeError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct SystemdSockets;

impl Apply for SystemdSockets {
    fn apply(self, parts: &mut ServerParts) -> Result<(), ServeError> {
        let sockets = take_sockets().map_err(|error| ServeError::Option {
            name: "sockets of systemd",
            source: Box::new(error),
        })?;
        parts.listeners.extend(sockets);
        Ok(())
    }
}

/// Notifies systemd when the server is ready, reloads and stops, and keeps the watchdog of `WatchdogSec=` alive. For
/// units of `Type=notify` and `Type=notify-reload`.
///
/// Without effect in a program that systemd does not wait for, and on systems without systemd.
///
/// ```
/// use exporter_kit::toolkit::SystemdNotify;
/// use exporter_kit::{Registry, Server};
///
/// let server = Server::builder(&Registry::new()).listen("127.0.0.1:0").with(SystemdNotify).start()?;
/// # Ok::<(), exporter_kit::ServeError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct SystemdNotify;

impl Apply for SystemdNotify {
    fn apply(self, parts: &mut ServerParts) -> Result<(), ServeError> {
        if let Some(systemd) = from_environment() {
            parts.service_manager = Some(systemd);
        }
        Ok(())
    }
}
