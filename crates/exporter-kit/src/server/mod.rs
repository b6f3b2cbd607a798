//! The HTTP server.
//!
//! - [`serve`] for a synchronous program: one line, one background thread.
//! - [`Server::builder`] for several addresses, another path, or the caller's own runtime and listeners.
//! - [`MetricsHandler`](crate::scrape::MetricsHandler) to mount in an axum, tower or hyper service instead.
//!
//! ```
//! use exporter_kit::{Registry, serve};
//! use std::io::{Read, Write};
//!
//! let registry = Registry::new();
//! registry.gauge("app_active_sessions", "Number of active user sessions")?.set(45);
//! let server = serve("127.0.0.1:0", &registry)?;
//!
//! let mut client = std::net::TcpStream::connect(server.local_addresses()[0])?;
//! client.write_all(b"GET /metrics HTTP/1.0\r\n\r\n")?;
//! let mut answer = String::new();
//! client.read_to_string(&mut answer)?;
//! assert!(answer.contains("\napp_active_sessions 45.0\n"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod accept_loop;
#[cfg_attr(
    not(feature = "web-config"),
    allow(dead_code, reason = "only the web configuration controls access")
)]
pub(crate) mod access;
mod address;
mod binding;
mod bound;
mod builder;
mod connection;
pub(crate) mod encryption;
mod endpoints;
mod error;
mod handle;
mod host;
pub(crate) mod http1;
mod lifecycle;
mod listener;
mod open_connections;
mod open_files;
pub(crate) mod option;
pub(crate) mod path;
pub(crate) mod peer;
mod probe;
mod reload;
pub(crate) mod router;
mod routes;
mod self_metrics;
pub(crate) mod service;
pub(crate) mod service_manager;
pub(crate) mod shutdown;
pub(crate) mod stream;
pub(crate) mod timeouts;
pub(crate) mod tracked_stream;
#[cfg(unix)]
mod unix_socket;

pub use address::{ListenAddress, ListenAddressError};
pub use bound::BoundServer;
pub use builder::ServerBuilder;
pub use error::ServeError;
pub use handle::{Server, serve};
pub use lifecycle::Readiness;
pub use listener::{IntoListener, Listener};
pub use option::ServerOption;
pub use path::{ExternalUrl, PathError, RoutePrefix};
pub use probe::{ProbeQuery, ProbeRefusal};
pub use reload::{ReloadError, Reloader};
