//! TLS versions, cipher suites and curves by their names in Go, as far as rustls supports them.

use rustls::crypto::{SupportedKxGroup, ring};
use rustls::{SupportedCipherSuite, SupportedProtocolVersion, version};

use super::error::Problem;
use super::file::{Text, place_of, unknown};

/// The versions, oldest first. TLS 1.0 and 1.1 are not supported.
const VERSIONS: [&str; 4] = ["TLS10", "TLS11", "TLS12", "TLS13"];

/// The suites of Go that are supported.
const SUITES: [(&str, SupportedCipherSuite); 9] = {
    use rustls::crypto::ring::cipher_suite as ring;
    [
        (
            "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
            ring::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
        ),
        (
            "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
            ring::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
        ),
        (
            "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
            ring::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
        ),
        (
            "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
            ring::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
        ),
        (
            "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
            ring::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
        ),
        (
            "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
            ring::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
        ),
        ("TLS_AES_128_GCM_SHA256", ring::TLS13_AES_128_GCM_SHA256),
        ("TLS_AES_256_GCM_SHA384", ring::TLS13_AES_256_GCM_SHA384),
        (
            "TLS_CHACHA20_POLY1305_SHA256",
            ring::TLS13_CHACHA20_POLY1305_SHA256,
        ),
    ]
};

/// The suites of Go that are not supported: without forward secrecy, or with CBC.
const SUITES_ELSEWHERE: [&str; 8] = [
    "TLS_RSA_WITH_AES_128_CBC_SHA",
    "TLS_RSA_WITH_AES_256_CBC_SHA",
    "TLS_RSA_WITH_AES_128_GCM_SHA256",
    "TLS_RSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA",
    "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA",
];

/// HTTP/2 requires one of these with TLS 1.2.
const HTTP2_REQUIRED: [&str; 2] = [
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
];

const CURVES: [&str; 5] = [
    "CurveP256",
    "CurveP384",
    "CurveP521",
    "X25519",
    "X25519MLKEM768",
];

/// The versions, suites and curves that clients are offered.
pub(super) struct Spoken {
    pub(super) versions: Vec<&'static SupportedProtocolVersion>,
    pub(super) suites: Vec<SupportedCipherSuite>,
    pub(super) curves: Vec<&'static dyn SupportedKxGroup>,
}

/// The versions between two names. Adds warnings to `notices`.
pub(super) fn versions(
    min: Option<&Text>,
    max: Option<&Text>,
    notices: &mut Vec<String>,
) -> Result<Vec<&'static SupportedProtocolVersion>, Problem> {
    let rank = |text: &Text| {
        let found = VERSIONS.iter().position(|name| *name == text.value);
        found.ok_or_else(|| unknown("unknown TLS version", text, &VERSIONS))
    };
    const TLS12: usize = 2;
    const TLS13: usize = 3;
    let low = min.map_or(Ok(TLS12), rank)?;
    let high = max.map_or(Ok(TLS13), rank)?;
    if let Some(text) = max
        && high < TLS12
    {
        let message = format!(
            "max_version `{}`: no supported versions satisfy MinVersion and MaxVersion; write `TLS12` or `TLS13`",
            text.value
        );
        return Err(Problem::new(message).at(place_of(text)));
    }
    if let Some(text) = min
        && low < TLS12
    {
        notices.push(format!(
            "min_version `{}` is raised to `TLS12`, the oldest supported version",
            text.value
        ));
    }
    if low > high {
        let message = format!(
            "no supported versions satisfy MinVersion and MaxVersion: `{}` is newer than `{}`; make max_version at least min_version",
            VERSIONS[low], VERSIONS[high]
        );
        return Err(Problem::new(message).at(max.or(min).and_then(place_of)));
    }
    let mut versions = Vec::new();
    if high == TLS13 {
        versions.push(&version::TLS13);
    }
    if low <= TLS12 {
        versions.push(&version::TLS12);
    }
    Ok(versions)
}

/// The suites of a list, which applies to TLS 1.2 only; all suites without a list.
pub(super) fn suites(
    list: &[Text],
    versions: &[&'static SupportedProtocolVersion],
    http2: bool,
    notices: &mut Vec<String>,
) -> Result<Vec<SupportedCipherSuite>, Problem> {
    let (Some(first), Some(last)) = (list.first(), list.last()) else {
        return Ok(ring::ALL_CIPHER_SUITES.to_vec());
    };
    let mut chosen = Vec::new();
    let mut absent = Vec::new();
    for name in list {
        let value = name.value.as_str();
        if let Some((_, suite)) = SUITES.iter().find(|(known, _)| *known == value) {
            chosen.push(*suite);
        } else if SUITES_ELSEWHERE.contains(&value) {
            absent.push(value);
        } else {
            let known = SUITES.map(|(name, _)| name);
            return Err(unknown("unknown cipher", name, &known));
        }
    }
    let speaks12 = versions.contains(&&version::TLS12);
    // As in Go, the list does not apply to TLS 1.3.
    chosen.retain(|suite| suite.version() == &version::TLS12);
    if speaks12 && chosen.is_empty() && !absent.is_empty() {
        let message = format!(
            "cipher_suites has no supported suite: {} lack forward secrecy or use CBC; add `{}`, and `{}` for ECDSA certificates",
            super::suggestion::listed(&absent),
            HTTP2_REQUIRED[0],
            HTTP2_REQUIRED[1],
        );
        return Err(Problem::new(message).at(place_of(first)));
    }
    if !absent.is_empty() {
        notices.push(format!(
            "cipher_suites: {} are ignored: they lack forward secrecy or use CBC",
            super::suggestion::listed(&absent)
        ));
    }
    let is_required = |name: &Text| HTTP2_REQUIRED.contains(&name.value.as_str());
    if http2 && speaks12 && !list.iter().any(is_required) {
        let message = format!(
            "http2: TLSConfig.CipherSuites is missing an HTTP/2-required AES_128_GCM_SHA256 cipher (need at least one of {} or {}); add one to cipher_suites, or set http2 of http_server_config to false",
            HTTP2_REQUIRED[0], HTTP2_REQUIRED[1]
        );
        return Err(Problem::new(message).at(place_of(last)));
    }
    let tls13 = ring::ALL_CIPHER_SUITES.iter();
    let tls13 = tls13.filter(|suite| suite.version() == &version::TLS13);
    Ok(tls13.copied().chain(chosen).collect())
}

/// The curves of a list; all curves without a list.
pub(super) fn curves(
    list: &[Text],
    notices: &mut Vec<String>,
) -> Result<Vec<&'static dyn SupportedKxGroup>, Problem> {
    let Some(first) = list.first() else {
        return Ok(ring::ALL_KX_GROUPS.to_vec());
    };
    let mut chosen: Vec<&'static dyn SupportedKxGroup> = Vec::new();
    let mut absent = Vec::new();
    for name in list {
        match name.value.as_str() {
            "CurveP256" => chosen.push(ring::kx_group::SECP256R1),
            "CurveP384" => chosen.push(ring::kx_group::SECP384R1),
            "X25519" => chosen.push(ring::kx_group::X25519),
            absent_curve @ ("CurveP521" | "X25519MLKEM768") => absent.push(absent_curve),
            _ => return Err(unknown("unknown curve", name, &CURVES)),
        }
    }
    if chosen.is_empty() {
        let message = format!(
            "curve_preferences has no supported curve: {} cannot be used; add `X25519`, `CurveP256` or `CurveP384`",
            super::suggestion::listed(&absent)
        );
        return Err(Problem::new(message).at(place_of(first)));
    }
    if !absent.is_empty() {
        notices.push(format!(
            "curve_preferences: unsupported curves are ignored: {}",
            super::suggestion::listed(&absent)
        ));
    }
    Ok(chosen)
}
