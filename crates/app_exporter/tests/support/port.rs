//! A port of the loopback address that is a test's own.

use std::net::{Ipv4Addr, SocketAddr};

use tokio::net::TcpSocket;

/// A port that the system gives to no other program until this is dropped. A server that is told its number and sets `SO_REUSEADDR`,
/// as all do on Unix, may listen on it; while none does, connections are refused.
pub(crate) struct Port {
    pub(crate) address: SocketAddr,
    _socket: TcpSocket,
}

impl Port {
    pub(crate) fn reserve() -> Self {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.set_reuseaddr(true).expect("it can be shared");
        let any = (Ipv4Addr::LOCALHOST, 0).into();
        socket.bind(any).expect("a port");
        Self {
            address: socket.local_addr().expect("its address"),
            _socket: socket,
        }
    }

    pub(crate) fn number(&self) -> u16 {
        self.address.port()
    }
}
