//! TLS of clients: the proof that the server has to give, and the client certificate.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::config::{At, Fault};
use crate::decode::Failure;
use crate::sources::tls_verifier::{Fingerprint, Proof, Verifier};
use crate::sources::visit::Visit;

/// TLS: how to verify the server, and a client certificate. Files are read for each connection, so that they can change.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TlsConfig {
    /// CA certificates (PEM) for the server, or the certificate of the server itself; default the CA certificates of this
    /// machine.
    #[serde(default)]
    pub(super) ca_file: Option<At<PathBuf>>,
    /// The client certificate (PEM), for servers that require one.
    #[serde(default)]
    pub(super) cert_file: Option<At<PathBuf>>,
    /// The key of the client certificate (PEM).
    #[serde(default)]
    pub(super) key_file: Option<At<PathBuf>>,
    /// The name that the certificate of the server must have, instead of the host.
    #[serde(default)]
    server_name: Option<At<String>>,
    /// The SHA-256 of the server's certificate, as `openssl x509 -noout -fingerprint -sha256` prints it. Only that
    /// certificate is accepted then, whatever its issuer, dates and names are.
    #[serde(default)]
    fingerprint: Option<At<String>>,
    /// `true` accepts every certificate, so that anyone between here and the server can read the login. Each start logs a
    /// warning.
    #[serde(default)]
    insecure_skip_verify: Option<At<bool>>,
}

/// The parts of a certificate that are verified, unless its keys say otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Checks {
    /// Without it, the name is not verified either.
    pub(super) issuer: bool,
    pub(super) name: bool,
}

impl Checks {
    #[cfg(any(feature = "http", feature = "redis"))]
    pub(super) const ALL: Self = Self {
        issuer: true,
        name: true,
    };
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
        if let Some(name) = &self.server_name
            && ServerName::try_from(name.as_str()).is_err()
        {
            faults.push(Fault::at(
                name.place(),
                "invalid `server_name`; write a host name or an address, as in `db.example`",
            ));
        }
        let Some(fingerprint) = &self.fingerprint else {
            return;
        };
        if Fingerprint::parse(fingerprint).is_none() {
            faults.push(Fault::at(
                fingerprint.place(),
                "invalid `fingerprint`; write the 64 hexadecimal digits that `openssl x509 -noout -fingerprint -sha256 -in \
                 FILE` prints",
            ));
        }
        let other = [
            self.ca_file.as_ref().map(|_| "ca_file"),
            self.skips_verification().then_some("insecure_skip_verify"),
        ];
        if let Some(other) = other.into_iter().flatten().next() {
            faults.push(Fault::at(
                fingerprint.place(),
                format!("`fingerprint` and `{other}` exclude each other; remove one of the two"),
            ));
        }
    }

    /// The warning of each start, if no server is verified.
    pub(super) fn warning(&self) -> Option<String> {
        self.skips_verification()
            .then(|| unverified("insecure_skip_verify: true"))
    }

    pub(super) fn skips_verification(&self) -> bool {
        self.insecure_skip_verify.as_deref().copied() == Some(true)
    }

    /// The keys that verify the server.
    #[cfg(any(feature = "sql-mysql", feature = "sql-postgres"))]
    pub(super) fn verifies_with(&self) -> Option<&'static str> {
        let fingerprint = self.fingerprint.as_ref().map(|_| "fingerprint");
        fingerprint.or(self.ca_file.as_ref().map(|_| "ca_file"))
    }
}

/// The warning that `key` turns verification off.
pub(super) fn unverified(key: &str) -> String {
    format!(
        "`{key}` accepts every certificate, so anyone between here and the server can read the login; name the \
         certificate with `ca_file` or `fingerprint` instead"
    )
}

/// TLS by files that are read for each connection, so that they can change.
#[derive(Debug)]
pub(super) struct Tls {
    config: TlsConfig,
    checks: Checks,
    folder: PathBuf,
    /// The CA certificates of this machine, unless a file replaces them.
    trusted_here: Option<Arc<RootCertStore>>,
}

/// The contents of the files at one time.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Pems {
    trusted: Option<Vec<CertificateDer<'static>>>,
    own: Option<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)>,
}

impl Tls {
    /// # Errors
    /// When a file cannot be read, or lacks a certificate or key.
    pub(super) fn new(config: &TlsConfig, checks: Checks, folder: &Path) -> Result<Self, Fault> {
        let tls = Self {
            config: config.clone(),
            checks,
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
        let provider = rustls::crypto::ring::default_provider();
        let name = self.config.server_name.as_deref();
        let name = name.and_then(|name| ServerName::try_from(name.clone()).ok());
        let verifier = Verifier {
            proof: self.proof(pems)?,
            name,
            algorithms: provider.signature_verification_algorithms,
        };
        let builder = ClientConfig::builder_with_provider(Arc::new(provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| Fault {
                place: None,
                message: error.to_string(),
            })?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier));
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
            ..
        } = &self.config;
        let trusted = ca_file.as_ref().map(|file| self.certificates(file));
        let own = cert_file.as_ref().zip(key_file.as_ref());
        let own = own.map(|(cert, key)| Ok((self.certificates(cert)?, self.key(key)?)));
        Ok(Pems {
            trusted: trusted.transpose()?,
            own: own.transpose()?,
        })
    }

    fn proof(&self, pems: &Pems) -> Result<Proof, Fault> {
        let fingerprint = self.config.fingerprint.as_ref();
        if let Some(fingerprint) = fingerprint.and_then(|text| Fingerprint::parse(text)) {
            return Ok(Proof::Pinned(fingerprint));
        }
        if self.config.skips_verification() || !self.checks.issuer {
            return Ok(Proof::Nothing);
        }
        Ok(Proof::Issued {
            roots: self.roots(pems)?,
            named: pems.trusted.clone().unwrap_or_default(),
            with_name: self.checks.name,
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

/// The CA certificates of this machine, read once for all sources because they are more than a hundred. Unreadable ones
/// are skipped.
fn trusted_here() -> Arc<RootCertStore> {
    static SHARED: Mutex<Weak<RootCertStore>> = Mutex::new(Weak::new());
    let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(roots) = shared.upgrade() {
        return roots;
    }
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let roots = Arc::new(roots);
    *shared = Arc::downgrade(&roots);
    roots
}
