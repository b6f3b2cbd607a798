//! systemd: the sockets that it passes, and the notifications that it expects.

#[cfg(target_os = "linux")]
mod activation;
#[cfg(not(target_os = "linux"))]
mod elsewhere;
mod error;
#[cfg(target_os = "linux")]
mod notify;
mod option;

pub use error::SystemdSocketError;
pub use option::{SystemdNotify, SystemdSockets};
