//! Binding sockets to addresses.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, ToSocketAddrs};
use std::path::PathBuf;

use socket2::{Domain, Protocol, Socket, Type};

use crate::server::address::{AddressKind, ListenAddress};
use crate::server::error::ServeError;
use crate::server::listener::Listener;
#[cfg(unix)]
use crate::server::unix_socket;

/// The number of connections that may wait to be accepted.
const BACKLOG: i32 = 1024;

/// The listeners of a server, each with its address.
#[derive(Debug)]
pub(crate) struct Binding {
    pub(crate) listeners: Vec<Listener>,
    /// Those of TCP.
    pub(crate) addresses: Vec<SocketAddr>,
    /// The files of Unix sockets.
    pub(crate) sockets: Vec<PathBuf>,
}

impl Binding {
    /// Binds every address, and adds the listeners that are `bound` already.
    pub(crate) fn new(
        addresses: &[ListenAddress],
        bound: Vec<Listener>,
    ) -> Result<Self, ServeError> {
        let mut listeners = bind(addresses)?;
        listeners.extend(bound);
        if listeners.is_empty() {
            return Err(ServeError::NoAddress);
        }
        let mut addresses = Vec::new();
        let mut sockets = Vec::new();
        for listener in &listeners {
            listener.set_nonblocking().map_err(ServeError::Listener)?;
            addresses.extend(listener.local_address().map_err(ServeError::Listener)?);
            sockets.extend(listener.socket_path().map_err(ServeError::Listener)?);
        }
        Ok(Self {
            listeners,
            addresses,
            sockets,
        })
    }

    /// The URLs of the TCP addresses for a browser, without duplicates.
    pub(crate) fn urls(&self, scheme: &str, path: &str) -> Vec<String> {
        urls(scheme, &self.addresses, path)
    }
}

/// Binds every address, in order. A host name with several addresses yields several listeners.
fn bind(addresses: &[ListenAddress]) -> Result<Vec<Listener>, ServeError> {
    let mut listeners = Vec::with_capacity(addresses.len());
    for address in addresses {
        bind_one(address, addresses, &mut listeners).map_err(|source| ServeError::Listen {
            address: address.clone(),
            source,
        })?;
    }
    Ok(listeners)
}

fn bind_one(
    address: &ListenAddress,
    all: &[ListenAddress],
    listeners: &mut Vec<Listener>,
) -> io::Result<()> {
    match &address.0 {
        AddressKind::Ip(ip) => listeners.push(listen(*ip, has_v4_twin(ip.port(), all))?),
        AddressKind::Port(port) => {
            let v4_listed = has_v4_twin(*port, all);
            let any = SocketAddr::from((Ipv6Addr::UNSPECIFIED, *port));
            match listen(any, v4_listed) {
                Err(error) if is_without_ipv6(&error) => {
                    if !v4_listed {
                        listeners.push(listen((Ipv4Addr::UNSPECIFIED, *port).into(), false)?);
                    }
                }
                listener => listeners.push(listener?),
            }
        }
        AddressKind::Host(host, port) => {
            let mut failed = None;
            let before = listeners.len();
            for ip in (&**host, *port).to_socket_addrs()? {
                match listen(ip, false) {
                    Ok(listener) => listeners.push(listener),
                    Err(error) if is_without_ipv6(&error) => failed = Some(error),
                    Err(error) => return Err(error),
                }
                // Each further address would get another free port; the caller expects a single port.
                if *port == 0 && listeners.len() > before {
                    break;
                }
            }
            if listeners.len() == before {
                return Err(failed.unwrap_or_else(|| io::ErrorKind::AddrNotAvailable.into()));
            }
        }
        #[cfg(unix)]
        AddressKind::Unix(path, mode) => {
            let (listener, file) = unix_socket::listen(path, *mode, BACKLOG)?;
            listeners.push(Listener::with_file(listener, file));
        }
        #[cfg(not(unix))]
        AddressKind::Unix(..) => return Err(io::ErrorKind::Unsupported.into()),
    }
    Ok(())
}

/// Returns whether `0.0.0.0` is listed with the same port, so that `[::]` must leave IPv4 alone.
fn has_v4_twin(port: u16, all: &[ListenAddress]) -> bool {
    port != 0
        && all
            .iter()
            .any(|other| other.0 == AddressKind::Ip((Ipv4Addr::UNSPECIFIED, port).into()))
}

/// Returns whether the machine lacks an address family, or has no address of it.
fn is_without_ipv6(error: &io::Error) -> bool {
    // EAFNOSUPPORT has no `ErrorKind`. Its numbers: Linux, macOS and the BSDs, Windows.
    let not_supported = if cfg!(windows) {
        10047
    } else if cfg!(target_os = "linux") {
        97
    } else {
        47
    };
    error.kind() == io::ErrorKind::AddrNotAvailable || error.raw_os_error() == Some(not_supported)
}

fn listen(address: SocketAddr, v6_only: bool) -> io::Result<Listener> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    if address.ip() == IpAddr::V6(Ipv6Addr::UNSPECIFIED) {
        socket.set_only_v6(v6_only)?;
    }
    // Without it, a restart waits for old connections in TIME-WAIT. On Windows the option means something else.
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(TcpListener::from(socket).into())
}

fn urls(scheme: &str, addresses: &[SocketAddr], path: &str) -> Vec<String> {
    let mut urls = Vec::new();
    for address in addresses {
        let url = if address.ip().is_unspecified() {
            format!("{scheme}://localhost:{}{path}", address.port())
        } else {
            format!("{scheme}://{address}{path}")
        };
        if !urls.contains(&url) {
            urls.push(url);
        }
    }
    urls
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_can_be_opened_and_stand_once() {
        let addresses = ["[::]:8000", "0.0.0.0:8000", "127.0.0.1:9000", "[::1]:9000"]
            .map(|text| text.parse().unwrap());
        assert_eq!(
            urls("http", &addresses, "/metrics"),
            [
                "http://localhost:8000/metrics",
                "http://127.0.0.1:9000/metrics",
                "http://[::1]:9000/metrics"
            ]
        );
    }
}
