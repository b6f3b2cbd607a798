//! Servers that follow a script, and sources that ask them.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use crate::program::{Running, get};
use crate::support::{Scratch, assert_lines};

/// The steps of a server on each connection. At the end it closes the connection.
pub(crate) type Script = Vec<Step>;

/// Makes the next bytes from those that were heard last.
type AnswerFn = dyn Fn(&[u8]) -> Vec<u8> + Send + Sync;

#[derive(Clone)]
pub(crate) enum Step {
    /// Waits for bytes of the client.
    Hear,
    Say(Vec<u8>),
    /// Says this once more for ever.
    Repeat(Vec<u8>),
    /// Says this byte by byte, for ever.
    Trickle(Vec<u8>),
    /// Answers what it hears, for ever.
    Answer(Arc<AnswerFn>),
    /// Says nothing until the client is gone.
    Hang,
}

/// A source, and what it must make of its server.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) script: Script,
    /// The reason of the failure.
    pub(crate) reason: &'static str,
    /// A part of the message.
    pub(crate) said: &'static str,
}

impl Case {
    pub(crate) fn new(
        name: &'static str,
        script: Script,
        reason: &'static str,
        said: &'static str,
    ) -> Self {
        Self {
            name,
            script,
            reason,
            said,
        }
    }
}

/// The growth of memory, in KiB, that all cases of a protocol may cause together. Each has a limit of 1 MB.
const MOST_MEMORY: u64 = 64 * 1024;

/// Scrapes sources of these servers, all at once: each fails for its reason, in time, and another source is served. `keys` are
/// those of a source with this address.
pub(crate) fn check(protocol: &str, cases: &[Case], keys: impl Fn(&Case, SocketAddr) -> String) {
    let scratch = Scratch::new(&format!("hostile-{protocol}"));
    let sources = cases.iter().map(|case| {
        let address = serve(case.script.clone());
        let (name, keys) = (case.name, keys(case, address));
        // Where no timeout is expected, there is time on a busy machine.
        let timeout = match case.reason {
            "timeout" => "3s",
            _ => "45s",
        };
        format!("  {name}:\n    max_bytes: 1MB\n    timeout: {timeout}\n    {keys}\n")
    });
    let sources: String = sources.collect();
    let config = format!(
        "sources:\n{sources}  well:\n    simulate: {{steps: {{values: [7], every: 1h}}}}\n    \
         metrics: [{{name: app_well, help: A number.}}]\n"
    );
    let file = scratch.write("config.yml", &config);
    let (mut running, address) = Running::listening(&["--config.file", &file.to_string_lossy()]);
    let before = most_memory(&running);
    let (status, text) = get(address, "/metrics");
    assert_eq!(status, 200, "{text}");
    assert_lines(&text, &["app_well 7.0"]);
    let mut wrong = Vec::new();
    for Case { name, reason, .. } in cases {
        let of = format!("app_exporter_source_errors_total{{source=\"{name}\",reason=\"");
        let line = format!("{of}{reason}\"}} 1.0");
        if !text.lines().any(|found| found == line) {
            let found = text
                .lines()
                .filter(|line| line.starts_with(&of) && !line.ends_with(" 0.0"));
            wrong.push(format!(
                "{line}, but {}",
                found.collect::<Vec<_>>().join(", ")
            ));
        }
    }
    let mut left: Vec<_> = cases.iter().collect();
    while !left.is_empty() {
        let line =
            running.wait_for(|line| line.contains("msg=\"source `").then(|| line.to_owned()));
        left.retain(|case| {
            let is_its = line.contains(&format!("source `{}` ", case.name));
            if is_its && !line.contains(case.said) {
                wrong.push(format!("`{}`, but {line}", case.said));
            }
            !is_its
        });
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let grown = most_memory(&running) - before;
    assert!(grown <= MOST_MEMORY, "{grown} KiB");
}

/// The most memory that the program has had, in KiB.
fn most_memory(running: &Running) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", running.id()));
    let status = status.expect("it runs");
    let mut lines = status.lines();
    let line = lines.find_map(|line| line.strip_prefix("VmHWM:"));
    let number = line.and_then(|line| line.trim().strip_suffix(" kB"));
    number.and_then(|it| it.parse().ok()).expect("a number")
}

/// A server that follows the script on each connection, up to the end of the test.
fn serve(script: Script) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let script = script.clone();
            // A client that leaves ends it.
            thread::spawn(move || drop(play(stream, &script)));
        }
    });
    address
}

fn play(mut stream: TcpStream, script: &[Step]) -> std::io::Result<()> {
    for step in script {
        match step {
            Step::Hear => drop(hear(&mut stream)?),
            Step::Say(bytes) => stream.write_all(bytes)?,
            Step::Repeat(bytes) => {
                let many = bytes.repeat(1 + 16 * 1024 / bytes.len());
                loop {
                    stream.write_all(&many)?;
                }
            }
            Step::Trickle(bytes) => {
                stream.set_read_timeout(Some(Duration::from_millis(10)))?;
                for byte in bytes.iter().cycle() {
                    stream.write_all(&[*byte])?;
                    // Waits a moment, or for the end.
                    if matches!(stream.read(&mut [0; 1024]), Ok(0)) {
                        return Ok(());
                    }
                }
            }
            Step::Answer(answer) => loop {
                let heard = hear(&mut stream)?;
                stream.write_all(&answer(&heard))?;
            },
            Step::Hang => while hear(&mut stream).is_ok() {},
        }
    }
    Ok(())
}

/// Some bytes of the client; an error when it has gone.
fn hear(stream: &mut TcpStream) -> std::io::Result<Vec<u8>> {
    let mut bytes = vec![0; 64 * 1024];
    let read = stream.read(&mut bytes)?;
    if read == 0 {
        return Err(std::io::ErrorKind::UnexpectedEof.into());
    }
    bytes.truncate(read);
    Ok(bytes)
}
