//! Certificates and keys in PEM, from files or from the configuration file itself.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::{self, PemObject as _};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{Error, InconsistentKeys};

use super::error::{Place, Problem};
use super::file::{Text, place_of, said};
use super::watched::{self, Watched};

/// The marks of encrypted keys.
const ENCRYPTED_PKCS8: &str = "BEGIN ENCRYPTED PRIVATE KEY";
const ENCRYPTED_LEGACY: &str = "Proc-Type: 4,ENCRYPTED";

/// Remedies for a path and for damaged PEM.
const RELATIVE: &str = "a relative path begins at the folder of the configuration file";
const REPLACE: &str = "copy the file again, or issue it again";

/// The files that a configuration file names.
pub(super) struct NamedFiles<'w> {
    folder: PathBuf,
    watched: &'w mut Watched,
}

/// PEM, with the place for its problems.
pub(super) struct Pem {
    content: Vec<u8>,
    /// Its name in messages: a path in backticks, or a key.
    name: String,
    place: Option<Place>,
}

impl<'w> NamedFiles<'w> {
    /// Relative paths begin at the folder of `file`.
    pub(super) fn new(file: &Path, watched: &'w mut Watched) -> Self {
        Self {
            folder: file.parent().unwrap_or(Path::new("")).to_owned(),
            watched,
        }
    }

    pub(super) fn read(&mut self, path: &Text) -> Result<(PathBuf, Vec<u8>), Problem> {
        let full = self.folder.join(&path.value);
        match self.watched.read(&full) {
            Ok(content) => Ok((full, content)),
            Err(error) => {
                let reason = watched::explain(&full, &error, RELATIVE);
                Err(Problem::new(reason).at(place_of(path)))
            }
        }
    }

    /// The content of a file or of the text itself; of the file if there are both.
    pub(super) fn pem(
        &mut self,
        key: &str,
        path: &Option<Text>,
        text: &Option<Text>,
    ) -> Result<Option<Pem>, Problem> {
        if let Some(path) = said(path) {
            let (full, content) = self.read(path)?;
            return Ok(Some(Pem {
                content,
                name: format!("`{}`", full.display()),
                place: place_of(path),
            }));
        }
        Ok(said(text).map(|text| Pem {
            content: text.value.clone().into_bytes(),
            name: format!("the text of `{key}`"),
            place: place_of(text),
        }))
    }
}

impl Pem {
    fn problem(&self, message: String) -> Problem {
        Problem::new(message).at(self.place)
    }

    /// All certificates, of which there is at least one.
    pub(super) fn certificates(&self) -> Result<Vec<CertificateDer<'static>>, Problem> {
        let certificates: Result<Vec<_>, pem::Error> =
            CertificateDer::pem_slice_iter(&self.content).collect();
        let certificates = certificates.map_err(|error| {
            let Self { name, .. } = self;
            self.problem(format!("{name} is not PEM: {}; {REPLACE}", explain(&error)))
        })?;
        if certificates.is_empty() {
            let Self { name, .. } = self;
            return Err(self.problem(format!(
                "tls: failed to find any PEM data in certificate input: {name} has no block `BEGIN CERTIFICATE`; name the file of the certificate"
            )));
        }
        Ok(certificates)
    }

    /// The first private key in it.
    fn key(&self) -> Result<PrivateKeyDer<'static>, Problem> {
        let Self { name, content, .. } = self;
        let has = |mark: &str| {
            content
                .windows(mark.len())
                .any(|part| part == mark.as_bytes())
        };
        if has(ENCRYPTED_PKCS8) || has(ENCRYPTED_LEGACY) {
            return Err(self.problem(format!(
                "{name} is encrypted with a passphrase; decrypt it with `openssl pkey -in KEY -out DECRYPTED`"
            )));
        }
        PrivateKeyDer::from_pem_slice(content).map_err(|error| {
            self.problem(match error {
                pem::Error::NoItemsFound => format!(
                    "tls: failed to find any PEM data in key input: {name} has no block `BEGIN PRIVATE KEY`; name the file of the key"
                ),
                error => format!("{name} is not PEM: {}; {REPLACE}", explain(&error)),
            })
        })
    }
}

/// The problem with PEM, without its content.
fn explain(error: &pem::Error) -> &'static str {
    match error {
        pem::Error::MissingSectionEnd { .. } => "a block has no `END` line",
        pem::Error::IllegalSectionStart { .. } => "a `BEGIN` line is malformed",
        pem::Error::Base64Decode(_) => "a block is not valid base64",
        _ => "it is malformed",
    }
}

/// A certificate chain with the key of its first certificate.
pub(super) fn identity(
    chain: &Pem,
    key: &Pem,
    provider: &CryptoProvider,
) -> Result<Arc<SingleCertAndKey>, Problem> {
    let wrong = |at: &Pem, why: String| at.problem(format!("failed to load X509KeyPair: {why}"));
    let certificates = chain
        .certificates()
        .map_err(|problem| wrong(chain, problem.message().to_owned()))?;
    let private = key
        .key()
        .map_err(|problem| wrong(key, problem.message().to_owned()))?;
    let certified = CertifiedKey::from_der(certificates, private, provider);
    let certified = certified.map_err(|error| match error {
        Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => wrong(
            key,
            format!(
                "tls: private key does not match public key: {} does not belong to the first certificate of {}; name the key of that certificate",
                key.name, chain.name
            ),
        ),
        Error::InvalidCertificate(error) => wrong(
            chain,
            format!("cannot use the first certificate of {}: {error}; issue it again", chain.name),
        ),
        error => wrong(
            key,
            format!(
                "cannot use the key of {}: {error}; use RSA with at least 2048 bits, ECDSA with P-256 or P-384, or Ed25519",
                key.name
            ),
        ),
    })?;
    Ok(Arc::new(SingleCertAndKey::from(certified)))
}
