//! Verifies the certificate of a server: by its issuer and name, by its fingerprint, or not at all.

use std::fmt::Write as _;
use std::sync::Arc;

use ring::digest::{SHA256, digest};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use x509_cert::Certificate;
use x509_cert::der::Decode as _;
use x509_cert::der::asn1::ObjectIdentifier;

/// A SHA-256 of a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fingerprint([u8; 32]);

/// The proof that a server has to give.
#[derive(Clone, Debug)]
pub(super) enum Proof {
    /// None: whoever answers is the server.
    Nothing,
    /// The certificate with this fingerprint, whatever its dates and names are.
    Pinned(Fingerprint),
    /// A certificate that a CA certificate vouches for.
    Issued {
        roots: Arc<RootCertStore>,
        /// The certificates of `ca_file`. One of them is accepted as the server's own too.
        named: Vec<CertificateDer<'static>>,
        /// False to accept every name.
        with_name: bool,
    },
}

/// Verifies servers for one TLS configuration.
#[derive(Debug)]
pub(super) struct Verifier {
    pub(super) proof: Proof,
    /// The name that the certificate must have, instead of the host.
    pub(super) name: Option<ServerName<'static>>,
    pub(super) algorithms: WebPkiSupportedAlgorithms,
}

impl Fingerprint {
    /// Parses 64 hexadecimal digits, as `openssl x509 -fingerprint -sha256` prints them or without the colons.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let digits = text.rsplit_once('=').map_or(text, |(_, digits)| digits);
        let digits: String = digits.chars().filter(|char| *char != ':').collect();
        if digits.len() != 64 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        let mut bytes = [0; 32];
        for (at, byte) in bytes.iter_mut().enumerate() {
            let pair = digits.get(at * 2..at * 2 + 2)?;
            *byte = u8::from_str_radix(pair, 16).ok()?;
        }
        Some(Self(bytes))
    }

    fn of(certificate: &CertificateDer<'_>) -> Self {
        let mut bytes = [0; 32];
        bytes.copy_from_slice(digest(&SHA256, certificate).as_ref());
        Self(bytes)
    }
}

impl std::fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (at, byte) in self.0.iter().enumerate() {
            if at > 0 {
                f.write_char(':')?;
            }
            write!(f, "{byte:02X}")?;
        }
        Ok(())
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        own: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        host: &ServerName<'_>,
        _ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        match &self.proof {
            Proof::Nothing => (),
            Proof::Pinned(expected) => {
                let found = Fingerprint::of(own);
                if found != *expected {
                    let message = format!("the certificate has another fingerprint, `{found}`");
                    return Err(Error::General(message));
                }
            }
            Proof::Issued {
                roots,
                named,
                with_name,
            } => {
                let certificate = ParsedCertificate::try_from(own)?;
                let algorithms = self.algorithms.all;
                let issued = verify_server_cert_signed_by_trust_anchor(
                    &certificate,
                    roots,
                    intermediates,
                    now,
                    algorithms,
                );
                let is_named = named.iter().any(|certificate| certificate == own);
                match issued {
                    Err(error) if is_unvouched(&error) => {
                        if !is_named {
                            return Err(CertificateError::UnknownIssuer.into());
                        }
                    }
                    other => other?,
                }
                if *with_name {
                    let name = self.name.as_ref().unwrap_or(host);
                    let verified = verify_server_name(&certificate, name);
                    if !(verified.is_err() && is_named && has_only_name(own, name)) {
                        verified?;
                    }
                }
            }
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        own: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, own, signed, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        own: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, own, signed, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

/// True for a certificate within its dates that no CA certificate vouches for, such as one that is itself of a CA, as
/// `openssl req -x509` makes it.
fn is_unvouched(error: &Error) -> bool {
    match error {
        Error::InvalidCertificate(CertificateError::UnknownIssuer) => true,
        Error::InvalidCertificate(CertificateError::Other(other)) => {
            other.to_string().contains("CaUsedAsEndEntity")
        }
        _ => false,
    }
}

/// True if the common name of the subject is `name` and the certificate has no alternative names. The TLS library ignores
/// common names; other clients accept them where there is nothing else.
fn has_only_name(own: &CertificateDer<'_>, name: &ServerName<'_>) -> bool {
    const ALTERNATIVE_NAMES: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.17");
    const COMMON_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.3");
    let Ok(certificate) = Certificate::from_der(own) else {
        return false;
    };
    let content = &certificate.tbs_certificate;
    let mut extensions = content.extensions.iter().flatten();
    if extensions.any(|extension| extension.extn_id == ALTERNATIVE_NAMES) {
        return false;
    }
    let attributes = content.subject.0.iter().flat_map(|set| set.0.iter());
    let mut names = attributes.filter(|attribute| attribute.oid == COMMON_NAME);
    names.any(|common| {
        let common = std::str::from_utf8(common.value.value());
        common.is_ok_and(|common| common.eq_ignore_ascii_case(&name.to_str()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_is_written_as_openssl_prints_it_or_shorter() {
        let fingerprint = Fingerprint::of(&CertificateDer::from(b"abc".to_vec()));
        let printed = fingerprint.to_string();
        assert!(
            printed.starts_with("BA:78:16:BF:8F:01:CF:EA:41:41:40:DE"),
            "{printed}"
        );
        let plain = printed.replace(':', "").to_lowercase();
        for text in [&printed, &plain, &format!("sha256 Fingerprint={printed}\n")] {
            assert_eq!(Fingerprint::parse(text), Some(fingerprint), "{text}");
        }
        for text in [
            "",
            "ab",
            &printed[3..],
            &plain.replace('b', "g"),
            &"é".repeat(32),
            &"+1".repeat(32),
        ] {
            assert_eq!(Fingerprint::parse(text), None, "{text}");
        }
    }
}
