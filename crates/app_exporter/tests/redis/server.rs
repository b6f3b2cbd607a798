//! redis-server on a socket in the test's folder, or on a port that was free.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use redis::{Connection, ConnectionAddr, FromRedisValue, IntoConnectionInfo as _, RedisResult};

use crate::program::Running;
use crate::support::{Scratch, require};

/// A redis-server; killed when dropped.
pub(crate) struct Server {
    pub(crate) running: Running,
    address: ConnectionAddr,
}

impl Server {
    /// Starts one on a socket of that name. None if there is none to start.
    pub(crate) fn start(scratch: &Scratch, name: &str, more: &[&str]) -> Option<Self> {
        let program = require("redis-server")?;
        let socket = socket_path(scratch, name);
        let path = socket.to_string_lossy().into_owned();
        let arguments = [&["--port", "0", "--unixsocket", &path], more].concat();
        let running = spawn(&program, scratch, &arguments).expect("it starts");
        Some(Self {
            running,
            address: ConnectionAddr::Unix(socket),
        })
    }

    /// Starts one that listens on a port of the loopback address; `arguments` makes its further arguments of the port and
    /// another one. It takes no port of the system's choice, so it gets one that was free just before, and another one if
    /// somebody was quicker.
    pub(crate) fn listening(
        scratch: &Scratch,
        arguments: impl Fn(u16, u16) -> Vec<String>,
    ) -> Option<Self> {
        let program = require("redis-server")?;
        for _ in 0..20 {
            let (port, other) = (free_port(), free_port());
            let arguments = arguments(port, other);
            let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
            if let Some(running) = spawn(&program, scratch, &arguments) {
                let address = ConnectionAddr::Tcp("127.0.0.1".to_owned(), port);
                return Some(Self { running, address });
            }
        }
        panic!("no port is free for long enough");
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

    /// What it says to a command, written as a line.
    pub(crate) fn say<T: FromRedisValue>(&self, line: &str) -> T {
        say(&mut self.connection(), line)
    }
}

/// What a server says to a command, written as a line.
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

/// Waits for something that nobody tells when it happens.
pub(crate) fn wait_until(what: &str, mut done: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !done() {
        assert!(Instant::now() < deadline, "it never comes to this: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

pub(crate) fn socket_path(scratch: &Scratch, name: &str) -> PathBuf {
    scratch.path().join(name)
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("its address").port()
}

/// Starts one that keeps nothing and logs to its standard error; none if its port was taken.
fn spawn(program: &Path, scratch: &Scratch, arguments: &[&str]) -> Option<Running> {
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
    let began = running.wait_for(|line| {
        let line = line.to_lowercase();
        let began = line.contains("ready to accept connections") || line.contains("sentinel id is");
        let failed = line.contains("address already in use") || line.contains("failed listening");
        (began || failed).then_some(began)
    });
    began.then_some(running)
}
