//! What systemd gives a server, the sockets, and what it is told: readiness, reloads, health.

#[cfg(target_os = "linux")]
mod activation;
#[cfg(not(target_os = "linux"))]
mod elsewhere;
#[cfg(target_os = "linux")]
mod notify;
