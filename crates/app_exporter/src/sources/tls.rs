//! TLS of clients: CA certificates and client certificate.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::config::{At, Fault};
use crate::decode::Failure;
use crate::sources::visit::Visit;

/// TLS: CA certificates and client certificate. The files are read for each connection, so that they can change.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TlsConfig {
    /// CA certificates (PEM) for the server; default those of this machine.
    #[serde(default)]
    pub(super) ca_file: Option<At<PathBuf>>,
    /// The client certificate (PEM), for servers that require one.
    #[serde(default)]
    pub(super) cert_file: Option<At<PathBuf>>,
    /// The key of the client certificate (PEM).
    #[serde(default)]
    pub(super) key_file: Option<At<PathBuf>>,
}

impl TlsConfig {
    pub(super) fn check(&self, faults: &mut Vec<Fault>) {
        match (&self.cert_file, &self.key_file) {
            (Some(cert), None) => faults.push(Fault::at(
                cert.place(),
                "`cert_file` without `key_file`; add `key_file`",
            )),
            (None, Some(key)) => faults.push(Fault::at(
                key.place(),
                "`key_file` without `cert_file`; add `cert_file`",
            )),
            _ => (),
        }
    }
}

/// TLS by files that are read for each connection, so that they can change.
#[derive(Debug)]
pub(super) struct Tls {
    pub(super) config: TlsConfig,
    pub(super) folder: PathBuf,
    /// The CA certificates of this machine, unless a file replaces them.
    trusted_here: Option<Arc<RootCertStore>>,
}

/// The contents of the files at one time.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Pems {
    pub(super) trusted: Option<Vec<CertificateDer<'static>>>,
    own: Option<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)>,
}

impl Tls {
    /// # Errors
    /// When a file cannot be read, or lacks a certificate or key.
    pub(super) fn new(config: &TlsConfig, folder: &Path) -> Result<Self, Fault> {
        let tls = Self {
            config: config.clone(),
            folder: folder.to_owned(),
            trusted_here: config.ca_file.is_none().then(trusted_here),
        };
        // Finds mistakes before the first connection.
        tls.client_of(&tls.read()?)?;
        Ok(tls)
    }

    /// Reads the files.
    ///
    /// # Errors
    /// When one cannot be read, or lacks a certificate or key.
    pub(super) async fn pems(self: &Arc<Self>, visit: &Visit) -> Result<Pems, Failure> {
        if !self.has_files() {
            return Ok(Pems::default());
        }
        let tls = Arc::clone(self);
        visit.blocking(move || tls.read().map_err(failure)).await
    }

    /// A client configuration from these contents.
    ///
    /// # Errors
    /// When certificate and key do not match.
    pub(super) fn client_of(&self, pems: &Pems) -> Result<ClientConfig, Fault> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| Fault {
                place: None,
                message: error.to_string(),
            })?
            .with_root_certificates(self.roots(pems)?);
        let (Some((certificates, key)), Some(file)) = (&pems.own, &self.config.key_file) else {
            return Ok(builder.with_no_client_auth());
        };
        builder
            .with_client_auth_cert(certificates.clone(), key.clone_key())
            .map_err(|error| self.unusable(file, "key", &error.to_string()))
    }

    fn has_files(&self) -> bool {
        self.config.ca_file.is_some() || self.config.cert_file.is_some()
    }

    fn read(&self) -> Result<Pems, Fault> {
        let TlsConfig {
            ca_file,
            cert_file,
            key_file,
        } = &self.config;
        let trusted = ca_file.as_ref().map(|file| self.certificates(file));
        let own = cert_file.as_ref().zip(key_file.as_ref());
        let own = own.map(|(cert, key)| Ok((self.certificates(cert)?, self.key(key)?)));
        Ok(Pems {
            trusted: trusted.transpose()?,
            own: own.transpose()?,
        })
    }

    fn roots(&self, pems: &Pems) -> Result<Arc<RootCertStore>, Fault> {
        if let Some(roots) = &self.trusted_here {
            return Ok(Arc::clone(roots));
        }
        let mut roots = RootCertStore::empty();
        if let (Some(trusted), Some(file)) = (&pems.trusted, &self.config.ca_file) {
            for certificate in trusted {
                roots
                    .add(certificate.clone())
                    .map_err(|error| self.unusable(file, "certificate", &error.to_string()))?;
            }
        }
        Ok(Arc::new(roots))
    }

    fn certificates(&self, file: &At<PathBuf>) -> Result<Vec<CertificateDer<'static>>, Fault> {
        let certificates: Vec<_> = CertificateDer::pem_file_iter(self.folder.join(&**file))
            .and_then(Iterator::collect)
            .map_err(|error| self.unusable(file, "certificate", &error.to_string()))?;
        if certificates.is_empty() {
            return Err(self.unusable(file, "certificate", "the file has no certificate in PEM"));
        }
        Ok(certificates)
    }

    fn key(&self, file: &At<PathBuf>) -> Result<PrivateKeyDer<'static>, Fault> {
        PrivateKeyDer::from_pem_file(self.folder.join(&**file))
            .map_err(|error| self.unusable(file, "key", &error.to_string()))
    }

    fn unusable(&self, file: &At<PathBuf>, what: &str, error: &str) -> Fault {
        let path = self.folder.join(&**file);
        Fault::at(
            file.place(),
            format!("cannot load a {what} from `{}`: {error}", path.display()),
        )
    }
}

/// A fault in a file that was valid when the configuration was read.
pub(super) fn failure(fault: Fault) -> Failure {
    Failure::connect(fault.message)
}

/// The CA certificates of this machine. Unreadable ones are skipped.
pub(super) fn native() -> Vec<CertificateDer<'static>> {
    let mut found = rustls_native_certs::load_native_certs().certs;
    found.retain(|certificate| RootCertStore::empty().add(certificate.clone()).is_ok());
    found
}

/// The CA certificates of this machine, read once for all sources because they are more than a hundred.
fn trusted_here() -> Arc<RootCertStore> {
    static SHARED: Mutex<Weak<RootCertStore>> = Mutex::new(Weak::new());
    let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(roots) = shared.upgrade() {
        return roots;
    }
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(native());
    let roots = Arc::new(roots);
    *shared = Arc::downgrade(&roots);
    roots
}
