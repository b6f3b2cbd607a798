//! The HTTP server, and the handler to mount in a server of your own.
//!
//! Three ways to the same answers:
//!
//! - [`serve`] for a synchronous program: one line, one background thread.
//! - [`Server::builder`] for more than one address, another path, or the caller's own runtime and listeners.
//! - [`MetricsHandler`](crate::scrape::MetricsHandler) to mount in an axum, tower or hyper service.
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

pub(crate) mod address;
pub(crate) mod builder;
pub(crate) mod connection;
pub(crate) mod error;
#[cfg_attr(
    not(feature = "web-config"),
    allow(dead_code, reason = "a web configuration alone makes a gate")
)]
pub(crate) mod gate;
pub(crate) mod guard;
pub(crate) mod lifecycle;
pub(crate) mod listen;
pub(crate) mod listener;
pub(crate) mod mounts;
pub(crate) mod path;
pub(crate) mod probe;
pub(crate) mod reload;
pub(crate) mod routes;
pub(crate) mod scrapes;
pub(crate) mod self_metrics;
#[allow(clippy::module_inception, reason = "running a server is what is in it")]
pub(crate) mod server;
pub(crate) mod site;
pub(crate) mod supervisor;
#[cfg(unix)]
pub(crate) mod unix_socket;

pub use address::{ListenAddress, ListenAddressError};
pub use builder::{BoundServer, ServerBuilder};
pub use error::{ServeError, SystemdSocketError};
pub use lifecycle::Readiness;
pub use listener::{IntoListener, Listener};
pub use path::{ExternalUrl, PathError, RoutePrefix};
pub use probe::{ProbeQuery, ProbeRefusal};
pub use reload::{ReloadError, Reloader};
pub use server::{Server, serve};
