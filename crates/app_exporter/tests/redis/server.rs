//! redis-server on a socket in the test's folder, or on a port of its own.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use redis::{Connection, ConnectionAddr, FromRedisValue, IntoConnectionInfo as _, RedisResult};

use crate::program::Running;
use crate::support::{Port, Scratch, require};

/// A redis-server; killed when dropped.
pub(crate) struct Server {
    pub(crate) running: Running,
    address: ConnectionAddr,
    _ports: Option<[Port; 2]>,
}

impl Server {
    /// Starts one on a socket of that name. None if the server is missing.
    pub(crate) fn start(scratch: &Scratch, name: &str, more: &[&str]) -> Option<Self> {
        let program = require("redis-server")?;
        let socket = socket_path(scratch, name);
        let path = socket.to_string_lossy().into_owned();
        let arguments = [&["--port", "0", "--unixsocket", &path], more].concat();
        Some(Self {
            running: spawn(&program, scratch, &arguments),
            address: ConnectionAddr::Unix(socket),
            _ports: None,
        })
    }

    /// Starts one that listens on a port of the loopback address; `arguments` makes its further arguments of the port and
    /// another one.
    pub(crate) fn listening(
        scratch: &Scratch,
        arguments: impl Fn(u16, u16) -> Vec<String>,
    ) -> Option<Self> {
        let program = require("redis-server")?;
        let ports = [(); 2].map(|()| Port::reserve());
        let [port, other] = ports.each_ref().map(Port::number);
        let arguments = arguments(port, other);
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        Some(Self {
            running: spawn(&program, scratch, &arguments),
            address: ConnectionAddr::Tcp("127.0.0.1".to_owned(), port),
            _ports: Some(ports),
        })
    }

    /// Starts one with TLS, with the certificate `server.pem` of the folder and its key `server-key.pem`.
    pub(crate) fn with_tls(scratch: &Scratch, more: &[&str]) -> Option<Self> {
        Self::listening(scratch, |port, plain| {
            let (port, plain) = (port.to_string(), plain.to_string());
            let mut arguments = vec!["--bind", "127.0.0.1"];
            arguments.extend(["--tls-port", &port, "--port", &plain]);
            arguments.extend(["--tls-cert-file", "server.pem"]);
            arguments.extend(["--tls-key-file", "server-key.pem"]);
            arguments.extend(more);
            arguments.into_iter().map(str::to_owned).collect()
        })
    }

    pub(crate) fn port(&self) -> u16 {
        match &self.address {
            ConnectionAddr::Tcp(_, port) => *port,
            other => panic!("{other} has no port"),
        }
    }

    /// A connection of the test's own.
    pub(crate) fn connection(&self) -> Connection {
        let info = self
            .address
            .clone()
            .into_connection_info()
            .expect("an address");
        let client = redis::Client::open(info).expect("an address");
        client.get_connection().expect("a connection")
    }

    /// Sends a command, written as a line, and returns the reply.
    pub(crate) fn say<T: FromRedisValue>(&self, line: &str) -> T {
        say(&mut self.connection(), line)
    }
}

/// Sends a command, written as a line, to a server and returns the reply.
pub(crate) fn say<T: FromRedisValue>(connection: &mut Connection, line: &str) -> T {
    try_say(connection, line).unwrap_or_else(|error| panic!("{line}: {error}"))
}

/// The same, where it may refuse.
pub(crate) fn try_say<T: FromRedisValue>(
    connection: &mut Connection,
    line: &str,
) -> RedisResult<T> {
    let mut cmd = redis::Cmd::new();
    for word in line.split(' ') {
        cmd.arg(word);
    }
    cmd.query(connection)
}

pub(crate) fn socket_path(scratch: &Scratch, name: &str) -> PathBuf {
    scratch.path().join(name)
}

/// Starts one that keeps nothing and logs to its standard error.
fn spawn(program: &Path, scratch: &Scratch, arguments: &[&str]) -> Running {
    let mut command = Command::new(program);
    command
        .args(arguments)
        .args([
            "--save",
            "",
            "--appendonly",
            "no",
            "--logfile",
            "/dev/stderr",
        ])
        .current_dir(scratch.path())
        .stdin(Stdio::null())
        .stdout(Stdio::null());
    let mut running = Running::spawn(command);
    running.wait_for(|line| {
        let line = line.to_lowercase();
        let began = line.contains("ready to accept connections") || line.contains("sentinel id is");
        began.then_some(())
    });
    running
}
