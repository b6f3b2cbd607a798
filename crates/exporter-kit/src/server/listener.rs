//! Sockets that listen, and the connections they accept: TCP's and Unix'.

use std::io;
use std::net::{SocketAddr, TcpListener};
#[cfg(unix)]
use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

#[cfg(unix)]
use crate::server::unix_socket::{self, SocketFile};

/// Listeners that a server takes over: the standard library's and tokio's, for TCP and for Unix sockets.
pub trait IntoListener {
    /// The same socket, outside any runtime.
    ///
    /// # Errors
    /// When the socket can't be taken out of the runtime that it belongs to.
    fn into_listener(self) -> io::Result<Listener>;
}

impl IntoListener for Listener {
    fn into_listener(self) -> io::Result<Listener> {
        Ok(self)
    }
}

impl IntoListener for TcpListener {
    fn into_listener(self) -> io::Result<Listener> {
        Ok(self.into())
    }
}

impl IntoListener for tokio::net::TcpListener {
    fn into_listener(self) -> io::Result<Listener> {
        self.into_std().map(Listener::from)
    }
}

#[cfg(unix)]
impl IntoListener for UnixListener {
    fn into_listener(self) -> io::Result<Listener> {
        Ok(self.into())
    }
}

#[cfg(unix)]
impl IntoListener for tokio::net::UnixListener {
    fn into_listener(self) -> io::Result<Listener> {
        self.into_std().map(Listener::from)
    }
}

/// A socket that listens, of any kind that a server accepts connections from.
#[derive(Debug)]
pub struct Listener {
    /// Removed before the socket is closed, so that nobody takes it for one that was left behind.
    #[cfg(unix)]
    file: Option<SocketFile>,
    socket: Socket,
}

#[derive(Debug)]
enum Socket {
    Tcp(TcpListener),
    #[cfg(unix)]
    Unix(UnixListener),
}

impl From<TcpListener> for Listener {
    fn from(listener: TcpListener) -> Self {
        Self {
            #[cfg(unix)]
            file: None,
            socket: Socket::Tcp(listener),
        }
    }
}

#[cfg(unix)]
impl From<UnixListener> for Listener {
    fn from(listener: UnixListener) -> Self {
        Self {
            file: None,
            socket: Socket::Unix(listener),
        }
    }
}

impl Listener {
    /// One whose file is the server's to remove.
    #[cfg(unix)]
    pub(crate) fn with_file(listener: UnixListener, file: SocketFile) -> Self {
        Self {
            file: Some(file),
            socket: Socket::Unix(listener),
        }
    }

    /// The address, if it is one of TCP.
    pub(crate) fn local_address(&self) -> io::Result<Option<SocketAddr>> {
        match &self.socket {
            Socket::Tcp(listener) => listener.local_addr().map(Some),
            #[cfg(unix)]
            Socket::Unix(_) => Ok(None),
        }
    }

    /// The file, if it is a Unix socket that has one.
    pub(crate) fn socket_path(&self) -> io::Result<Option<PathBuf>> {
        match &self.socket {
            Socket::Tcp(_) => Ok(None),
            #[cfg(unix)]
            Socket::Unix(listener) => {
                let address = listener.local_addr()?;
                Ok(address.as_pathname().map(PathBuf::from))
            }
        }
    }

    pub(crate) fn set_nonblocking(&self) -> io::Result<()> {
        match &self.socket {
            Socket::Tcp(listener) => listener.set_nonblocking(true),
            #[cfg(unix)]
            Socket::Unix(listener) => listener.set_nonblocking(true),
        }
    }

    /// Hands it to the runtime that this is called in.
    pub(crate) fn register(self) -> io::Result<Acceptor> {
        Ok(Acceptor {
            #[cfg(unix)]
            _file: self.file,
            socket: match self.socket {
                Socket::Tcp(listener) => {
                    tokio::net::TcpListener::from_std(listener).map(Registered::Tcp)?
                }
                #[cfg(unix)]
                Socket::Unix(listener) => {
                    tokio::net::UnixListener::from_std(listener).map(Registered::Unix)?
                }
            },
        })
    }
}

/// A listener that belongs to a runtime.
#[derive(Debug)]
pub(crate) struct Acceptor {
    #[cfg(unix)]
    _file: Option<SocketFile>,
    socket: Registered,
}

#[derive(Debug)]
enum Registered {
    Tcp(tokio::net::TcpListener),
    #[cfg(unix)]
    Unix(tokio::net::UnixListener),
}

impl Acceptor {
    /// The next connection. Dropping this future loses none.
    pub(crate) async fn accept(&self) -> io::Result<Stream> {
        match &self.socket {
            Registered::Tcp(listener) => listener.accept().await.map(|(tcp, _)| Stream::Tcp(tcp)),
            #[cfg(unix)]
            Registered::Unix(listener) => {
                listener.accept().await.map(|(unix, _)| Stream::Unix(unix))
            }
        }
    }
}

/// A connection of either kind.
#[derive(Debug)]
pub(crate) enum Stream {
    Tcp(tokio::net::TcpStream),
    #[cfg(unix)]
    Unix(tokio::net::UnixStream),
}

impl From<tokio::net::TcpStream> for Stream {
    fn from(stream: tokio::net::TcpStream) -> Self {
        Self::Tcp(stream)
    }
}

impl Stream {
    /// Sends each write at once. A Unix socket never does otherwise.
    pub(crate) fn set_nodelay(&self) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => stream.set_nodelay(true),
            #[cfg(unix)]
            Self::Unix(_) => Ok(()),
        }
    }

    /// Waits until there is something to read, and says how much of one byte: 0 at the end.
    pub(crate) async fn peek(&self) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.peek(&mut [0]).await,
            #[cfg(unix)]
            Self::Unix(stream) => unix_socket::peek(stream).await,
        }
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_read(cx, buf),
            #[cfg(unix)]
            Self::Unix(stream) => Pin::new(stream).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_write(cx, buf),
            #[cfg(unix)]
            Self::Unix(stream) => Pin::new(stream).poll_write(cx, buf),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_write_vectored(cx, bufs),
            #[cfg(unix)]
            Self::Unix(stream) => Pin::new(stream).poll_write_vectored(cx, bufs),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Tcp(stream) => stream.is_write_vectored(),
            #[cfg(unix)]
            Self::Unix(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_flush(cx),
            #[cfg(unix)]
            Self::Unix(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_shutdown(cx),
            #[cfg(unix)]
            Self::Unix(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}
