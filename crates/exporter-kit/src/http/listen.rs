//! Addresses to listen on, and the sockets that do.

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, ToSocketAddrs};
use std::str::FromStr;

use socket2::{Domain, Protocol, Socket, Type};

use super::error::ServeError;

/// How many connections may wait to be accepted.
const BACKLOG: i32 = 1024;

/// Where to listen: a port on every address, an IP address, or a host's name.
///
/// Made from a port (`8000u16`), an address and a port (`([0, 0, 0, 0], 8000)`), a [`SocketAddr`], or text:
/// `:8000`, `0.0.0.0:8000`, `[::]:8000`, `localhost:8000`. Port 0 lets the system choose a free one.
///
/// A port alone and `[::]` are dual-stack: they take IPv4 as well as IPv6, unless `0.0.0.0` is listed with the
/// same port. Where the machine has no IPv6, a port alone means `0.0.0.0`.
///
/// ```
/// use exporter_kit::http::ListenAddress;
///
/// let address: ListenAddress = "localhost:8000".parse()?;
/// assert_eq!(address.to_string(), "localhost:8000");
/// assert_eq!(ListenAddress::from(8000), ":8000".parse()?);
/// # Ok::<(), exporter_kit::http::ListenAddressError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ListenAddress(Place);

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Place {
    /// Every address of the machine.
    Port(u16),
    Ip(SocketAddr),
    Host(Box<str>, u16),
}

impl From<u16> for ListenAddress {
    fn from(port: u16) -> Self {
        Self(Place::Port(port))
    }
}

impl From<SocketAddr> for ListenAddress {
    fn from(address: SocketAddr) -> Self {
        Self(Place::Ip(address))
    }
}

impl<I: Into<IpAddr>> From<(I, u16)> for ListenAddress {
    fn from((ip, port): (I, u16)) -> Self {
        SocketAddr::new(ip.into(), port).into()
    }
}

impl TryFrom<&str> for ListenAddress {
    type Error = ListenAddressError;

    fn try_from(text: &str) -> Result<Self, ListenAddressError> {
        text.parse()
    }
}

impl TryFrom<String> for ListenAddress {
    type Error = ListenAddressError;

    fn try_from(text: String) -> Result<Self, ListenAddressError> {
        text.parse()
    }
}

impl TryFrom<&String> for ListenAddress {
    type Error = ListenAddressError;

    fn try_from(text: &String) -> Result<Self, ListenAddressError> {
        text.parse()
    }
}

impl FromStr for ListenAddress {
    type Err = ListenAddressError;

    fn from_str(text: &str) -> Result<Self, ListenAddressError> {
        if let Ok(address) = text.parse::<SocketAddr>() {
            return Ok(address.into());
        }
        let place = text.rsplit_once(':').and_then(|(host, port)| {
            let port = port.parse().ok()?;
            match host.strip_prefix('[').map(|host| host.strip_suffix(']')) {
                _ if host.is_empty() => Some(Place::Port(port)),
                // An address with the name of an interface: `[fe80::1%eth0]`.
                Some(host) => Some(Place::Host(
                    host.filter(|host| host.contains('%'))?.into(),
                    port,
                )),
                None => is_host(host).then(|| Place::Host(host.into(), port)),
            }
        });
        place
            .map(Self)
            .ok_or_else(|| ListenAddressError { text: text.into() })
    }
}

fn is_host(text: &str) -> bool {
    text.bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'))
        // Four numbers that are no IP address are a mistake, not a name.
        && text.bytes().any(|byte| byte.is_ascii_alphabetic())
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Place::Port(port) => write!(f, ":{port}"),
            Place::Ip(address) => address.fmt(f),
            Place::Host(host, port) if host.contains(':') => write!(f, "[{host}]:{port}"),
            Place::Host(host, port) => write!(f, "{host}:{port}"),
        }
    }
}

/// Text that is no address to listen on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListenAddressError {
    text: Box<str>,
}

impl fmt::Display for ListenAddressError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "`{}` is no address to listen on; write `:8000`, `127.0.0.1:8000`, `[::1]:8000` or `localhost:8000`, with a port from 0 to 65535",
            self.text
        )
    }
}

impl std::error::Error for ListenAddressError {}

/// Listeners that a server takes over: the standard library's and tokio's.
pub trait IntoListener {
    /// The standard library's listener for the same socket.
    ///
    /// # Errors
    /// When the socket can't be taken out of the runtime that it belongs to.
    fn into_listener(self) -> io::Result<TcpListener>;
}

impl IntoListener for TcpListener {
    fn into_listener(self) -> io::Result<TcpListener> {
        Ok(self)
    }
}

impl IntoListener for tokio::net::TcpListener {
    fn into_listener(self) -> io::Result<TcpListener> {
        self.into_std()
    }
}

/// Binds every address, in order. A name that stands for several addresses gives several listeners.
pub(crate) fn bind(addresses: &[ListenAddress]) -> Result<Vec<TcpListener>, ServeError> {
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
    listeners: &mut Vec<TcpListener>,
) -> io::Result<()> {
    match &address.0 {
        Place::Ip(ip) => listeners.push(listen(*ip, has_v4_twin(ip.port(), all))?),
        Place::Port(port) => {
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
        Place::Host(host, port) => {
            let mut failed = None;
            let before = listeners.len();
            for ip in (&**host, *port).to_socket_addrs()? {
                match listen(ip, false) {
                    Ok(listener) => listeners.push(listener),
                    Err(error) if is_without_ipv6(&error) => failed = Some(error),
                    Err(error) => return Err(error),
                }
                // Every address would get a free port of its own, and the caller expects one.
                if *port == 0 && listeners.len() > before {
                    break;
                }
            }
            if listeners.len() == before {
                return Err(failed.unwrap_or_else(|| io::ErrorKind::AddrNotAvailable.into()));
            }
        }
    }
    Ok(())
}

/// Whether `0.0.0.0` is listed with that port, so that `[::]` must leave IPv4 to it.
fn has_v4_twin(port: u16, all: &[ListenAddress]) -> bool {
    port != 0
        && all
            .iter()
            .any(|other| other.0 == Place::Ip((Ipv4Addr::UNSPECIFIED, port).into()))
}

/// Whether an address family, or every address of it, is missing from the machine.
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

fn listen(address: SocketAddr, v6_only: bool) -> io::Result<TcpListener> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    if address.ip() == IpAddr::V6(Ipv6Addr::UNSPECIFIED) {
        socket.set_only_v6(v6_only)?;
    }
    // A restart must not wait for the old connections' TIME-WAIT. On Windows the option means something else.
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// The addresses of these listeners.
pub(crate) fn local_addresses(listeners: &[TcpListener]) -> Result<Vec<SocketAddr>, ServeError> {
    listeners
        .iter()
        .map(|listener| listener.local_addr().map_err(ServeError::Listener))
        .collect()
}

/// What to open in a browser for these addresses; each once.
pub(crate) fn urls(scheme: &str, addresses: &[SocketAddr], path: &str) -> Vec<String> {
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
    fn addresses_are_written_as_they_were_read() {
        for text in [
            ":8000",
            "0.0.0.0:8000",
            "[::]:8000",
            "[::1]:0",
            "127.0.0.1:65535",
            "localhost:8000",
            "my-host.example.org:9100",
            "[fe80::1%eth0]:8000",
        ] {
            assert_eq!(text.parse::<ListenAddress>().unwrap().to_string(), text);
        }
        assert_eq!(ListenAddress::from(8000).to_string(), ":8000");
        assert_eq!(
            ListenAddress::from(([0, 0, 0, 0], 8000)).to_string(),
            "0.0.0.0:8000"
        );
    }

    #[test]
    fn what_is_no_address_is_named_with_what_is_accepted() {
        for text in [
            "",
            "8000",
            ":",
            ":65536",
            ":-1",
            "localhost",
            "localhost:",
            "::1:8000",
            "1.2.3:80",
            "1.2.3.4.5:80",
            "256.0.0.1:80",
            "http://localhost:80",
            "a b:80",
            "[::1]",
            "[nonsense]:80",
            "[::1:80",
        ] {
            let error = text.parse::<ListenAddress>().unwrap_err().to_string();
            assert!(
                error.starts_with(&format!(
                    "`{text}` is no address to listen on; write `:8000`"
                )),
                "{error}"
            );
        }
    }

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
