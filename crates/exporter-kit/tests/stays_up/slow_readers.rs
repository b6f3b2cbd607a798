//! Clients that ask for large bodies and do not read them, more than there are slots for scrapes.
//!
//! On Linux, every address of 127.0.0.0/8 is one of this machine.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use exporter_kit::Server;
use exporter_kit::{Collect, CollectError, Descriptor, FamilyWriter, MetricType, Registry, Sink};
use socket2::{Domain, Socket, Type};

use crate::http::client::Client;
use crate::http::standstill::Standstill;

/// More than there are slots.
const READERS: usize = 45;

/// Each line has about 1 000 bytes: more than the sockets of a reader hold that takes little at a time.
const LINES: u64 = 4_000;

/// The memory of such a socket, in bytes.
const LITTLE: usize = 8 * 1024;

/// The time without a byte taken after which a slot is free for others.
const STALLED: Duration = Duration::from_millis(500);

const REQUEST: &str = "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n";

struct Large;

impl Collect for Large {
    fn collect(&self, sink: &mut dyn Sink) -> Result<(), CollectError> {
        let family = Descriptor::new(MetricType::Gauge, "line", "Help.")?;
        let mut writer = FamilyWriter::begin(sink, &family, ["number"])?;
        for number in 0..LINES {
            writer.gauge([&format!("{number:01000}")], number)?;
        }
        Ok(())
    }
}

/// A client with that address on the loopback, and with so much memory.
fn connect_from(last: u8, address: SocketAddr, memory: Option<usize>) -> Client {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    let own = IpAddr::V4(Ipv4Addr::new(127, 0, 0, last));
    socket.bind(&SocketAddr::new(own, 0).into()).unwrap();
    if let Some(memory) = memory {
        socket.set_recv_buffer_size(memory).unwrap();
    }
    socket.connect(&address.into()).unwrap();
    Client::over(socket.into())
}

/// The status of a scrape, whose body is read.
fn scrape_from(last: u8, address: SocketAddr) -> u16 {
    let mut client = connect_from(last, address, None);
    client.send(REQUEST);
    let answer = client.receive(false);
    if answer.status == 200 {
        let lines = answer.text().lines();
        let series = lines.filter(|line| line.starts_with("line{")).count();
        assert_eq!(series as u64, LINES);
    }
    answer.status
}

/// Those who do not read, and how many of them are being answered.
fn stall_from(last: u8, address: SocketAddr) -> (Vec<Client>, usize) {
    let mut readers = Vec::new();
    let mut answered = 0;
    for _ in 0..READERS {
        let mut client = connect_from(last, address, Some(LITTLE));
        client.send(REQUEST);
        answered += usize::from(client.receive_head().status == 200);
        readers.push(client);
    }
    (readers, answered)
}

/// Time stands still: no timeout ends any of them. Another address is served at once; their own as soon as they have
/// taken nothing for a while, and as often as it asks.
#[test]
fn slow_readers_keep_no_slot_that_others_need() {
    let registry = Registry::new();
    registry.register_streaming(Large).unwrap();
    let server = Standstill::start(Server::builder(&registry).listen("127.0.0.1:0"));
    let (readers, answered) = stall_from(1, server.address);
    assert!((30..40).contains(&answered), "{answered}");
    assert_eq!(scrape_from(2, server.address), 200);
    assert_eq!(scrape_from(1, server.address), 503);
    // Others that do the same from there take what is left, and no slot of a third.
    let (others, answered) = stall_from(2, server.address);
    assert!((1..40).contains(&answered), "{answered}");
    server.advance(STALLED);
    for last in [1, 2, 3] {
        assert_eq!(scrape_from(last, server.address), 200, "{last}");
    }
    drop((readers, others));
}

/// The server's own runtime has as many threads as there are slots; slow readers hold none that others need.
#[test]
fn slow_readers_keep_no_thread_that_others_need() {
    let registry = Registry::new();
    registry.register_streaming(Large).unwrap();
    let server = Server::builder(&registry)
        .listen("127.0.0.1:0")
        .start()
        .unwrap();
    let address = server.local_addresses()[0];
    let _first = stall_from(1, address);
    let _second = stall_from(2, address);
    assert_eq!(scrape_from(3, address), 200);
}
