//! app_exporter as a process: started on ports of the system's choice, read, asked and stopped.

use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::net::{SocketAddr, TcpStream};
#[cfg(unix)]
use std::process::ExitStatus;
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use crate::support::sample;

/// Far beyond what anything here takes: only something that hangs gets there.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// The program with these arguments, and of its variables only these.
pub(crate) fn command(arguments: &[&str], variables: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_app_exporter"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("APP_EXPORTER_") {
            command.env_remove(name);
        }
    }
    command
        .args(arguments)
        .envs(variables.iter().copied())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// Runs the program, which must end by itself: a port that is not free makes sure of that.
pub(crate) fn end(arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    command(arguments, variables).output().expect("it starts")
}

/// The program, running; killed when dropped.
pub(crate) struct Running {
    child: Child,
    log: Option<Receiver<String>>,
    read: Vec<String>,
}

impl Running {
    pub(crate) fn start(arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        Self::spawn(command(arguments, variables))
    }

    /// Starts any program that logs to its standard error.
    pub(crate) fn spawn(mut command: Command) -> Self {
        let mut child = command
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|err| panic!("{command:?} does not start: {err}"));
        let stderr = child.stderr.take().expect("a pipe");
        let (sender, log) = mpsc::channel();
        thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    // Nobody reads on: the pipe is closed, and the program finds it so.
                    break;
                }
            }
        });
        Self {
            child,
            log: Some(log),
            read: Vec::new(),
        }
    }

    /// Starts it on a free port of the loopback address, and waits until it listens.
    pub(crate) fn listening(arguments: &[&str]) -> (Self, SocketAddr) {
        let all = [&["--web.listen-address=127.0.0.1:0"], arguments].concat();
        let mut running = Self::start(&all, &[]);
        let address = running.address();
        (running, address)
    }

    /// The number of its process.
    #[cfg(target_os = "linux")]
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// The next line of its log that `wanted` takes something from.
    pub(crate) fn wait_for<T>(&mut self, mut wanted: impl FnMut(&str) -> Option<T>) -> T {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let log = self.log.as_ref().expect("its log is open");
            let Ok(line) = log.recv_timeout(left) else {
                panic!("no such line in its log:\n{}", self.read.join("\n"));
            };
            let found = wanted(&line);
            self.read.push(line);
            if let Some(found) = found {
                return found;
            }
        }
    }

    /// The address that it says it listens on next.
    pub(crate) fn address(&mut self) -> SocketAddr {
        self.wait_for(|line| {
            let (_, rest) = line.split_once("msg=\"Listening on\" address=")?;
            rest.split(' ').next()?.parse().ok()
        })
    }

    /// Closes the reading end of its standard error.
    #[cfg(unix)]
    pub(crate) fn close_log(&mut self) {
        self.log = None;
    }

    #[cfg(unix)]
    pub(crate) fn signal(&self, signal: rustix::process::Signal) {
        let id = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(id, signal).expect("it runs");
    }

    /// Waits for its end: how it ended, and every line of its log.
    #[cfg(unix)]
    pub(crate) fn end(mut self) -> (ExitStatus, Vec<String>) {
        let deadline = Instant::now() + PATIENCE;
        // Its end closes the pipe. What is left is a wait that is as good as over.
        while let Some(log) = &self.log {
            let left = deadline.saturating_duration_since(Instant::now());
            match log.recv_timeout(left) {
                Ok(line) => self.read.push(line),
                Err(mpsc::RecvTimeoutError::Disconnected) => self.log = None,
                Err(mpsc::RecvTimeoutError::Timeout) => {
                    panic!("it does not end:\n{}", self.read.join("\n"))
                }
            }
        }
        let status = self.child.wait().expect("it ends");
        (status, std::mem::take(&mut self.read))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // One that has ended already can be neither killed nor left behind.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A connection whose reads end in time.
pub(crate) fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).expect("a connection");
    stream.set_read_timeout(Some(PATIENCE)).expect("a limit");
    stream
}

/// Everything that still comes, as text.
pub(crate) fn rest(mut stream: impl Read) -> String {
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    answer
}

/// The status and the body of the answer to `GET path`, from somebody who gives up no sooner than a test does.
pub(crate) fn get(address: SocketAddr, path: &str) -> (u16, String) {
    let mut stream = connect(address);
    // HTTP/1.0: the body comes in one piece and ends with the connection.
    let patience = PATIENCE.as_secs();
    write!(
        stream,
        "GET {path} HTTP/1.0\r\nHost: {address}\r\nX-Prometheus-Scrape-Timeout-Seconds: {patience}\r\n\r\n"
    )
    .expect("a request");
    let answer = rest(stream);
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
    let status = head.split(' ').nth(1).expect("a status");
    (status.parse().expect("a number"), body.to_owned())
}

/// The sessions that it says there are.
pub(crate) fn sessions(address: SocketAddr) -> f64 {
    let (status, body) = get(address, "/metrics");
    assert_eq!(status, 200, "{body}");
    sample(&body, "app_active_sessions").expect("the metric")
}
