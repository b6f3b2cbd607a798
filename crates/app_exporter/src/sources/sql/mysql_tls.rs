//! TLS options of MySQL's client, which builds its own TLS configuration from certificates.

use std::path::PathBuf;
use std::sync::Arc;

use mysql_async::{ClientIdentity, SslOpts};

use crate::config::At;
use crate::decode::Failure;
use crate::sources::tls::{self, Tls};
use crate::sources::visit::Visit;

/// Reads the files and returns the client's options.
///
/// # Errors
/// As for [`Tls::client`].
pub(super) async fn options(tls: &Arc<Tls>, visit: &Visit) -> Result<SslOpts, Failure> {
    let pems = tls.pems(visit).await?;
    // Only checks the files: the client builds its own configuration.
    tls.client_of(&pems).map_err(tls::failure)?;
    let trusted = match pems.trusted {
        Some(trusted) => trusted,
        None => visit.blocking(|| Ok(tls::native())).await?,
    };
    let trusted = trusted.into_iter().map(|it| it.to_vec().into()).collect();
    let own = tls.config.cert_file.as_ref();
    let own = own.zip(tls.config.key_file.as_ref());
    let path = |file: &At<PathBuf>| tls.folder.join(&**file).into();
    Ok(SslOpts::default()
        .with_disable_built_in_roots(true)
        .with_root_certs(trusted)
        .with_client_identity(own.map(|(cert, key)| ClientIdentity::new(path(cert), path(key)))))
}
