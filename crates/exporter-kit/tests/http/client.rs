//! A client that shows everything: each byte sent is the test's, each header received is kept as it came.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use exporter_kit::{Registry, Server};

/// Far beyond what anything here takes: only something that hangs gets there.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// The header of a client that is as patient as a test.
pub(crate) const PATIENT: &str = "X-Prometheus-Scrape-Timeout-Seconds: 60";

/// Polls until a condition holds that has no notification.
pub(crate) fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < deadline, "still not so: {what}");
        thread::sleep(Duration::from_millis(5));
    }
}

/// A registry with one gauge at 45, served on a free port.
pub(crate) fn serve_one_gauge() -> (Registry, Server, SocketAddr) {
    let registry = Registry::new();
    let gauge = registry.gauge("app_active_sessions", "Number of active user sessions");
    gauge.unwrap().set(45);
    let (server, address) = serve(&registry);
    (registry, server, address)
}

pub(crate) fn serve(registry: &Registry) -> (Server, SocketAddr) {
    // What the server says of itself has tests of its own.
    let builder = Server::builder(registry).self_metrics(false);
    let server = builder.listen("127.0.0.1:0").start().unwrap();
    let address = server.local_addresses()[0];
    (server, address)
}

pub(crate) struct Client {
    stream: BufReader<TcpStream>,
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.iter().filter(|(key, _)| key == name);
        let value = values.next().map(|(_, value)| &**value);
        assert!(values.next().is_none(), "{name} stands twice");
        value
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }
}

impl Client {
    pub(crate) fn connect(address: SocketAddr) -> Self {
        Self::over(TcpStream::connect_timeout(&address, PATIENCE).unwrap())
    }

    pub(crate) fn over(stream: TcpStream) -> Self {
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        Self {
            stream: BufReader::new(stream),
        }
    }

    pub(crate) fn stream(&self) -> &TcpStream {
        self.stream.get_ref()
    }

    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.get_mut().write_all(bytes.as_ref()).unwrap();
    }

    /// Sends `GET target` with these header lines and receives the answer.
    pub(crate) fn get(&mut self, target: &str, headers: &[&str]) -> Answer {
        self.request("GET", target, headers)
    }

    pub(crate) fn request(&mut self, method: &str, target: &str, headers: &[&str]) -> Answer {
        let mut request = format!("{method} {target} HTTP/1.1\r\nHost: test\r\n");
        for header in headers {
            request.push_str(header);
            request.push_str("\r\n");
        }
        self.send(request + "\r\n");
        self.receive(method == "HEAD")
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.stream.read_line(&mut line).unwrap();
        assert!(line.ends_with("\r\n"), "cut off: {line:?}");
        line.truncate(line.len() - 2);
        line
    }

    pub(crate) fn receive_head(&mut self) -> Answer {
        let status = self.line();
        let headers = std::iter::from_fn(|| Some(self.line()).filter(|line| !line.is_empty()))
            .map(|line| {
                let (name, value) = line.split_once(": ").unwrap();
                (name.to_owned(), value.to_owned())
            })
            .collect();
        Answer {
            status: status.split(' ').nth(1).unwrap().parse().unwrap(),
            headers,
            body: Vec::new(),
        }
    }

    pub(crate) fn receive(&mut self, head_only: bool) -> Answer {
        let mut answer = self.receive_head();
        if head_only {
            return answer;
        }
        if let Some(length) = answer.header("content-length") {
            let mut body = vec![0; length.parse().unwrap()];
            self.stream.read_exact(&mut body).unwrap();
            answer.body = body;
        } else if answer.header("transfer-encoding") == Some("chunked") {
            while let Some(chunk) = self.receive_chunk() {
                answer.body.extend_from_slice(&chunk);
            }
        } else {
            self.stream.read_to_end(&mut answer.body).unwrap();
        }
        answer
    }

    /// One chunk of a chunked body; nothing at its end.
    pub(crate) fn receive_chunk(&mut self) -> Option<Vec<u8>> {
        let size = usize::from_str_radix(&self.line(), 16).unwrap();
        let mut chunk = vec![0; size];
        self.stream.read_exact(&mut chunk).unwrap();
        assert_eq!(self.line(), "");
        (size > 0).then_some(chunk)
    }

    /// Everything up to the end of the connection, however it ends.
    pub(crate) fn receive_all(&mut self) -> Vec<u8> {
        let mut all = Vec::new();
        let ended = self.stream.read_to_end(&mut all);
        if let Err(error) = ended {
            assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset, "{error}");
        }
        all
    }
}

/// One request on a connection of its own.
pub(crate) fn get(address: SocketAddr, target: &str, headers: &[&str]) -> Answer {
    Client::connect(address).get(target, headers)
}
