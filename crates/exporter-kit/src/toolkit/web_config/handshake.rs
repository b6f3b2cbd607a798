//! From an accepted connection to HTTP inside TLS.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf};
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::{http2, tls};
use crate::server::connection;
use crate::server::gate::Stream;
use crate::server::guard::HEAD_TIMEOUT;
use crate::server::server::{first, until};
use crate::server::site::Site;

/// The first byte of a handshake.
const HANDSHAKE: u8 = 0x16;

/// What a client is told that does not know of TLS; the words are Go's.
const NOT_ENCRYPTED: &[u8] =
    b"HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n";

/// Serves a connection until its client is done with it, or the server is to stop. The handshake has as much
/// time as the head of a request.
pub(super) async fn serve(
    config: Arc<ServerConfig>,
    stream: Box<dyn Stream>,
    site: Arc<Site>,
    mut stopped: watch::Receiver<()>,
) {
    let mut encrypted = None;
    let shaking = async {
        encrypted = timeout(HEAD_TIMEOUT, accept(config, stream))
            .await
            .ok()
            .flatten();
    };
    first(shaking, until(&mut stopped)).await;
    let Some(stream) = encrypted else {
        return;
    };
    if tls::is_http2(stream.get_ref().1.alpn_protocol()) {
        http2::serve(*stream, site, stopped).await;
    } else {
        connection::serve_http1(*stream, site, stopped).await;
    }
}

/// Shakes hands. What goes wrong is the client's doing, and it is told.
async fn accept(
    config: Arc<ServerConfig>,
    mut stream: Box<dyn Stream>,
) -> Option<Box<TlsStream<Begun>>> {
    let byte = stream.read_u8().await.ok()?;
    if byte.is_ascii_uppercase() {
        // The begin of a method.
        stream.write_all(NOT_ENCRYPTED).await.ok()?;
        stream.shutdown().await.ok()?;
        return None;
    }
    if byte != HANDSHAKE {
        return None;
    }
    let begun = Begun {
        byte: Some(byte),
        stream,
    };
    match TlsAcceptor::from(config).accept(begun).await {
        Ok(stream) => Some(Box::new(stream)),
        Err(error) => {
            // Anybody can make it fail, at any rate: not for a log that is kept.
            log::debug!("a TLS handshake failed: {error}");
            None
        }
    }
}

/// A stream whose first byte was read already.
struct Begun {
    byte: Option<u8>,
    stream: Box<dyn Stream>,
}

impl AsyncRead for Begun {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if buf.remaining() > 0
            && let Some(byte) = self.byte.take()
        {
            buf.put_slice(&[byte]);
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Begun {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rcgen::{CertificateParams, KeyPair};
    use rustls::crypto::ring;
    use rustls::pki_types::PrivateKeyDer;
    use tokio::time::Instant;

    use super::*;
    use crate::page::Landing;
    use crate::registry::Registry;
    use crate::scrape::MetricsHandler;
    use crate::server::routes::Routes;

    fn config() -> Arc<ServerConfig> {
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::default().self_signed(&key).unwrap();
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let provider = Arc::new(ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .unwrap();
        Arc::new(config)
    }

    fn site() -> Arc<Site> {
        let metrics = MetricsHandler::new(&Registry::new());
        Arc::new(Site::new(
            Routes::new(None, None, "/metrics"),
            metrics,
            &Landing::default(),
        ))
    }

    /// The begin of a hello that says it has 512 bytes.
    const BEGIN: &[u8] = &[HANDSHAKE, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3];

    #[tokio::test(start_paused = true)]
    async fn a_handshake_that_stops_is_closed_when_a_head_would_be() {
        for sent in 0..=BEGIN.len() {
            let (mut client, server) = tokio::io::duplex(1024);
            let (_stop, stopped) = watch::channel(());
            tokio::spawn(serve(config(), Box::new(server), site(), stopped));
            client.write_all(&BEGIN[..sent]).await.unwrap();
            let before = Instant::now();
            let mut rest = Vec::new();
            client.read_to_end(&mut rest).await.unwrap();
            let took = before.elapsed();
            assert!(took >= HEAD_TIMEOUT, "{sent}: {took:?}");
            assert!(
                took < HEAD_TIMEOUT + Duration::from_secs(1),
                "{sent}: {took:?}"
            );
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_handshake_that_trickles_is_closed_as_well() {
        let (mut client, server) = tokio::io::duplex(1024);
        let (_stop, stopped) = watch::channel(());
        tokio::spawn(serve(config(), Box::new(server), site(), stopped));
        let before = Instant::now();
        for byte in BEGIN.iter().chain([0; 500].iter()) {
            if client.write_all(&[*byte]).await.is_err() {
                break;
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        let took = before.elapsed();
        assert!(took < HEAD_TIMEOUT + Duration::from_secs(2), "{took:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_that_stops_waits_for_no_handshake() {
        let (mut client, server) = tokio::io::duplex(1024);
        let (stop, stopped) = watch::channel(());
        let serving = tokio::spawn(serve(config(), Box::new(server), site(), stopped));
        client.write_all(BEGIN).await.unwrap();
        let before = Instant::now();
        drop(stop);
        serving.await.unwrap();
        assert!(before.elapsed() < Duration::from_secs(1));
    }
}
