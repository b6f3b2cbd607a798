//! Anything at all on a connection.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use exporter_kit::{Registry, Server};

/// True after a panic on any thread: the server's runtime would go on without its task.
static PANICKED: AtomicBool = AtomicBool::new(false);

fn address() -> SocketAddr {
    static SERVER: OnceLock<Server> = OnceLock::new();
    let server = SERVER.get_or_init(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            PANICKED.store(true, Ordering::Relaxed);
            before(info);
        }));
        let registry = Registry::new();
        let gauge = registry.gauge("a", "h").expect("a valid definition");
        gauge.set(1);
        let server = Server::builder(&registry).listen("127.0.0.1:0");
        let server = server.probe("/probe", app_exporter::fuzzing::probe);
        let server = server.page("/page", "A page", || "Text.".to_owned());
        server.start().expect("a free port")
    });
    server.local_addresses()[0]
}

/// Whatever is sent, nothing panics, and what comes back is answers: a head that is one, and the end.
pub fn requests(data: &[u8]) {
    let mut stream = TcpStream::connect(address()).expect("it listens");
    let patience = Some(Duration::from_secs(60));
    stream.set_read_timeout(patience).expect("a limit");
    // The server may close the connection before it has read everything.
    let _ = stream.write_all(data);
    let _ = stream.shutdown(Shutdown::Write);
    let mut answer = Vec::new();
    if let Err(error) = stream.read_to_end(&mut answer) {
        // A connection may be reset; it must not hang.
        assert_eq!(error.kind(), ErrorKind::ConnectionReset, "{error}");
    }
    let shown = String::from_utf8_lossy(&answer);
    assert!(
        answer.is_empty() || shown.starts_with("HTTP/1.1 ") || shown.starts_with("HTTP/1.0 "),
        "{shown}"
    );
    assert!(answer.is_empty() || shown.contains("\r\n\r\n"), "{shown}");
    assert!(!PANICKED.load(Ordering::Relaxed), "the server panicked");
}
