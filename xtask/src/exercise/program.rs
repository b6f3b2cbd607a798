//! The learner's program: building it, running it, reading what it prints, ending it.

use std::ffi::OsStr;
use std::io::{self, BufRead as _, BufReader, Read};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use serde_json::Value;
use socket2::{Domain, Socket, Type};

use crate::exercise::exposition::names;
use crate::exercise::http;
use crate::run::{Failure, cargo};

/// The line that the given code prints before the metrics; an empty line follows them.
pub(super) const ROUND: &str = "A scrape now shows:";

/// Interval between two looks at a state that cannot be waited for.
const LOOK: Duration = Duration::from_millis(50);

/// A program that was built.
pub(super) struct Built {
    pub(super) path: PathBuf,
    /// The warnings of the compiler.
    pub(super) warnings: String,
}

/// Builds the crate in `folder`. Returns the program, or the errors that cargo or the compiler printed.
pub(super) fn build(folder: &Path, colours: bool) -> Result<Result<Built, String>, Failure> {
    let output = cargo(&["build", "--quiet"])
        .args(["--message-format", "json-render-diagnostics"])
        .args(["--color", if colours { "always" } else { "never" }])
        .arg("--manifest-path")
        .arg(folder.join("Cargo.toml"))
        .stdin(Stdio::null())
        .output()
        .map_err(|err| Failure::new(format!("cannot start cargo: {err}")))?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    if !output.status.success() {
        return Ok(Err(said));
    }
    let messages = String::from_utf8_lossy(&output.stdout);
    let executable = messages
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter_map(|message| message["executable"].as_str().map(PathBuf::from))
        .next_back();
    let built = executable.map(|path| Built {
        path,
        warnings: said,
    });
    Ok(built.ok_or_else(|| format!("`{}` has no src/main.rs\n", folder.display())))
}

/// A running program; killed when dropped.
pub(super) struct Program {
    child: Child,
    /// The port it was given.
    pub(super) port: u16,
    _reserved: Option<Socket>,
    printed: Arc<Mutex<Printed>>,
    errors: Option<JoinHandle<String>>,
}

/// Output of a program so far.
#[derive(Default)]
struct Printed {
    /// The round that has begun.
    begun: Option<String>,
    /// The last complete one.
    round: Option<String>,
}

impl Program {
    /// Runs `program` with a free port as its first argument.
    pub(super) fn start(program: &Path) -> Result<Self, Failure> {
        let (port, reserved) = reserve_port()
            .map_err(|err| Failure::new(format!("cannot find a free port: {err}")))?;
        Self::run(program, port, reserved)
    }

    /// Runs `program` with the port of another one.
    pub(super) fn start_on(program: &Path, port: u16) -> Result<Self, Failure> {
        Self::run(program, port, None)
    }

    fn run(program: &Path, port: u16, reserved: Option<Socket>) -> Result<Self, Failure> {
        let mut child = command(program)
            .arg(port.to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|err| {
                Failure::new(format!("`{}` does not start: {err}", program.display()))
            })?;
        let printed = Arc::default();
        if let Some(stdout) = child.stdout.take() {
            let printed = Arc::clone(&printed);
            thread::spawn(move || read_rounds(stdout, &printed));
        }
        let errors = child.stderr.take().map(|mut stderr| {
            thread::spawn(move || {
                let mut said = Vec::new();
                // What came before an error is all there is to know.
                let _ = stderr.read_to_end(&mut said);
                String::from_utf8_lossy(&said).into_owned()
            })
        });
        Ok(Self {
            child,
            port,
            _reserved: reserved,
            printed,
            errors,
        })
    }

    /// The metrics as the program printed them last.
    pub(super) fn printed(&self) -> Option<String> {
        let printed = self.printed.lock().unwrap_or_else(PoisonError::into_inner);
        printed.round.clone()
    }

    /// The metrics as its server shows them.
    pub(super) fn served(&self) -> Option<String> {
        let answer = http::get(self.port, "/metrics").ok()?;
        // A page that is no metrics, from a server of another make, shows none.
        (answer.is_ok() && !names(&answer.body).is_empty()).then_some(answer.body)
    }

    /// Looks until there is something to see, the program has ended, or `patience` is over.
    pub(super) fn watch<T>(
        &mut self,
        patience: Duration,
        mut look: impl FnMut(&Self) -> Option<T>,
    ) -> Option<T> {
        let deadline = Instant::now() + patience;
        loop {
            let ended = self.ended().is_some();
            let seen = look(self);
            if seen.is_some() || ended || Instant::now() >= deadline {
                return seen;
            }
            thread::sleep(LOOK);
        }
    }

    /// The exit status, once the program has ended.
    pub(super) fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// The standard error of a program that has ended.
    pub(super) fn errors(&mut self) -> String {
        let said = self.errors.take().map(JoinHandle::join);
        said.and_then(Result::ok).unwrap_or_default()
    }

    /// Does what Ctrl-C in the program's terminal does.
    pub(super) fn press_ctrl_c(&self) -> io::Result<()> {
        // Every shell has a `kill` of its own; without unsafe code there is no other way in std.
        let status = Command::new("sh")
            .args(["-c", "kill -INT \"$0\"", &self.child.id().to_string()])
            .stdin(Stdio::null())
            .status()?;
        if status.success() {
            return Ok(());
        }
        Err(io::Error::other(format!("`kill -INT` failed ({status})")))
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // One that has ended already can be neither killed nor left behind.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Returns whether a server could start on `port` now.
pub(super) fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).is_ok()
}

/// Reserves a free port. On Unix no other program gets it while the socket is there, and a server may listen beside it.
fn reserve_port() -> io::Result<(u16, Option<Socket>)> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.set_reuse_address(cfg!(unix))?;
    let any = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0));
    socket.bind(&any.into())?;
    let address = socket.local_addr()?.as_socket();
    let port = address.map_or(0, |address| address.port());
    Ok((port, cfg!(unix).then_some(socket)))
}

/// The command that runs `program` such that Ctrl-C ends it, as it does in a terminal.
fn command(program: &Path) -> Command {
    // Shells start what runs in the background of a script with SIGINT ignored, and programs pass
    // that on. It is `env` that can undo it.
    if !ignores_ctrl_c() {
        return Command::new(program);
    }
    let mut command = Command::new("env");
    command.args([OsStr::new("--default-signal=INT"), program.as_os_str()]);
    command
}

/// Returns whether this process ignores SIGINT, signal number 2. Only Linux shows that.
fn ignores_ctrl_c() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status
        .lines()
        .find_map(|line| line.strip_prefix("SigIgn:"))
        .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask & (1 << 1) != 0)
}

/// Reads to the end, so that the program never waits for a full pipe.
fn read_rounds(stdout: impl Read, printed: &Mutex<Printed>) {
    for line in BufReader::new(stdout).lines().map_while(Result::ok) {
        let mut printed = printed.lock().unwrap_or_else(PoisonError::into_inner);
        if line == ROUND {
            printed.begun = Some(String::new());
        } else if line.is_empty() {
            if let Some(round) = printed.begun.take() {
                printed.round = Some(round);
            }
        } else if let Some(round) = &mut printed.begun {
            round.push_str(&line);
            round.push('\n');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn last_round(output: &str) -> Option<String> {
        let printed = Mutex::default();
        read_rounds(output.as_bytes(), &printed);
        printed.into_inner().unwrap().round
    }

    #[test]
    fn only_complete_rounds_count() {
        let one = format!("hello\n{ROUND}\na 1.0\n\n");
        assert_eq!(last_round(&one).as_deref(), Some("a 1.0\n"));
        assert_eq!(last_round(&format!("{one}{ROUND}\na")), last_round(&one));
        assert_eq!(last_round(&format!("{ROUND}\n\n")).as_deref(), Some(""));
        assert_eq!(last_round("hello\n\n"), None);
    }
}
