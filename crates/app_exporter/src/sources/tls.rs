//! TLS as a client: whom to trust, and who we are.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use mysql_async::{ClientIdentity, SslOpts};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::config::{At, Fault};

/// Whom to trust, and who we are.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TlsConfig {
    /// Certificates (PEM) of those who may vouch for the server: those that this machine trusts unless this says
    /// otherwise.
    #[serde(default)]
    ca_file: Option<At<PathBuf>>,
    /// Our own certificate (PEM), for servers that ask for one.
    #[serde(default)]
    cert_file: Option<At<PathBuf>>,
    /// Its key (PEM).
    #[serde(default)]
    key_file: Option<At<PathBuf>>,
}

impl TlsConfig {
    pub(super) fn check(&self, faults: &mut Vec<Fault>) {
        match (&self.cert_file, &self.key_file) {
            (Some(cert), None) => faults.push(Fault::at(
                cert.place(),
                "there is a `cert_file` without its `key_file`; add it",
            )),
            (None, Some(key)) => faults.push(Fault::at(
                key.place(),
                "there is a `key_file` without its `cert_file`; add it",
            )),
            _ => (),
        }
    }

    /// # Errors
    /// When a file can't be read, or has not what it should have.
    pub(super) fn client(&self, folder: &Path) -> Result<ClientConfig, Fault> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| Fault {
                place: None,
                message: error.to_string(),
            })?
            .with_root_certificates(self.roots(folder)?);
        let (Some(cert), Some(key)) = (&self.cert_file, &self.key_file) else {
            return Ok(builder.with_no_client_auth());
        };
        let certificates = certificates(cert, folder)?;
        let path = folder.join(&**key);
        let private = PrivateKeyDer::from_pem_file(&path)
            .map_err(|error| unusable(key, &path, "key", &error.to_string()))?;
        builder
            .with_client_auth_cert(certificates, private)
            .map_err(|error| unusable(key, &path, "key", &error.to_string()))
    }

    /// The same for the client of MySQL, which takes its pieces.
    ///
    /// # Errors
    /// As [`client`](Self::client).
    pub(super) fn of_mysql(&self, folder: &Path) -> Result<SslOpts, Fault> {
        // Everything is read and checked; what it would be used for is built by the client itself.
        self.client(folder)?;
        let trusted = match &self.ca_file {
            Some(file) => certificates(file, folder)?,
            None => native(),
        };
        let trusted = trusted.into_iter().map(|it| it.to_vec().into()).collect();
        let own = self.cert_file.as_ref().zip(self.key_file.as_ref());
        Ok(SslOpts::default()
            .with_disable_built_in_roots(true)
            .with_root_certs(trusted)
            .with_client_identity(own.map(|(cert, key)| {
                let path = |file: &At<PathBuf>| folder.join(&**file).into();
                ClientIdentity::new(path(cert), path(key))
            })))
    }

    fn roots(&self, folder: &Path) -> Result<Arc<RootCertStore>, Fault> {
        match &self.ca_file {
            Some(file) => {
                let mut roots = RootCertStore::empty();
                for certificate in certificates(file, folder)? {
                    roots.add(certificate).map_err(|error| {
                        unusable(
                            file,
                            &folder.join(&**file),
                            "certificate",
                            &error.to_string(),
                        )
                    })?;
                }
                Ok(Arc::new(roots))
            }
            None => Ok(trusted_here()),
        }
    }
}

/// Those whom this machine trusts. What of them can't be read is trusted less, which a connection then shows.
fn native() -> Vec<CertificateDer<'static>> {
    let mut found = rustls_native_certs::load_native_certs().certs;
    found.retain(|certificate| RootCertStore::empty().add(certificate.clone()).is_ok());
    found
}

/// Whom this machine trusts: read once for all who need it at the time, as it is a hundred certificates and more.
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

fn certificates(file: &At<PathBuf>, folder: &Path) -> Result<Vec<CertificateDer<'static>>, Fault> {
    let path = folder.join(&**file);
    let certificates: Vec<_> = CertificateDer::pem_file_iter(&path)
        .and_then(Iterator::collect)
        .map_err(|error| unusable(file, &path, "certificate", &error.to_string()))?;
    if certificates.is_empty() {
        return Err(unusable(file, &path, "certificate", "there is none in it"));
    }
    Ok(certificates)
}

fn unusable(file: &At<PathBuf>, path: &Path, what: &str, error: &str) -> Fault {
    Fault::at(
        file.place(),
        format!("no {what} can be had from `{}`: {error}", path.display()),
    )
}
