//! The HTTP server, and the handler to mount in a server of your own.
//!
//! Three ways to the same answers:
//!
//! - [`serve`] for a synchronous program: one line, one background thread.
//! - [`Server::builder`] for more than one address, another path, or the caller's own runtime and listeners.
//! - [`MetricsHandler`] to mount in an axum, tower or hyper service.
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

mod address;
mod ahead;
mod asking;
mod body;
mod builder;
mod coding;
mod connection;
mod deadline;
mod error;
#[cfg(feature = "clap")]
mod flags;
#[cfg_attr(
    not(feature = "web-config"),
    allow(dead_code, reason = "a web configuration alone makes a gate")
)]
mod gate;
mod guard;
mod gzip;
mod handler;
mod in_flight;
mod job;
#[cfg(feature = "tower")]
mod layer;
mod lifecycle;
mod listen;
mod listener;
mod mounts;
mod negotiate;
mod page;
mod path;
mod probe;
mod recording;
mod reload;
mod routes;
mod scrapes;
mod self_metrics;
mod server;
mod site;
mod supervisor;
#[cfg(feature = "systemd")]
mod systemd;
mod together;
#[cfg(unix)]
mod unix_socket;
#[cfg(feature = "web-config")]
mod web_config;
#[cfg(feature = "zstd")]
mod zstd;

pub use address::{ListenAddress, ListenAddressError};
pub use body::{Body, BodyError};
pub use builder::{BoundServer, ServerBuilder};
pub use error::{ServeError, SystemdSocketError};
#[cfg(feature = "clap")]
pub use flags::WebFlags;
pub use handler::{MetricsHandler, ResponseFuture};
#[cfg(feature = "tower")]
pub use layer::{MeasuredFuture, MeasuredService, RequestMetrics, RequestMetricsBuilder};
pub use lifecycle::Readiness;
pub use listener::{IntoListener, Listener};
pub use path::{ExternalUrl, PathError, RoutePrefix};
pub use probe::{ProbeQuery, ProbeRefusal};
pub use reload::{ReloadError, Reloader};
pub use server::{Server, serve};
#[cfg(feature = "web-config")]
pub use web_config::{WebConfigError, check_web_config};
