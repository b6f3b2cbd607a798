//! Access control: admits or refuses a request before the router sees it.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use http::{HeaderMap, Request, Response};

use crate::scrape::body::Body;
use crate::server::peer::Peer;

/// A future whose type is hidden.
pub(crate) type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Decides which requests a server answers. Called by all connections at the same time; must not block.
///
/// A server without one pays a single comparison for each request.
pub(crate) trait AccessControl: fmt::Debug + Send + Sync {
    /// Decides on a request of a peer, whose head has arrived.
    fn admit(&self, req: &Request<()>, peer: Peer) -> Admission;
}

/// A decision on a request, or the wait for it.
pub(crate) enum Admission {
    Decided(Decision),
    Pending(BoxFuture<Decision>),
}

/// The fate of a request.
pub(crate) enum Decision {
    /// The router answers; these headers replace those of its answer.
    Admitted(Arc<HeaderMap>),
    /// The answer to a refused request.
    Refused(Response<Body>),
}
