//! Addresses of Redis servers.

use std::fmt;
use std::path::{Path, PathBuf};

/// The address of a server.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Endpoint {
    Tcp { host: String, port: u16 },
    Unix(PathBuf),
}

/// A server, and its name in messages, which has no values of variables, as they may be secret.
#[derive(Clone)]
pub(super) struct ServerAddress {
    pub(super) endpoint: Endpoint,
    shown: Box<str>,
}

impl Endpoint {
    /// # Errors
    /// When the address is invalid. The message does not repeat it, as it may hold a password.
    pub(super) fn parse(text: &str, default_port: u16) -> Result<Self, String> {
        const AS: &str = "write it as in `localhost:6379` or `unix:/run/redis/redis.sock`";
        if let Some(path) = text.strip_prefix("unix:") {
            if path.is_empty() {
                return Err(format!("the socket has no path; {AS}"));
            }
            return Ok(Self::Unix(path.into()));
        }
        if text.contains("//") || text.contains('@') {
            return Err(format!(
                "the address has a scheme or a login; {AS}, the login under `user` and `password`, TLS as `tls: {{}}`"
            ));
        }
        let (host, port) = match text.strip_prefix('[').map(|rest| rest.split_once(']')) {
            Some(Some((host, ""))) => (host, None),
            Some(Some((host, rest))) => (host, Some(rest.strip_prefix(':').unwrap_or(""))),
            Some(None) => return Err(format!("the address has a `[` without its `]`; {AS}")),
            // More than one colon: an IPv6 address without port.
            None => match text.split_once(':') {
                Some((host, port)) if !port.contains(':') => (host, Some(port)),
                _ => (text, None),
            },
        };
        if host.is_empty() || host.contains('/') || host.contains(char::is_whitespace) {
            return Err(format!("the address has no host; {AS}"));
        }
        let port = match port.map(str::parse) {
            None => default_port,
            Some(Ok(port)) if port > 0 => port,
            Some(_) => return Err(format!("the address has no port from 1 to 65535; {AS}")),
        };
        Ok(Self::Tcp {
            host: host.to_owned(),
            port,
        })
    }

    /// Resolves a relative path of a socket from `folder`.
    pub(super) fn below(self, folder: &Path) -> Self {
        match self {
            Self::Unix(path) => Self::Unix(folder.join(path)),
            tcp @ Self::Tcp { .. } => tcp,
        }
    }
}

impl ServerAddress {
    pub(super) fn new(endpoint: Endpoint, shown: impl Into<Box<str>>) -> Self {
        Self {
            endpoint,
            shown: shown.into(),
        }
    }

    /// A server that another server names. If the name lacks the host, it is that of the other server.
    pub(super) fn named(host: &str, port: u16, by: &Self) -> Self {
        let host = match &by.endpoint {
            Endpoint::Tcp { host: own, .. } if host.is_empty() || host == "?" => own.clone(),
            _ => host.to_owned(),
        };
        let shown = if host.contains(':') {
            format!("[{host}]:{port}")
        } else {
            format!("{host}:{port}")
        };
        Self::new(Endpoint::Tcp { host, port }, shown)
    }

    /// The server of a redirect such as `3999 10.0.0.7:6379`.
    pub(super) fn redirected(detail: &str, by: &Self) -> Option<Self> {
        let (host, port) = detail.split(' ').nth(1)?.rsplit_once(':')?;
        Some(Self::named(host, port.parse().ok()?, by))
    }
}

impl fmt::Debug for ServerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.shown, f)
    }
}

impl fmt::Display for ServerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tcp(host: &str, port: u16) -> Endpoint {
        Endpoint::Tcp {
            host: host.to_owned(),
            port,
        }
    }

    #[test]
    fn every_way_to_write_an_address() {
        let parse = |text| Endpoint::parse(text, 6379);
        assert_eq!(parse("localhost"), Ok(tcp("localhost", 6379)));
        assert_eq!(parse("10.0.0.1:7000"), Ok(tcp("10.0.0.1", 7000)));
        assert_eq!(parse("[::1]:7000"), Ok(tcp("::1", 7000)));
        assert_eq!(parse("[::1]"), Ok(tcp("::1", 6379)));
        assert_eq!(parse("::1"), Ok(tcp("::1", 6379)));
        assert_eq!(parse("unix:a/b"), Ok(Endpoint::Unix("a/b".into())));
        for text in [
            "", ":6379", "a:0", "a:65536", "a:b", "[::1", "[::1]7", "unix:", "a b", "a/b",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
        let refused = parse("redis://:hunter2@a:1").unwrap_err();
        assert!(!refused.contains("hunter2"), "{refused}");
    }

    #[test]
    fn a_node_without_host_is_where_the_one_is_that_names_it() {
        let by = ServerAddress::new(tcp("db", 7000), "${REDIS}");
        let redirected = |detail| ServerAddress::redirected(detail, &by).map(|it| it.to_string());
        assert_eq!(
            redirected("12 10.0.0.1:7001").as_deref(),
            Some("10.0.0.1:7001")
        );
        assert_eq!(redirected("12 ::1:7001").as_deref(), Some("[::1]:7001"));
        assert_eq!(redirected("12 :7001").as_deref(), Some("db:7001"));
        assert_eq!(redirected("12 ?:7001").as_deref(), Some("db:7001"));
        assert_eq!(redirected("12"), None);
    }
}
