//! The server and the handler, over real sockets on the loopback.

mod abuse;
mod answers;
pub(crate) mod client;
mod compressed;
mod large;
#[cfg(feature = "tower")]
mod layer;
mod listening;
mod mounting;
mod shutdown;
