//! Client certificates: the five modes of Go's TLS.

use std::fmt;
use std::sync::Arc;

use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, RootCertStore,
    SignatureScheme,
};

use super::error::Problem;
use super::file::{Text, place_of, unknown};
use super::x509;

/// The handling of client certificates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Policy {
    /// Not requested.
    None,
    /// Requested; the client must own the key, and the issuer is not verified.
    Request { required: bool },
    /// Requested; a certificate must be issued by a configured CA.
    Verify { required: bool },
}

/// The names of the modes. `RequireClientCert` is an old name of `RequireAnyClientCert`.
const MODES: [(&str, Policy); 6] = [
    ("NoClientCert", Policy::None),
    ("RequestClientCert", Policy::Request { required: false }),
    ("RequireAnyClientCert", Policy::Request { required: true }),
    ("RequireClientCert", Policy::Request { required: true }),
    (
        "VerifyClientCertIfGiven",
        Policy::Verify { required: false },
    ),
    (
        "RequireAndVerifyClientCert",
        Policy::Verify { required: true },
    ),
];

impl Policy {
    /// The mode of a name. Without a name, certificates are not requested.
    pub(super) fn named(name: Option<&Text>) -> Result<Self, Problem> {
        let Some(name) = name else {
            return Ok(Self::None);
        };
        let mode = MODES.iter().find(|(mode, _)| *mode == name.value);
        mode.map(|(_, policy)| *policy)
            .ok_or_else(|| unknown("invalid ClientAuth", name, &MODES.map(|(name, _)| name)))
    }
}

/// The CA certificates that client certificates are verified against.
pub(super) enum Authorities {
    /// Those of the configuration file.
    Configured(Vec<CertificateDer<'static>>),
    /// Those of the operating system, as in Go, because the file names none.
    System(Vec<CertificateDer<'static>>),
}

impl Authorities {
    /// Reads the CA certificates of the operating system; unreadable ones are skipped.
    pub(super) fn of_system() -> Self {
        Self::System(rustls_native_certs::load_native_certs().certs)
    }

    fn certificates(&self) -> &[CertificateDer<'static>] {
        match self {
            Self::Configured(certificates) | Self::System(certificates) => certificates,
        }
    }
}

/// Verifies client certificates.
pub(super) struct Verifier {
    required: bool,
    /// The verifier of chains, in the modes that verify.
    chains: Option<Chains>,
    /// Certificates that are accepted themselves.
    anchors: Vec<CertificateDer<'static>>,
    /// Allowed alternative names; a certificate must have one of them, unless the list is empty.
    allowed_names: Vec<String>,
    provider: Arc<CryptoProvider>,
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verifier")
            .field("required", &self.required)
            .field("allowed_names", &self.allowed_names)
            .finish_non_exhaustive()
    }
}

impl Verifier {
    /// The verifier of a policy; `None` if no certificate is requested.
    pub(super) fn build(
        policy: Policy,
        authorities: &Authorities,
        allowed_names: &[Text],
        provider: &Arc<CryptoProvider>,
        notices: &mut Vec<String>,
    ) -> Result<Option<Arc<Self>>, Problem> {
        let (required, chains) = match policy {
            Policy::None => {
                return match allowed_names.first() {
                    None => Ok(None),
                    Some(name) => Err(Problem::new(
                        "client_allowed_sans has no effect without client certificates; set client_auth_type to `RequireAndVerifyClientCert`",
                    )
                    .at(place_of(name))),
                };
            }
            Policy::Request { required } => (required, None),
            Policy::Verify { required } => (
                required,
                Some(Chains::build(authorities, provider, notices)?),
            ),
        };
        Ok(Some(Arc::new(Self {
            // A client without a certificate has no allowed name.
            required: required || !allowed_names.is_empty(),
            chains,
            anchors: authorities.certificates().to_vec(),
            allowed_names: allowed_names
                .iter()
                .map(|name| name.value.clone())
                .collect(),
            provider: Arc::clone(provider),
        })))
    }
}

/// The verifier of certificate chains.
enum Chains {
    Verified(Arc<dyn ClientCertVerifier>),
    /// There is no CA certificate, so that no chain ends in one.
    NoAuthority,
}

impl Chains {
    fn build(
        authorities: &Authorities,
        provider: &Arc<CryptoProvider>,
        notices: &mut Vec<String>,
    ) -> Result<Self, Problem> {
        let mut roots = RootCertStore::empty();
        match authorities {
            Authorities::Configured(certificates) => {
                for certificate in certificates {
                    roots.add(certificate.clone()).map_err(|error| {
                        Problem::new(format!(
                            "cannot use a certificate of the client CA: {error}; use X.509 version 3 certificates"
                        ))
                    })?;
                }
            }
            Authorities::System(certificates) => {
                roots.add_parsable_certificates(certificates.iter().cloned());
                if roots.is_empty() {
                    notices.push("client certificates are verified against the CA certificates of the system, of which there are none: every client certificate is rejected; set client_ca_file".to_owned());
                    return Ok(Self::NoAuthority);
                }
                notices.push(format!(
                    "client certificates are verified against the {} CA certificates of the system: any client with a certificate of one of them is accepted; set client_ca_file to accept your own",
                    roots.len()
                ));
            }
        }
        let builder =
            WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider))
                .allow_unauthenticated();
        let builder = match authorities {
            Authorities::Configured(_) => builder,
            // As in Go, the handshake does not list more than a hundred names.
            Authorities::System(_) => builder.clear_root_hint_subjects(),
        };
        match builder.build() {
            Ok(verifier) => Ok(Self::Verified(verifier)),
            Err(error) => Err(Problem::new(format!(
                "cannot use the client CA: {error}; use X.509 version 3 certificates"
            ))),
        }
    }

    fn verify(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<(), Error> {
        match self {
            Self::Verified(verifier) => verifier
                .verify_client_cert(end_entity, intermediates, now)
                .map(drop),
            Self::NoAuthority => Err(CertificateError::UnknownIssuer.into()),
        }
    }
}

impl ClientCertVerifier for Verifier {
    fn offer_client_auth(&self) -> bool {
        true
    }

    fn client_auth_mandatory(&self) -> bool {
        self.required
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        match &self.chains {
            Some(Chains::Verified(verifier)) => verifier.root_hint_subjects(),
            Some(Chains::NoAuthority) | None => &[],
        }
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        if let Some(chains) = &self.chains {
            // webpki rejects a CA certificate as a client certificate, which operators do configure.
            if self.anchors.iter().any(|anchor| anchor == end_entity) {
                verify_anchor(end_entity, now)?;
            } else {
                chains.verify(end_entity, intermediates, now)?;
            }
        }
        if !self.allowed_names.is_empty() {
            let facts = x509::read(end_entity).ok_or(CertificateError::BadEncoding)?;
            if !facts
                .names
                .iter()
                .any(|name| self.allowed_names.contains(name))
            {
                return Err(CertificateError::NotValidForName.into());
            }
        }
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, cert, dss, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, cert, dss, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}

/// Checks that a directly trusted certificate is valid now, and for clients.
fn verify_anchor(certificate: &[u8], now: UnixTime) -> Result<(), CertificateError> {
    let facts = x509::read(certificate).ok_or(CertificateError::BadEncoding)?;
    let now = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
    if now < facts.not_before {
        Err(CertificateError::NotValidYet)
    } else if now > facts.not_after {
        Err(CertificateError::Expired)
    } else if !facts.for_clients {
        Err(CertificateError::InvalidPurpose)
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_system_without_ca_certificates_rejects_every_client_certificate() {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut notices = Vec::new();
        let authorities = Authorities::System(Vec::new());
        let chains = Chains::build(&authorities, &provider, &mut notices).unwrap();
        let rejected = chains.verify(&CertificateDer::from(vec![0]), &[], UnixTime::now());
        assert_eq!(rejected, Err(CertificateError::UnknownIssuer.into()));
        assert!(notices[0].ends_with("every client certificate is rejected; set client_ca_file"));
    }
}
