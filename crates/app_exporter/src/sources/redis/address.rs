//! Addresses of Redis servers.

use std::fmt;

use crate::sources::endpoint::Endpoint;
use crate::sources::host;

/// A server, and its name in messages, which has no values of variables, as they may be secret.
#[derive(Clone)]
pub(super) struct ServerAddress {
    pub(super) endpoint: Endpoint,
    shown: Box<str>,
}

impl ServerAddress {
    pub(super) fn new(endpoint: Endpoint, shown: impl Into<Box<str>>) -> Self {
        Self {
            endpoint,
            shown: shown.into(),
        }
    }

    /// A server that another server names. If the name lacks the host, it is that of the other server. `None` for a host
    /// that no configuration may have.
    pub(super) fn named(host: &str, port: u16, by: &Self) -> Option<Self> {
        host::check(host).ok()?;
        let host = match &by.endpoint {
            Endpoint::Tcp { host: own, .. } if host.is_empty() || host == "?" => own.clone(),
            _ => host.to_owned(),
        };
        let shown = if host.contains(':') {
            format!("[{host}]:{port}")
        } else {
            format!("{host}:{port}")
        };
        Some(Self::new(Endpoint::Tcp { host, port }, shown))
    }

    /// The server of a redirect such as `3999 10.0.0.7:6379`.
    pub(super) fn redirected(detail: &str, by: &Self) -> Option<Self> {
        let (host, port) = detail.split(' ').nth(1)?.rsplit_once(':')?;
        Self::named(host, port.parse().ok()?, by)
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
        assert_eq!(redirected("12 2130706433:7001"), None);
    }
}
