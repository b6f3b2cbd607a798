//! The server and the handler, over real sockets on the loopback.

mod abuse;
mod answers;
pub(crate) mod client;
mod compressed;
mod deadline;
mod large;
#[cfg(feature = "tower")]
mod layer;
mod lifecycle;
mod listening;
mod mounting;
mod page;
pub(crate) mod port;
mod probe;
mod registered;
mod self_metrics;
mod shutdown;
mod sources;
pub(crate) mod standstill;
#[cfg(unix)]
mod unix;
#[cfg(feature = "zstd")]
mod zstd;
