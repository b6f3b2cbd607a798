//! Encrypted connections: the interface to a transport that another part of the crate provides.

use std::fmt;
use std::sync::Arc;

use crate::server::access::BoxFuture;
use crate::server::peer::Peer;
use crate::server::service::Service;
use crate::server::shutdown::Stopped;
use crate::server::tracked_stream::TrackedStream;

/// Serves connections that begin with a handshake. Called by all connections at the same time; must not block.
pub(crate) trait Encryption: fmt::Debug + Send + Sync {
    /// Serves a connection until its client closes it, or the server stops.
    fn serve(
        self: Arc<Self>,
        stream: TrackedStream,
        service: Arc<Service>,
        peer: Peer,
        stopped: Stopped,
    ) -> BoxFuture<()>;
}
