//! The few facts about a certificate that the web configuration decides by: how long it is valid, for what, and
//! its alternative names. Whether a certificate can be trusted is decided elsewhere.
//!
//! Certificates come from anybody. Nothing here allocates more than they are long, recurses, or panics.

use std::net::IpAddr;

const INTEGER: u8 = 0x02;
const OCTETS: u8 = 0x04;
const OID: u8 = 0x06;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
const SEQUENCE: u8 = 0x30;
const BOOLEAN: u8 = 0x01;
const VERSION: u8 = 0xa0;
const EXTENSIONS: u8 = 0xa3;

const EMAIL: u8 = 0x81;
const DNS: u8 = 0x82;
const URI: u8 = 0x86;
const IP: u8 = 0x87;

const SUBJECT_ALT_NAME: &[u8] = &[0x55, 0x1d, 0x11];
const EXTENDED_KEY_USAGE: &[u8] = &[0x55, 0x1d, 0x25];
const ANY_USAGE: &[u8] = &[0x55, 0x1d, 0x25, 0x00];
const CLIENT_AUTH: &[u8] = &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x02];

/// What is known of a certificate.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Facts {
    /// In seconds since 1970.
    pub(super) not_before: i64,
    /// In seconds since 1970.
    pub(super) not_after: i64,
    /// Whether it may stand for a client; it may if it does not say what it is for.
    pub(super) for_clients: bool,
    /// DNS names, addresses of mail, IP addresses and URIs.
    pub(super) names: Vec<String>,
}

/// Reads a certificate in DER; `None` if it is none.
pub(super) fn read(der: &[u8]) -> Option<Facts> {
    let certificate = Reader(der).expect(SEQUENCE)?;
    let mut body = Reader(Reader(certificate).expect(SEQUENCE)?);
    body.skip_if(VERSION);
    body.expect(INTEGER)?;
    // The algorithm, and the issuer.
    body.expect(SEQUENCE)?;
    body.expect(SEQUENCE)?;
    let mut validity = Reader(body.expect(SEQUENCE)?);
    let mut facts = Facts {
        not_before: time(validity.next()?)?,
        not_after: time(validity.next()?)?,
        for_clients: true,
        names: Vec::new(),
    };
    while let Some((tag, content)) = body.next() {
        if tag == EXTENSIONS {
            let mut extensions = Reader(Reader(content).expect(SEQUENCE)?);
            while !extensions.0.is_empty() {
                facts.take_extension(extensions.expect(SEQUENCE)?)?;
            }
        }
    }
    Some(facts)
}

impl Facts {
    fn take_extension(&mut self, extension: &[u8]) -> Option<()> {
        let mut extension = Reader(extension);
        let id = extension.expect(OID)?;
        extension.skip_if(BOOLEAN);
        let mut value = Reader(extension.expect(OCTETS)?);
        if id == SUBJECT_ALT_NAME {
            let mut names = Reader(value.expect(SEQUENCE)?);
            while !names.0.is_empty() {
                let (tag, content) = names.next()?;
                self.names.extend(name(tag, content));
            }
        } else if id == EXTENDED_KEY_USAGE {
            let mut usages = Reader(value.expect(SEQUENCE)?);
            self.for_clients = false;
            while !usages.0.is_empty() {
                let usage = usages.expect(OID)?;
                self.for_clients |= usage == CLIENT_AUTH || usage == ANY_USAGE;
            }
        }
        Some(())
    }
}

/// An alternative name as text, if it is of one of the four kinds.
fn name(tag: u8, content: &[u8]) -> Option<String> {
    match tag {
        EMAIL | DNS | URI => Some(str::from_utf8(content).ok()?.to_owned()),
        IP => {
            let address = match content.len() {
                4 => IpAddr::from(<[u8; 4]>::try_from(content).ok()?),
                _ => IpAddr::from(<[u8; 16]>::try_from(content).ok()?).to_canonical(),
            };
            Some(address.to_string())
        }
        _ => None,
    }
}

/// A time of one of the two kinds that certificates have, in seconds since 1970.
fn time((tag, content): (u8, &[u8])) -> Option<i64> {
    let text = content.strip_suffix(b"Z")?;
    if !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let number = |from: usize, to: usize| {
        let digits = text.get(from..to)?;
        Some(
            digits
                .iter()
                .fold(0, |sum, digit| sum * 10 + i64::from(digit - b'0')),
        )
    };
    let (year, rest) = match (tag, text.len()) {
        // Two digits, which stand for 1950 to 2049.
        (UTC_TIME, 12) => (
            number(0, 2).map(|year| if year < 50 { 2000 + year } else { 1900 + year })?,
            2,
        ),
        (GENERALIZED_TIME, 14) => (number(0, 4)?, 4),
        _ => return None,
    };
    let two = |at: usize| number(rest + at, rest + at + 2);
    let (month, day, hour, minute, second) = (two(0)?, two(2)?, two(4)?, two(6)?, two(8)?);
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    // Years that begin in March have their extra day at the end.
    let (year, month) = if month <= 2 {
        (year - 1, month + 9)
    } else {
        (year, month - 3)
    };
    let days = 365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day - 1;
    // From the first of March of the year 0 to 1970 there are 719468 days.
    Some((days - 719_468) * 86_400 + hour * 3600 + minute * 60 + second)
}

/// Takes one value after the other from DER.
struct Reader<'d>(&'d [u8]);

impl<'d> Reader<'d> {
    /// The next value, with its tag.
    fn next(&mut self) -> Option<(u8, &'d [u8])> {
        let (&tag, rest) = self.0.split_first()?;
        let (&first, mut rest) = rest.split_first()?;
        let length = if first < 0x80 {
            usize::from(first)
        } else {
            // The length has a length. No certificate is longer than four bytes can say.
            let (bytes, after) = rest.split_at_checked(usize::from(first & 0x7f))?;
            if bytes.is_empty() || bytes.len() > 4 {
                return None;
            }
            rest = after;
            bytes
                .iter()
                .fold(0, |sum, byte| sum << 8 | usize::from(*byte))
        };
        let (content, after) = rest.split_at_checked(length)?;
        self.0 = after;
        Some((tag, content))
    }

    /// The next value, which must have that tag.
    fn expect(&mut self, tag: u8) -> Option<&'d [u8]> {
        let (found, content) = self.next()?;
        (found == tag).then_some(content)
    }

    /// Passes over the next value if it has that tag.
    fn skip_if(&mut self, tag: u8) {
        if self.0.first() == Some(&tag) {
            let _ = self.next();
        }
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
    fn times() {
        for (tag, text, expected) in [
            (UTC_TIME, "700101000000Z", Some(0)),
            (UTC_TIME, "491231235959Z", Some(2_524_607_999)),
            (UTC_TIME, "500101000000Z", Some(-631_152_000)),
            (GENERALIZED_TIME, "20240229120000Z", Some(1_709_208_000)),
            (GENERALIZED_TIME, "99991231235959Z", Some(253_402_300_799)),
            (GENERALIZED_TIME, "20241329120000Z", None),
            (GENERALIZED_TIME, "2024022912000Z", None),
            (UTC_TIME, "7001010000+0Z", None),
            (UTC_TIME, "", None),
            (OID, "700101000000Z", None),
        ] {
            assert_eq!(time((tag, text.as_bytes())), expected, "{text}");
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
