//! Listening sockets: TCP and Unix.

use std::io;
use std::net::{SocketAddr, TcpListener};
#[cfg(unix)]
use std::os::unix::net::UnixListener;
use std::path::PathBuf;

use crate::server::stream::Stream;
#[cfg(unix)]
use crate::server::unix_socket::SocketFile;

/// A socket that a server can take over: TCP or Unix, from the standard library or from tokio.
pub trait IntoListener {
    /// Detaches the socket from the runtime that it belongs to, if any.
    ///
    /// # Errors
    /// If the runtime does not release the socket.
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

/// A listening socket, TCP or Unix.
#[derive(Debug)]
pub struct Listener {
    /// Removed before the socket is closed: another program would take the file for a stale one.
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
    /// A listener whose file the server removes at its end.
    #[cfg(unix)]
    pub(crate) fn with_file(listener: UnixListener, file: SocketFile) -> Self {
        Self {
            file: Some(file),
            socket: Socket::Unix(listener),
        }
    }

    /// The address of a TCP socket.
    pub(crate) fn local_address(&self) -> io::Result<Option<SocketAddr>> {
        match &self.socket {
            Socket::Tcp(listener) => listener.local_addr().map(Some),
            #[cfg(unix)]
            Socket::Unix(_) => Ok(None),
        }
    }

    /// The file of a Unix socket that has one.
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

    /// Registers the socket with the current runtime.
    pub(crate) fn register(self) -> io::Result<Acceptor> {
        Ok(Acceptor {
            #[cfg(unix)]
            _file: self.file,
            socket: match self.socket {
                Socket::Tcp(listener) => {
                    tokio::net::TcpListener::from_std(listener).map(RegisteredListener::Tcp)?
                }
                #[cfg(unix)]
                Socket::Unix(listener) => {
                    tokio::net::UnixListener::from_std(listener).map(RegisteredListener::Unix)?
                }
            },
        })
    }
}

/// A listener that is registered with a runtime.
#[derive(Debug)]
pub(crate) struct Acceptor {
    #[cfg(unix)]
    _file: Option<SocketFile>,
    socket: RegisteredListener,
}

#[derive(Debug)]
enum RegisteredListener {
    Tcp(tokio::net::TcpListener),
    #[cfg(unix)]
    Unix(tokio::net::UnixListener),
}

impl Acceptor {
    /// Waits for the next connection. Dropping this future loses no connection.
    pub(crate) async fn accept(&self) -> io::Result<Stream> {
        match &self.socket {
            RegisteredListener::Tcp(listener) => {
                listener.accept().await.map(|(tcp, _)| Stream::Tcp(tcp))
            }
            #[cfg(unix)]
            RegisteredListener::Unix(listener) => {
                listener.accept().await.map(|(unix, _)| Stream::Unix(unix))
            }
        }
    }
}
