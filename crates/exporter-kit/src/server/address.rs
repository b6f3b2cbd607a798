//! Addresses to listen on.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// An address to listen on: a port on all addresses, an IP address, a host name, or a Unix socket.
///
/// Converts from a port (`8000u16`), an address and a port (`([0, 0, 0, 0], 8000)`), a [`SocketAddr`], or text:
/// `:8000`, `0.0.0.0:8000`, `[::]:8000`, `localhost:8000`, `unix:/run/shop.sock`. Port 0 is any
/// free port.
///
/// A port alone and `[::]` accept both IPv4 and IPv6, unless `0.0.0.0` is listed with the same port. On a machine without
/// IPv6, a port alone is `0.0.0.0`.
///
/// A Unix socket is a file for programs on the same machine. Its mode limits the users that can connect; it follows the
/// umask of the process by default: `unix:/run/shop.sock?mode=0660` sets it. A stale file that nothing listens on is
/// replaced, and the server removes its file when it stops.
///
/// ```
/// use exporter_kit::server::ListenAddress;
///
/// let address: ListenAddress = "localhost:8000".parse()?;
/// assert_eq!(address.to_string(), "localhost:8000");
/// assert_eq!(ListenAddress::from(8000), ":8000".parse()?);
/// assert_eq!(ListenAddress::unix("/run/shop.sock"), "unix:/run/shop.sock".parse()?);
/// # Ok::<(), exporter_kit::server::ListenAddressError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ListenAddress(pub(crate) AddressKind);

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum AddressKind {
    /// All addresses of the machine.
    Port(u16),
    Ip(SocketAddr),
    Host(Box<str>, u16),
    /// With the mode of the file; by default the umask decides.
    Unix(Box<Path>, Option<u32>),
}

impl ListenAddress {
    /// The Unix socket at a path, with the mode that the umask of the process leaves.
    pub fn unix(path: impl Into<PathBuf>) -> Self {
        Self(AddressKind::Unix(path.into().into(), None))
    }
}

impl From<u16> for ListenAddress {
    fn from(port: u16) -> Self {
        Self(AddressKind::Port(port))
    }
}

impl From<SocketAddr> for ListenAddress {
    fn from(address: SocketAddr) -> Self {
        Self(AddressKind::Ip(address))
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
        let kind = if let Some(socket) = text.strip_prefix("unix:") {
            unix(socket)
        } else if text.starts_with("vsock:") {
            Err(AddressFault::Vsock)
        } else {
            ip(text).ok_or(AddressFault::Unknown)
        };
        kind.map(Self).map_err(|fault| ListenAddressError {
            text: text.into(),
            fault,
        })
    }
}

fn ip(text: &str) -> Option<AddressKind> {
    if let Ok(address) = text.parse() {
        return Some(AddressKind::Ip(address));
    }
    let (host, port) = text.rsplit_once(':')?;
    let port = port.parse().ok()?;
    match host.strip_prefix('[').map(|host| host.strip_suffix(']')) {
        _ if host.is_empty() => Some(AddressKind::Port(port)),
        // An address with an interface: `[fe80::1%eth0]`.
        Some(host) => Some(AddressKind::Host(
            host.filter(|host| host.contains('%'))?.into(),
            port,
        )),
        None => is_host(host).then(|| AddressKind::Host(host.into(), port)),
    }
}

fn is_host(text: &str) -> bool {
    text.bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'))
        // Four numbers that are not an IP address are a mistake, not a name.
        && text.bytes().any(|byte| byte.is_ascii_alphabetic())
}

fn unix(text: &str) -> Result<AddressKind, AddressFault> {
    let (path, mode) = match text.split_once('?') {
        Some((path, option)) => {
            let mode = option.strip_prefix("mode=").and_then(mode);
            (path, Some(mode.ok_or(AddressFault::Mode)?))
        }
        None => (text, None),
    };
    if !path.starts_with('/') || path.ends_with('/') || path.contains('\0') {
        return Err(AddressFault::Path);
    }
    Ok(AddressKind::Unix(Path::new(path).into(), mode))
}

/// Three octal digits, for owner, group and others, with an optional leading 0.
fn mode(text: &str) -> Option<u32> {
    let digits = text.strip_prefix('0').filter(|rest| rest.len() == 3);
    let digits = digits.unwrap_or(text);
    let is_octal = digits.len() == 3 && digits.bytes().all(|digit| (b'0'..b'8').contains(&digit));
    u32::from_str_radix(digits, 8).ok().filter(|_| is_octal)
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            AddressKind::Port(port) => write!(f, ":{port}"),
            AddressKind::Ip(address) => address.fmt(f),
            AddressKind::Host(host, port) if host.contains(':') => write!(f, "[{host}]:{port}"),
            AddressKind::Host(host, port) => write!(f, "{host}:{port}"),
            AddressKind::Unix(path, None) => write!(f, "unix:{}", path.display()),
            AddressKind::Unix(path, Some(mode)) => {
                write!(f, "unix:{}?mode={mode:04o}", path.display())
            }
        }
    }
}

/// Invalid text for a [`ListenAddress`].
#[derive(Clone, PartialEq, Eq)]
pub struct ListenAddressError {
    text: Box<str>,
    fault: AddressFault,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum AddressFault {
    Unknown,
    Path,
    Mode,
    Vsock,
}

impl fmt::Display for ListenAddressError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = &self.text;
        match self.fault {
            AddressFault::Unknown => write!(
                f,
                "`{text}` is not an address to listen on; write `:8000`, `127.0.0.1:8000`, `[::1]:8000` or `localhost:8000`, with a port from 0 to 65535, or `unix:/run/exporter.sock`"
            ),
            AddressFault::Path => write!(
                f,
                "`{text}` has no absolute path for the Unix socket; write the whole path: `unix:/run/exporter.sock`"
            ),
            AddressFault::Mode => write!(
                f,
                "`{text}` does not end with the mode of the socket; write three octal digits: `unix:/run/exporter.sock?mode=0660`"
            ),
            AddressFault::Vsock => write!(
                f,
                "`{text}` is a VM socket, which is not supported; listen on a TCP port or a Unix socket, and forward to it with `socat`"
            ),
        }
    }
}

crate::error::debug_by_display!(ListenAddressError);

impl std::error::Error for ListenAddressError {}

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
            "unix:/run/exporter.sock",
            "unix:/run/a b/ü:1.sock?mode=0660",
        ] {
            assert_eq!(text.parse::<ListenAddress>().unwrap().to_string(), text);
        }
        assert_eq!(ListenAddress::from(8000).to_string(), ":8000");
        assert_eq!(
            ListenAddress::from(([0, 0, 0, 0], 8000)).to_string(),
            "0.0.0.0:8000"
        );
        let short: ListenAddress = "unix:/s?mode=600".parse().unwrap();
        assert_eq!(short, "unix:/s?mode=0600".parse().unwrap());
    }

    #[test]
    fn invalid_addresses_are_named_with_valid_ones() {
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
                    "`{text}` is not an address to listen on; write `:8000`"
                )),
                "{error}"
            );
        }
    }

    #[test]
    fn invalid_sockets_are_named_with_valid_ones() {
        for (text, expected) in [
            ("unix:", "has no absolute path for the Unix socket"),
            ("unix:run/s", "has no absolute path for the Unix socket"),
            ("unix:@s", "has no absolute path for the Unix socket"),
            ("unix:/run/", "has no absolute path for the Unix socket"),
            ("unix:/s?mode=", "does not end with the mode of the socket"),
            (
                "unix:/s?mode=66",
                "does not end with the mode of the socket",
            ),
            (
                "unix:/s?mode=0668",
                "does not end with the mode of the socket",
            ),
            (
                "unix:/s?mode=1777",
                "does not end with the mode of the socket",
            ),
            (
                "unix:/s?mode=+66",
                "does not end with the mode of the socket",
            ),
            (
                "unix:/s?owner=me",
                "does not end with the mode of the socket",
            ),
            ("vsock://:9100", "is a VM socket, which is not supported"),
        ] {
            let error = text.parse::<ListenAddress>().unwrap_err().to_string();
            assert!(
                error.starts_with(&format!("`{text}` {expected}; ")),
                "{error}"
            );
        }
    }
}
