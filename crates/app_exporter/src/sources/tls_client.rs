//! Client configurations for connections that this program opens itself.

use std::sync::Arc;

use rustls::ClientConfig;

use crate::decode::Failure;
use crate::sources::tls::{Tls, failure};
use crate::sources::visit::Visit;

impl Tls {
    /// A client configuration from the current files.
    ///
    /// # Errors
    /// When they are invalid.
    pub(super) async fn client(self: &Arc<Self>, visit: &Visit) -> Result<ClientConfig, Failure> {
        let pems = self.pems(visit).await?;
        self.client_of(&pems).map_err(failure)
    }
}
