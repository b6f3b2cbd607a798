//! Others who mean harm: targets of probes, and whoever answers in the place of a server.

mod addresses;
#[cfg(target_os = "linux")]
mod fastcgi;
#[cfg(target_os = "linux")]
mod http;
#[cfg(target_os = "linux")]
mod mysql;
#[cfg(target_os = "linux")]
mod postgres;
#[cfg(target_os = "linux")]
mod redis;
#[cfg(target_os = "linux")]
mod server;
