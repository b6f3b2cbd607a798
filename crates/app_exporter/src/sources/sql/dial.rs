//! The stream to a database server.

use std::io;

use crate::sources::lookups::Lookups;
use crate::sources::metered::Stream;
use crate::sources::sql::server::DatabaseAddress;

/// Connects, without TLS and login.
pub(super) async fn dial(
    address: &DatabaseAddress,
    port: u16,
    lookups: &Lookups,
) -> io::Result<Box<dyn Stream>> {
    match address {
        DatabaseAddress::Host(host) => Ok(Box::new(lookups.connect(host, port).await?)),
        #[cfg(unix)]
        DatabaseAddress::Socket(path) => Ok(Box::new(tokio::net::UnixStream::connect(path).await?)),
        #[cfg(not(unix))]
        DatabaseAddress::Socket(_) => Err(io::ErrorKind::Unsupported.into()),
    }
}
