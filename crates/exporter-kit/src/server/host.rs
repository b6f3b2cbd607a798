//! The host that a request names: exactly one, and a valid one, as RFC 9112 and RFC 9113 demand.
//!
//! A proxy and the server could otherwise each read a different host from the same request.

use http::uri::Authority;
use http::{HeaderValue, Request, Response, StatusCode, Version, header};

use crate::scrape::answer::plain;
use crate::scrape::body::Body;

/// Refuses a request whose host is missing, ambiguous or invalid. HTTP/1.0 needs none.
pub(crate) fn refusal<B>(req: &Request<B>) -> Option<Response<Body>> {
    let fault = fault(req)?;
    let mut response = plain(StatusCode::BAD_REQUEST, format!("{fault}\n"));
    if req.version() < Version::HTTP_2 {
        let close = HeaderValue::from_static("close");
        response.headers_mut().insert(header::CONNECTION, close);
    }
    Some(response)
}

fn fault<B>(req: &Request<B>) -> Option<&'static str> {
    let mut hosts = req.headers().get_all(header::HOST).into_iter();
    match (hosts.next(), hosts.next()) {
        (Some(_), Some(_)) => Some("the header `Host` occurs more than once; send it once"),
        (Some(host), None) if !is_valid(host) => {
            Some("the value of the header `Host` is not a host; send `host` or `host:port`")
        }
        (Some(_), None) => None,
        (None, _) => {
            let is_needed = match req.version() {
                Version::HTTP_11 => true,
                Version::HTTP_2 => req.uri().authority().is_none(),
                _ => false,
            };
            is_needed.then_some("the header `Host` is missing; send it")
        }
    }
}

/// Returns whether a value is empty, `host` or `host:port`. The value is empty if a URI has no host.
fn is_valid(value: &HeaderValue) -> bool {
    let Ok(text) = value.to_str() else {
        return false;
    };
    if text.is_empty() {
        return true;
    }
    // An authority may also name a user.
    let Some(authority) = text
        .parse::<Authority>()
        .ok()
        .filter(|_| !text.contains('@'))
    else {
        return false;
    };
    let host = authority.host();
    match text.strip_prefix(host) {
        Some("") => true,
        Some(rest) => rest.strip_prefix(':').is_some_and(is_port) && !host.is_empty(),
        None => false,
    }
}

/// Returns whether a text is a port, or nothing, which stands for the default port.
fn is_port(text: &str) -> bool {
    text.is_empty()
        || (text.bytes().all(|byte| byte.is_ascii_digit()) && text.parse::<u16>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts() {
        for host in [
            "",
            "a",
            "a:",
            "a:80",
            "example.org:65535",
            "192.0.2.1",
            "[::1]",
            "[::1]:8000",
            "a_b-c.d~e",
        ] {
            assert!(is_valid(&host.parse().unwrap()), "{host}");
        }
        for host in [
            ":", ":80", "a:b", "a:65536", "a:-1", "a:+1", "a:1:2", "a b", "a/b", "a?b", "a#b",
            "u@a", "[::1", "::1]", "[::1]a", "http://a", "a\\b", "<a>", "\"a\"", "a\tb",
        ] {
            assert!(!is_valid(&host.parse().unwrap()), "{host}");
        }
        assert!(!is_valid(&HeaderValue::from_bytes(b"\xff").unwrap()));
    }
}
