//! The HTTP client, which is rebuilt when its certificates or keys change.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use reqwest::Client;

use crate::config::Fault;
use crate::decode::Failure;
use crate::sources::http::address::Redirects;
use crate::sources::http::error::describe;
use crate::sources::tls::{Pems, Tls, TlsConfig};
use crate::sources::visit::Visit;

/// Builds clients. A client keeps its connections between fetches, so one is used until the files change.
pub(super) struct Clients {
    tls: Arc<Tls>,
    redirects: Redirects,
    last: Mutex<Option<(Pems, Client)>>,
}

impl Clients {
    /// # Errors
    /// When a certificate or key cannot be loaded.
    pub(super) fn new(tls: &TlsConfig, redirects: Redirects, folder: &Path) -> Result<Self, Fault> {
        Ok(Self {
            tls: Arc::new(Tls::new(tls, folder)?),
            redirects,
            last: Mutex::default(),
        })
    }

    /// The client that does what the files say now.
    ///
    /// # Errors
    /// When they are invalid.
    pub(super) async fn client(&self, visit: &Visit) -> Result<Client, Failure> {
        let pems = self.tls.pems(visit).await?;
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, client)) = last.as_ref().filter(|(of, _)| *of == pems) {
            return Ok(client.clone());
        }
        let tls = self.tls.client_of(&pems);
        let client = Client::builder()
            .tls_backend_preconfigured(tls.map_err(|fault| Failure::connect(fault.message))?)
            .user_agent(concat!("app_exporter/", env!("CARGO_PKG_VERSION")))
            .redirect(self.redirects.policy())
            .referer(false)
            .no_proxy()
            .build()
            .map_err(|error| Failure::connect(describe(error)))?;
        *last = Some((pems, client.clone()));
        Ok(client)
    }
}
