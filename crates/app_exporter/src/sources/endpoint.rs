//! Addresses of servers: a host with its port, or a Unix socket.

use std::io;
use std::path::{Path, PathBuf};

use crate::sources::host;
use crate::sources::lookups::Lookups;
use crate::sources::metered::Stream;

/// The address of a server.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Endpoint {
    Tcp { host: String, port: u16 },
    Unix(PathBuf),
}

impl Endpoint {
    /// # Errors
    /// When the address is invalid. The message does not repeat it, as it may hold a password.
    pub(super) fn parse(text: &str, default_port: u16) -> Result<Self, String> {
        let example =
            format!("write it as in `localhost:{default_port}` or `unix:/run/server.sock`");
        if let Some(path) = text.strip_prefix("unix:") {
            if path.is_empty() {
                return Err(format!("the socket has no path; {example}"));
            }
            return Ok(Self::Unix(path.into()));
        }
        if text.contains("//") || text.contains('@') {
            return Err(format!(
                "the address has a scheme or a login; {example}, and a login or TLS under keys of their own"
            ));
        }
        let (host, port) = match text.strip_prefix('[').map(|rest| rest.split_once(']')) {
            Some(Some((host, ""))) => (host, None),
            Some(Some((host, rest))) => (host, Some(rest.strip_prefix(':').unwrap_or(""))),
            Some(None) => return Err(format!("the address has a `[` without its `]`; {example}")),
            // More than one colon: an IPv6 address without port.
            None => match text.split_once(':') {
                Some((host, port)) if !port.contains(':') => (host, Some(port)),
                _ => (text, None),
            },
        };
        if host.is_empty() || host.contains('/') || host.contains(char::is_whitespace) {
            return Err(format!("the address has no host; {example}"));
        }
        host::check(host)?;
        let port = match port.map(str::parse) {
            None => default_port,
            Some(Ok(port)) if port > 0 => port,
            Some(_) => {
                return Err(format!(
                    "the address has no port from 1 to 65535; {example}"
                ));
            }
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

    /// Connects, without TLS.
    ///
    /// # Errors
    /// When nothing listens there.
    pub(super) async fn connect(&self, lookups: &Lookups) -> io::Result<Box<dyn Stream>> {
        match self {
            Self::Tcp { host, port } => Ok(Box::new(lookups.connect(host, *port).await?)),
            Self::Unix(path) => connect_unix(path).await,
        }
    }
}

#[cfg(unix)]
async fn connect_unix(path: &Path) -> io::Result<Box<dyn Stream>> {
    let stream = tokio::net::UnixStream::connect(path).await?;
    Ok(Box::new(stream))
}

#[cfg(not(unix))]
async fn connect_unix(_: &Path) -> io::Result<Box<dyn Stream>> {
    Err(io::Error::other(
        "this system has no Unix sockets; write a host and a port",
    ))
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
        for text in ["2130706433", "0x7f000001:6379", "127.1:1"] {
            let refused = parse(text).unwrap_err();
            assert!(refused.contains("is a number"), "{text}: {refused}");
        }
        assert_eq!(parse("db1"), Ok(tcp("db1", 6379)));
        let refused = parse("redis://:hunter2@a:1").unwrap_err();
        assert!(!refused.contains("hunter2"), "{refused}");
    }
}
