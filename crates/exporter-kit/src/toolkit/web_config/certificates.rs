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

/// Reads files for a configuration file.
pub(super) struct Sources<'w> {
    folder: PathBuf,
    watched: &'w mut Watched,
}

/// PEM, and where to say that it is wrong.
pub(super) struct Pem {
    content: Vec<u8>,
    /// What it is called: a path in backticks, or a key.
    name: String,
    place: Option<Place>,
}

impl<'w> Sources<'w> {
    /// Relative paths begin at the folder that `file` is in.
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
                let reason = watched::reason(&full, &error);
                Err(Problem::new(reason).at(place_of(path)))
            }
        }
    }

    /// What a path or a text gives; the path if there are both.
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

    /// Every certificate in it, of which there is at least one.
    pub(super) fn certificates(&self) -> Result<Vec<CertificateDer<'static>>, Problem> {
        let certificates: Result<Vec<_>, pem::Error> =
            CertificateDer::pem_slice_iter(&self.content).collect();
        let certificates = certificates.map_err(|error| {
            let Self { name, .. } = self;
            self.problem(format!(
                "{name} is no PEM: {}; make it anew",
                said_of(&error)
            ))
        })?;
        if certificates.is_empty() {
            let Self { name, .. } = self;
            return Err(self.problem(format!(
                "tls: failed to find any PEM data in certificate input: {name} has no block `BEGIN CERTIFICATE`"
            )));
        }
        Ok(certificates)
    }

    /// The first private key in it.
    fn key(&self) -> Result<PrivateKeyDer<'static>, Problem> {
        PrivateKeyDer::from_pem_slice(&self.content).map_err(|error| {
            let Self { name, .. } = self;
            self.problem(match error {
                pem::Error::NoItemsFound => format!(
                    "tls: failed to find any PEM data in key input: {name} has no private key without a passphrase; `openssl pkey` takes a passphrase away"
                ),
                error => format!("{name} is no PEM: {}; make it anew", said_of(&error)),
            })
        })
    }
}

/// What is wrong with PEM, without its content.
fn said_of(error: &pem::Error) -> &'static str {
    match error {
        pem::Error::MissingSectionEnd { .. } => "a block has no end",
        pem::Error::IllegalSectionStart { .. } => "the begin of a block is malformed",
        pem::Error::Base64Decode(_) => "a block is not in base64",
        _ => "it can't be read",
    }
}

/// A chain of certificates with the key of the first.
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
                "tls: private key does not match public key: {} belongs to another certificate than the first of {}",
                key.name, chain.name
            ),
        ),
        Error::InvalidCertificate(error) => wrong(
            chain,
            format!("the first certificate of {} can't be used: {error}", chain.name),
        ),
        error => wrong(
            key,
            format!(
                "the key of {} can't be used: {error}; take RSA from 2048 bits on, ECDSA with P-256 or P-384, or Ed25519",
                key.name
            ),
        ),
    })?;
    Ok(Arc::new(SingleCertAndKey::from(certified)))
}
