//! The HTTP client, which is rebuilt when its certificates, keys or passwords change.

use std::sync::{Arc, Mutex, PoisonError};

use reqwest::Client;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::redirect::Policy;

use crate::config::Fault;
use crate::config::login::Secret;
use crate::decode::Failure;
use crate::sources::http::address::Redirects;
use crate::sources::http::error::describe;
use crate::sources::http::route::Route;
use crate::sources::lookups::Lookups;
use crate::sources::origin::Surroundings;
use crate::sources::tls::{Checks, Pems, Tls, TlsConfig};
use crate::sources::visit::Visit;

/// Builds clients. A client keeps its connections between fetches, so one is used until the files change.
pub(super) struct Clients {
    tls: Arc<Tls>,
    route: Route,
    /// `None` follows no redirect.
    redirects: Option<Redirects>,
    lookups: Lookups,
    last: Mutex<Option<(Files, Client)>>,
}

/// The contents of files at one time.
#[derive(PartialEq)]
struct Files {
    pems: Pems,
    proxy_password: Option<Secret>,
}

impl Clients {
    /// # Errors
    /// When a certificate or key cannot be loaded.
    pub(super) fn new(
        tls: &TlsConfig,
        route: Route,
        redirects: Option<Redirects>,
        surroundings: Surroundings<'_>,
    ) -> Result<Self, Fault> {
        Ok(Self {
            tls: Arc::new(Tls::new(tls, Checks::ALL, surroundings.folder)?),
            route,
            redirects,
            lookups: surroundings.lookups.clone(),
            last: Mutex::default(),
        })
    }

    /// The client that does what the files say now.
    ///
    /// # Errors
    /// When they are invalid.
    pub(super) async fn client(&self, visit: &Visit) -> Result<Client, Failure> {
        let files = Files {
            pems: self.tls.pems(visit).await?,
            proxy_password: self.route.password(visit).await?,
        };
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, client)) = last.as_ref().filter(|(of, _)| *of == files) {
            return Ok(client.clone());
        }
        let tls = self.tls.client_of(&files.pems);
        let redirects = self.redirects.as_ref();
        let client = Client::builder()
            .tls_backend_preconfigured(tls.map_err(|fault| Failure::connect(fault.message))?)
            .user_agent(concat!("app_exporter/", env!("CARGO_PKG_VERSION")))
            .redirect(redirects.map_or_else(Policy::none, Redirects::policy))
            .dns_resolver(Arc::new(self.lookups.clone()))
            .referer(false);
        let client = self
            .route
            .apply(client, files.proxy_password.as_ref())?
            .build()
            .map_err(|error| Failure::connect(describe(error)))?;
        *last = Some((files, client.clone()));
        Ok(client)
    }

    /// The failure of a request to `shown`.
    pub(super) fn failure(&self, shown: &str, error: reqwest::Error) -> Failure {
        if error.is_connect() {
            return self.route.failure(shown, &describe(error));
        }
        if error.is_redirect() {
            let cause = describe(error);
            return Failure::query(format!("`{shown}`: cannot follow the redirect: {cause}"));
        }
        let cause = describe(error);
        Failure::connect(format!("`{shown}`: cannot read the response: {cause}"))
    }
}

impl Resolve for Lookups {
    fn resolve(&self, name: Name) -> Resolving {
        let lookups = self.clone();
        Box::pin(async move {
            let found = Self::resolve(&lookups, name.as_str()).await?;
            let found: Vec<_> = found.to_vec();
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}
