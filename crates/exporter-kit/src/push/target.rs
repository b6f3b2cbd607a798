//! The URL of a Pushgateway: checked and split once.

use http::Uri;
use http::uri::Scheme;

use super::error::PushError;

/// The address of a Pushgateway.
#[derive(Clone, Debug)]
pub(super) struct Target {
    /// Without the brackets of an IPv6 address.
    pub(super) host: String,
    pub(super) port: u16,
    /// The value of the `Host` header.
    pub(super) authority: String,
    /// The path before `/metrics`: empty, or with a `/` at the beginning and none at the end.
    pub(super) path: String,
}

impl Target {
    pub(super) fn parse(given: &str) -> Result<Self, PushError> {
        let invalid = |reason| PushError::Url {
            url: without_credentials(given).into(),
            reason,
        };
        let url = match given.contains("://") {
            true => given.to_owned(),
            false => format!("http://{given}"),
        };
        let uri: Uri = url
            .parse()
            .map_err(|_| invalid("write it like `http://pushgateway:9091`"))?;
        match uri.scheme() {
            Some(scheme) if *scheme == Scheme::HTTP => {}
            Some(scheme) if *scheme == Scheme::HTTPS => {
                return Err(invalid(
                    "a push does not use TLS; push with `http://` to a proxy on this machine that uses TLS towards the Pushgateway",
                ));
            }
            _ => return Err(invalid("it must begin with `http://`")),
        }
        let authority = uri.authority().map_or("", |authority| authority.as_str());
        if authority.contains('@') {
            return Err(invalid("give the user and the password with `basic_auth`"));
        }
        if uri.query().is_some() || given.contains('#') {
            return Err(invalid("leave out what begins with `?` or `#`"));
        }
        let host = uri.host().unwrap_or("");
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let port = match authority.rsplit_once(':') {
            Some((_, after)) if !after.ends_with(']') => uri.port_u16(),
            _ => Some(80),
        };
        let (false, Some(port)) = (host.is_empty(), port) else {
            return Err(invalid("name a host and a port from 1 to 65535"));
        };
        Ok(Self {
            host: host.to_owned(),
            port,
            authority: authority.to_owned(),
            path: uri.path().trim_end_matches('/').to_owned(),
        })
    }
}

/// Removes a user and a password, which must not appear in an error.
fn without_credentials(url: &str) -> String {
    let begin = url.find("://").map_or(0, |at| at + 3);
    match url.rfind('@') {
        Some(at) if at >= begin => format!("{}{}", &url[..begin], &url[at + 1..]),
        _ => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_taken_apart() {
        let cases = [
            ("http://push:9091", ("push", 9091, "push:9091", "")),
            ("push:9091/", ("push", 9091, "push:9091", "")),
            ("push", ("push", 80, "push", "")),
            (
                "http://[::1]:9091/a/b//",
                ("::1", 9091, "[::1]:9091", "/a/b"),
            ),
            ("[::1]", ("::1", 80, "[::1]", "")),
        ];
        for (given, expected) in cases {
            let target = Target::parse(given).unwrap();
            let Target {
                host,
                port,
                authority,
                path,
            } = &target;
            assert_eq!((&**host, *port, &**authority, &**path), expected, "{given}");
        }
    }

    #[test]
    fn what_is_no_url_to_push_to_is_refused_without_its_password() {
        let cases = [
            ("https://push", "does not use TLS"),
            ("ftp://push", "http://"),
            ("http://u:secret@push:9091", "basic_auth"),
            ("u:se@cret@push:9091", "basic_auth"),
            ("https://u:se/cret@push", "URL"),
            ("http://push/?a=b", "`?`"),
            ("http://push/#a", "`#`"),
            ("http://push:99999", "port"),
            ("http://push:", "port"),
            ("http://:9091", "host"),
            ("", "like"),
            ("a b", "like"),
        ];
        for (given, hint) in cases {
            let error = Target::parse(given).unwrap_err().to_string();
            assert!(error.contains(hint), "{given}: {error}");
            assert!(!error.contains("cret"), "{given}: {error}");
        }
    }
}
