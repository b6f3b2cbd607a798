//! TLS: the configuration of rustls, built from the file.

use std::sync::Arc;

use rustls::ServerConfig;
use rustls::crypto::{CryptoProvider, ring};

use super::certificates::{self, NamedFiles};
use super::client_certificates::{Authorities, Policy, Verifier};
use super::error::{Place, Problem};
use super::file::{TlsServerConfig, items, place_of, said};
use super::suites::{self, Spoken};
use super::x509;
use crate::model::Timestamp;

/// The protocols that are offered to clients inside TLS.
const HTTP2: &[u8] = b"h2";
const HTTP1: &[u8] = b"http/1.1";

/// The TLS configuration of a server.
#[derive(Debug)]
pub(super) struct Tls {
    pub(super) config: Arc<ServerConfig>,
    /// The end of the server certificate, in seconds since 1970.
    pub(super) not_after: Option<i64>,
}

/// Builds it from the section of a file at `place`; `None` if the section does not enable TLS.
pub(super) fn build(
    file: &TlsServerConfig,
    place: Option<Place>,
    http2: bool,
    files: &mut NamedFiles<'_>,
    notices: &mut Vec<String>,
) -> Result<Option<Tls>, Problem> {
    let asked = [
        &file.cert,
        &file.cert_file,
        &file.key,
        &file.key_file,
        &file.client_ca,
        &file.client_ca_file,
        &file.client_auth_type,
    ];
    if asked.iter().all(|text| said(text).is_none()) {
        return Ok(None);
    }
    // As in Go, missing keys are reported before unreadable files.
    let missing = |keys: &str, remedy: &str| {
        Problem::new(format!("missing one of {keys}; {remedy}")).at(place)
    };
    if said(&file.cert).or(said(&file.cert_file)).is_none() {
        return Err(missing("cert or cert_file", "add the server certificate"));
    }
    if said(&file.key).or(said(&file.key_file)).is_none() {
        return Err(missing(
            "key or key_file",
            "add the private key of the certificate",
        ));
    }
    let chain = files.pem("cert", &file.cert_file, &file.cert)?;
    let key = files.pem("key", &file.key_file, &file.key)?;
    let (Some(chain), Some(key)) = (chain, key) else {
        return Ok(None);
    };

    let versions = suites::versions(said(&file.min_version), said(&file.max_version), notices)?;
    let spoken = Spoken {
        suites: suites::suites(items(&file.cipher_suites), &versions, http2, notices)?,
        curves: suites::curves(items(&file.curve_preferences), notices)?,
        versions,
    };
    let provider = Arc::new(CryptoProvider {
        cipher_suites: spoken.suites,
        kx_groups: spoken.curves,
        ..ring::default_provider()
    });
    let identity = certificates::identity(&chain, &key, &provider)?;
    let facts = chain
        .certificates()?
        .first()
        .and_then(|first| x509::read(first));
    notices.extend(facts.as_ref().and_then(expiry));

    let policy = Policy::named(said(&file.client_auth_type))?;
    let authorities = match files.pem("client_ca", &file.client_ca_file, &file.client_ca)? {
        Some(_) if policy == Policy::None => {
            let at = said(&file.client_ca_file).or(said(&file.client_ca));
            return Err(Problem::new(
                "client CA's have been configured without a Client Auth Policy; set client_auth_type to `RequireAndVerifyClientCert`",
            )
            .at(at.and_then(place_of)));
        }
        Some(authorities) => Authorities::Configured(authorities.certificates()?),
        None if matches!(policy, Policy::Verify { .. }) => Authorities::of_system(),
        None => Authorities::Configured(Vec::new()),
    };
    let names = items(&file.client_allowed_sans);
    let verifier = Verifier::build(policy, &authorities, names, &provider, notices)
        .map_err(|problem| problem.at(said(&file.client_auth_type).and_then(place_of)))?;

    let builder = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&spoken.versions)
        .map_err(|error| Problem::new(format!("cannot combine these versions, cipher suites and curves: {error}; remove cipher_suites")).at(place))?;
    let builder = match verifier {
        Some(verifier) => builder.with_client_cert_verifier(verifier),
        None => builder.with_no_client_auth(),
    };
    let mut config = builder.with_cert_resolver(identity);
    config.ignore_client_order = file.prefer_server_cipher_suites.unwrap_or(true);
    config.alpn_protocols = vec![HTTP1.to_vec()];
    if http2 {
        config.alpn_protocols.insert(0, HTTP2.to_vec());
    }
    Ok(Some(Tls {
        config: Arc::new(config),
        not_after: facts.map(|facts| facts.not_after),
    }))
}

/// The warning about a certificate that is not valid now.
fn expiry(facts: &x509::Facts) -> Option<String> {
    let now = Timestamp::now().seconds();
    if now > facts.not_after {
        Some("the server certificate has expired; clients that verify it reject it".to_owned())
    } else if now < facts.not_before {
        Some("the server certificate is not valid yet; clients that verify it reject it".to_owned())
    } else {
        None
    }
}

/// Returns whether the negotiated protocol is HTTP/2.
pub(super) fn is_http2(protocol: Option<&[u8]>) -> bool {
    protocol == Some(HTTP2)
}
