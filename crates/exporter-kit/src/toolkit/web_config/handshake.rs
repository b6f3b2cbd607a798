//! The TLS handshake of an accepted connection, up to HTTP inside TLS.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::{http2, tls};
use crate::server::http1;
use crate::server::peer::Peer;
use crate::server::service::Service;
use crate::server::shutdown::Stopped;
use crate::server::timeouts::HEAD_TIMEOUT;
use crate::sync::first;

/// The first byte of a handshake.
const HANDSHAKE: u8 = 0x16;

/// The answer to a client without TLS, in the words of Go.
const NOT_ENCRYPTED: &[u8] =
    b"HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n";

/// Serves a connection until its client closes it, or the server stops. The handshake has the timeout of the head of a
/// request.
pub(super) async fn serve<S: AsyncRead + AsyncWrite + Send + Unpin + 'static>(
    config: Arc<ServerConfig>,
    stream: S,
    service: Arc<Service>,
    peer: Peer,
    mut stopped: Stopped,
) {
    let mut encrypted = None;
    let shaking = async {
        encrypted = timeout(HEAD_TIMEOUT, accept(config, stream))
            .await
            .ok()
            .flatten();
    };
    first(shaking, stopped.wait()).await;
    let Some(stream) = encrypted else {
        return;
    };
    if tls::is_http2(stream.get_ref().1.alpn_protocol()) {
        http2::serve(*stream, service, peer, stopped).await;
    } else {
        http1::serve(*stream, service, peer, stopped).await;
    }
}

/// Shakes hands. The client caused every failure, and is informed of it.
async fn accept<S: AsyncRead + AsyncWrite + Unpin>(
    config: Arc<ServerConfig>,
    mut stream: S,
) -> Option<Box<TlsStream<Begun<S>>>> {
    let byte = stream.read_u8().await.ok()?;
    if byte.is_ascii_uppercase() {
        // The first letter of an HTTP method.
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
            // Any client can cause failures at any rate, so they must not fill the log.
            log::debug!("cannot complete a TLS handshake: {error}");
            None
        }
    }
}

/// A stream whose first byte has been read already.
struct Begun<S> {
    byte: Option<u8>,
    stream: S,
}

impl<S: AsyncRead + Unpin> AsyncRead for Begun<S> {
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

impl<S: AsyncWrite + Unpin> AsyncWrite for Begun<S> {
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
    use crate::server::router::Router;
    use crate::server::shutdown;

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

    fn service() -> Arc<Service> {
        Arc::new(Service::new(Router::with_page(0), None, None))
    }

    /// The begin of a hello that says it has 512 bytes.
    const BEGIN: &[u8] = &[HANDSHAKE, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3];

    #[tokio::test(start_paused = true)]
    async fn a_handshake_that_stops_is_closed_when_a_head_would_be() {
        for sent in 0..=BEGIN.len() {
            let (mut client, server) = tokio::io::duplex(1024);
            let (_stop, stopped) = shutdown::channel();
            tokio::spawn(serve(config(), server, service(), Peer::Local, stopped));
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
        let (_stop, stopped) = shutdown::channel();
        tokio::spawn(serve(config(), server, service(), Peer::Local, stopped));
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
        let (stop, stopped) = shutdown::channel();
        let serving = tokio::spawn(serve(config(), server, service(), Peer::Local, stopped));
        client.write_all(BEGIN).await.unwrap();
        let before = Instant::now();
        drop(stop);
        serving.await.unwrap();
        assert!(before.elapsed() < Duration::from_secs(1));
    }
}
