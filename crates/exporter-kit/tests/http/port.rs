//! A port of the loopback address that is a test's own.

use std::net::{Ipv4Addr, SocketAddr};

use tokio::net::TcpSocket;

/// A port that the system gives to no other program until this is dropped. A server that names it and sets `SO_REUSEADDR`, as
/// every server does on Unix, may listen on it; until one does, connections are refused.
pub(crate) struct Port {
    pub(crate) address: SocketAddr,
    _socket: TcpSocket,
}

impl Port {
    pub(crate) fn reserve() -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_reuseaddr(true).unwrap();
        socket.bind((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
        Self {
            address: socket.local_addr().unwrap(),
            _socket: socket,
        }
    }
}
