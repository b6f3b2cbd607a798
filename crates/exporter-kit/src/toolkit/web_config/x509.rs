//! The fields of a certificate that the web configuration uses: validity, purposes, alternative names.
//!
//! Trust is decided elsewhere. Certificates come from any client; one that is not strict DER is rejected.

use std::net::IpAddr;

use x509_cert::Certificate;
use x509_cert::der::Decode as _;
use x509_cert::der::asn1::ObjectIdentifier;
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::ext::pkix::{ExtendedKeyUsage, SubjectAltName};

const ANY_USAGE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.37.0");
const CLIENT_AUTH: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.2");

/// The fields of a certificate.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Facts {
    /// In seconds since 1970.
    pub(super) not_before: i64,
    /// In seconds since 1970.
    pub(super) not_after: i64,
    /// The certificate may identify a client: it lists that purpose, or none at all.
    pub(super) for_clients: bool,
    /// DNS names, e-mail addresses, IP addresses and URIs.
    pub(super) names: Vec<String>,
}

/// Reads a certificate in DER; `None` if it is malformed.
pub(super) fn read(der: &[u8]) -> Option<Facts> {
    let certificate = Certificate::from_der(der).ok()?.tbs_certificate;
    let seconds = |time: x509_cert::time::Time| i64::try_from(time.to_unix_duration().as_secs());
    let usages: Option<(bool, ExtendedKeyUsage)> = certificate.get().ok()?;
    let names: Option<(bool, SubjectAltName)> = certificate.get().ok()?;
    Some(Facts {
        not_before: seconds(certificate.validity.not_before).ok()?,
        not_after: seconds(certificate.validity.not_after).ok()?,
        for_clients: usages.is_none_or(|(_, usages)| {
            usages.0.contains(&CLIENT_AUTH) || usages.0.contains(&ANY_USAGE)
        }),
        names: names.map_or_else(Vec::new, |(_, names)| {
            names.0.iter().filter_map(text_of).collect()
        }),
    })
}

/// An alternative name as text, if it is of one of the four supported types.
fn text_of(name: &GeneralName) -> Option<String> {
    match name {
        GeneralName::Rfc822Name(text)
        | GeneralName::DnsName(text)
        | GeneralName::UniformResourceIdentifier(text) => Some(text.as_str().to_owned()),
        GeneralName::IpAddress(address) => {
            let address = match address.as_bytes().len() {
                4 => IpAddr::from(<[u8; 4]>::try_from(address.as_bytes()).ok()?),
                _ => IpAddr::from(<[u8; 16]>::try_from(address.as_bytes()).ok()?).to_canonical(),
            };
            Some(address.to_string())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, ExtendedKeyUsagePurpose, KeyPair, SanType, date_time_ymd};

    use super::*;

    fn certificate(usages: Vec<ExtendedKeyUsagePurpose>) -> Vec<u8> {
        let mut params = CertificateParams::default();
        params.not_before = date_time_ymd(1999, 12, 31);
        params.not_after = date_time_ymd(2052, 3, 1);
        params.extended_key_usages = usages;
        params.subject_alt_names = vec![
            SanType::DnsName("a.example.org".try_into().unwrap()),
            SanType::Rfc822Name("b@example.org".try_into().unwrap()),
            SanType::IpAddress([127, 0, 0, 1].into()),
            SanType::IpAddress("::1".parse().unwrap()),
            SanType::URI("spiffe://c/d".try_into().unwrap()),
        ];
        let key = KeyPair::generate().unwrap();
        params.self_signed(&key).unwrap().der().to_vec()
    }

    #[test]
    fn a_certificate_is_read() {
        let facts = read(&certificate(Vec::new())).unwrap();
        assert_eq!(facts.not_before, 946_598_400);
        assert_eq!(facts.not_after, 2_592_864_000);
        assert!(facts.for_clients);
        assert_eq!(
            facts.names,
            [
                "a.example.org",
                "b@example.org",
                "127.0.0.1",
                "::1",
                "spiffe://c/d"
            ]
        );
        use ExtendedKeyUsagePurpose as Purpose;
        for (usages, expected) in [
            (vec![Purpose::ServerAuth], false),
            (vec![Purpose::ServerAuth, Purpose::ClientAuth], true),
            (vec![Purpose::Any], true),
        ] {
            let facts = read(&certificate(usages)).unwrap();
            assert_eq!(facts.for_clients, expected);
        }
    }

    #[test]
    fn what_is_cut_or_changed_never_panics() {
        let whole = certificate(vec![ExtendedKeyUsagePurpose::ClientAuth]);
        for end in 0..whole.len() {
            assert_eq!(read(&whole[..end]), None, "{end}");
        }
        for at in 0..whole.len() {
            for byte in [0, 0x7f, 0x80, 0x84, 0xff] {
                let mut changed = whole.clone();
                changed[at] = byte;
                let _ = read(&changed);
            }
        }
    }
}
