//! The stream to a database server.

use std::io;

use tokio::net::TcpStream;

use crate::sources::metered::Stream;
use crate::sources::sql::server::DatabaseAddress;

/// Connects, without TLS and login.
pub(super) async fn dial(address: &DatabaseAddress, port: u16) -> io::Result<Box<dyn Stream>> {
    match address {
        DatabaseAddress::Host(host) => {
            let stream = TcpStream::connect((host.as_str(), port)).await?;
            stream.set_nodelay(true)?;
            Ok(Box::new(stream))
        }
        #[cfg(unix)]
        DatabaseAddress::Socket(path) => Ok(Box::new(tokio::net::UnixStream::connect(path).await?)),
        #[cfg(not(unix))]
        DatabaseAddress::Socket(_) => Err(io::ErrorKind::Unsupported.into()),
    }
}
