//! Connections to servers, and how much may come over them.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use crate::sources::sql::server::Address;

/// What a driver speaks over.
pub(super) trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

/// A stream that ends in an error once more than allowed was read, so that not even one huge value is taken in.
pub(super) struct Metered {
    stream: Box<dyn Stream>,
    meter: Meter,
}

/// How many bytes may still be read.
#[derive(Clone, Debug)]
pub(super) struct Meter(Arc<AtomicUsize>);

impl Meter {
    pub(super) fn new(bytes: usize) -> Self {
        Self(Arc::new(AtomicUsize::new(bytes)))
    }

    pub(super) fn set(&self, bytes: usize) {
        self.0.store(bytes, Ordering::Relaxed);
    }

    pub(super) fn is_used_up(&self) -> bool {
        self.0.load(Ordering::Relaxed) == 0
    }
}

impl Metered {
    /// Connects.
    pub(super) async fn open(address: &Address, port: u16, meter: Meter) -> io::Result<Self> {
        let stream: Box<dyn Stream> = match address {
            Address::Host(host) => {
                let stream = TcpStream::connect((host.as_str(), port)).await?;
                stream.set_nodelay(true)?;
                Box::new(stream)
            }
            #[cfg(unix)]
            Address::Socket(path) => {
                let in_folder = path.join(format!(".s.PGSQL.{port}"));
                let path = if path.is_dir() { &in_folder } else { path };
                Box::new(tokio::net::UnixStream::connect(path).await?)
            }
            #[cfg(not(unix))]
            Address::Socket(_) => return Err(io::ErrorKind::Unsupported.into()),
        };
        Ok(Self { stream, meter })
    }
}

impl AsyncRead for Metered {
    fn poll_read(
        mut self: Pin<&mut Self>,
        ctx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.meter.is_used_up() {
            return Poll::Ready(Err(io::Error::other("more was sent than is allowed")));
        }
        let before = buf.filled().len();
        let result = Pin::new(&mut self.stream).poll_read(ctx, buf);
        let read = buf.filled().len().saturating_sub(before);
        let left = self.meter.0.load(Ordering::Relaxed);
        self.meter.set(left.saturating_sub(read));
        result
    }
}

impl AsyncWrite for Metered {
    fn poll_write(
        mut self: Pin<&mut Self>,
        ctx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(ctx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, ctx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(ctx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, ctx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(ctx)
    }
}
