//! The end of a server: answers under way finish, idle connections are closed, the port is free.

use std::net::TcpListener;
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use exporter_kit::server::ServerBuilder;
use exporter_kit::{
    Collect, CollectError, Descriptor, FamilyWriter, MetricType, Registry, Server, Sink,
};

use super::client::{Client, get, serve, serve_one_gauge};
use super::port::Port;
use super::standstill::Standstill;

/// A collector that says when a scrape has reached it, and waits until it may go on.
struct Gate {
    reached: Sender<()>,
    go_on: Mutex<Receiver<()>>,
}

impl Collect for Gate {
    fn collect(&self, sink: &mut dyn Sink) -> Result<(), CollectError> {
        self.reached.send(()).map_err(CollectError::source)?;
        // The other end is dropped to let everything through.
        let _ = self.go_on.lock().unwrap().recv();
        let gate = Descriptor::new(MetricType::Gauge, "gate", "Help.")?;
        FamilyWriter::begin(sink, &gate, [])?.gauge([], 1)?;
        Ok(())
    }
}

fn builder(registry: &Registry) -> ServerBuilder {
    let builder = Server::builder(registry).self_metrics(false);
    builder.listen("127.0.0.1:0")
}

fn gate() -> (Registry, Receiver<()>, Sender<()>) {
    let registry = Registry::new();
    let (reached, is_reached) = channel();
    let (open, go_on) = channel();
    registry
        .register(Gate {
            reached,
            go_on: Mutex::new(go_on),
        })
        .unwrap();
    (registry, is_reached, open)
}

#[test]
fn a_scrape_that_has_begun_is_answered() {
    let (registry, reached, open) = gate();
    // The time that it has to finish does not pass meanwhile.
    let server = Standstill::start(builder(&registry));
    let mut client = Client::connect(server.address);
    client.send("GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n");
    reached.recv().unwrap();
    let mut idle = Client::connect(server.address);
    assert_eq!(idle.get("/", &[]).status, 200);
    let stopping = std::thread::spawn(move || server.shutdown());
    // The idle connection is closed while the answer is still to come.
    assert!(idle.receive_all().is_empty());
    drop(open);
    let answer = client.receive(false);
    assert!(answer.text().ends_with("\ngate 1.0\n"));
    assert!(client.receive_all().is_empty());
    stopping.join().unwrap();
}

#[test]
fn other_requests_are_answered_while_a_collector_blocks() {
    let (registry, reached, open) = gate();
    let (_server, address) = serve(&registry);
    let mut slow = Client::connect(address);
    slow.send("GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n");
    reached.recv().unwrap();
    assert_eq!(get(address, "/", &[]).status, 200);
    drop(open);
    assert_eq!(slow.receive(false).status, 200);
}

#[test]
fn idle_connections_are_closed_at_once() {
    let registry = Registry::new();
    // In time that stands still it would wait for them for ever.
    let server = Standstill::serve(&registry);
    let mut used = Client::connect(server.address);
    assert_eq!(used.get("/metrics", &[]).status, 200);
    let mut silent = Client::connect(server.address);
    // The server knows of the silent one once it has answered a later one.
    assert_eq!(get(server.address, "/metrics", &[]).status, 200);
    server.shutdown();
    assert!(used.receive_all().is_empty());
    assert!(silent.receive_all().is_empty());
}

#[test]
fn the_port_is_free_at_once() {
    let registry = Registry::new();
    let port = Port::reserve();
    let address = port.address;
    let server = exporter_kit::serve(address, &registry).unwrap();
    let mut used = Client::connect(address);
    assert_eq!(used.get("/metrics", &[]).status, 200);
    server.shutdown();
    assert!(used.receive_all().is_empty());
    // Without SO_REUSEADDR of its own, so that TIME-WAIT would show; std sets it on Unix as servers do.
    drop(TcpListener::bind(address).unwrap());
    let again = exporter_kit::serve(address, &registry).unwrap();
    assert_eq!(get(address, "/metrics", &[]).status, 200);
    drop(again);
    drop(TcpListener::bind(address).unwrap());
}

#[test]
fn a_collector_that_never_ends_does_not_keep_the_server() {
    let (registry, reached, open) = gate();
    let (server, address) = serve(&registry);
    let mut client = Client::connect(address);
    client.send("GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n");
    reached.recv().unwrap();
    let before = Instant::now();
    // It ends although the collector does not, which is let go of only after that.
    drop(server);
    let took = before.elapsed();
    assert!(took >= Duration::from_millis(700), "{took:?}");
    assert!(client.receive_all().is_empty());
    drop(open);
}

#[test]
fn half_a_request_does_not_keep_the_server_beyond_its_grace() {
    let (_registry, server, address) = serve_one_gauge();
    let mut client = Client::connect(address);
    client.send("GET /metrics HTTP/1.1\r\nHo");
    assert_eq!(get(address, "/metrics", &[]).status, 200);
    // It ends although the other half never comes.
    drop(server);
    assert!(client.receive_all().is_empty());
}
