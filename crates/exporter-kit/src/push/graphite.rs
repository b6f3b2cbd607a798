//! Sends to Graphite: its plaintext protocol, over TCP.

use std::borrow::Cow;
use std::fmt;
use std::io::{self, Write as _};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::ops::ControlFlow;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use crate::encode::Format;
use crate::model::{SeriesKey, Timestamp};
use crate::registry::Registry;

const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);

/// Graphite's times are in whole seconds, so that a shorter interval adds nothing.
const MIN_INTERVAL: Duration = Duration::from_secs(1);

/// A Graphite server that takes metrics in the plaintext protocol.
///
/// Each sample is a line `name.label.value 45.0 1700000000`, with labels sorted by name. Characters other than ASCII
/// letters, digits, `_` and `-` become `_`. Labels without a value and samples that are NaN are left out: Graphite has
/// neither.
///
/// ```
/// use exporter_kit::{Registry, push::Graphite};
///
/// let registry = Registry::new();
/// registry.gauge("queue_length", "Jobs that wait.")?.set(4);
///
/// let carbon = std::net::TcpListener::bind("127.0.0.1:0")?; // in earnest: Graphite, on port 2003
/// let address = carbon.local_addr()?.to_string();
/// Graphite::new(&address).prefix("shop.web-1").push(&registry)?;
///
/// let line = std::io::read_to_string(carbon.accept()?.0)?;
/// assert!(line.starts_with("shop.web-1.queue_length 4.0 1"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Graphite {
    address: String,
    /// Invariant: empty, or ends in a dot.
    prefix: String,
    tags: bool,
    timeout: Duration,
}

impl Graphite {
    /// The server at `HOST:PORT`; the port is mostly 2003.
    pub fn new(address: &str) -> Self {
        Self {
            address: address.to_owned(),
            prefix: String::new(),
            tags: false,
            timeout: DEFAULT_TIMEOUT,
        }
    }

    /// Sets the beginning of all names, without the last dot. Dots in it separate levels.
    #[must_use]
    pub fn prefix(mut self, prefix: &str) -> Self {
        let levels = prefix.split('.').filter(|level| !level.is_empty());
        self.prefix.clear();
        for level in levels {
            append_safe(&mut self.prefix, level);
            self.prefix.push('.');
        }
        self
    }

    /// Sends labels as tags, `name;label=value`, which Graphite has from 1.1 on. By default they are levels of the name.
    #[must_use]
    pub fn tags(mut self, tags: bool) -> Self {
        self.tags = tags;
        self
    }

    /// Sets the timeout of a push, including collectors and the look-up of the host; 30 s by default.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sends everything once, on a thread of its own, and waits for it. Graphite does not answer: success means that the
    /// operating system accepted all lines.
    ///
    /// # Errors
    /// When the connection fails, breaks, or takes too long.
    pub fn push(&self, registry: &Registry) -> Result<(), GraphiteError> {
        let (done, result) = mpsc::channel();
        let (graphite, registry) = (self.clone(), registry.clone());
        let limit = Limit {
            begin: Instant::now(),
            timeout: self.timeout,
        };
        let pushed = thread::Builder::new()
            .name("exporter-push".to_owned())
            .spawn(move || {
                // It fails after the timeout, when the receiver is dropped.
                let _ = done.send(graphite.send(&registry, limit));
            })
            .and_then(|_| match result.recv_timeout(self.timeout) {
                Ok(sent) => sent,
                Err(RecvTimeoutError::Timeout) => Err(io::ErrorKind::TimedOut.into()),
                Err(RecvTimeoutError::Disconnected) => Err(io::Error::other("the thread panicked")),
            });
        pushed.map_err(|source| GraphiteError {
            address: self.address.clone(),
            source,
        })
    }

    /// Sends everything every `interval` from a thread of its own, first after one interval, until the result is
    /// dropped. The shortest interval is one second. Failures are logged with the `log` crate.
    ///
    /// # Errors
    /// When the thread cannot start.
    pub fn start(self, interval: Duration, registry: &Registry) -> Result<Pushing, GraphiteError> {
        let (stop, stopped) = mpsc::channel();
        let address = self.address.clone();
        let registry = registry.clone();
        let interval = interval.max(MIN_INTERVAL);
        let run = move || {
            let mut wait = interval;
            while stopped.recv_timeout(wait) == Err(RecvTimeoutError::Timeout) {
                let begin = Instant::now();
                if let Err(error) = self.push(&registry) {
                    log::warn!("{error}");
                }
                wait = interval.saturating_sub(begin.elapsed());
            }
        };
        let thread = thread::Builder::new().name("exporter-graphite".to_owned());
        match thread.spawn(run) {
            Ok(_) => Ok(Pushing { _stop: stop }),
            Err(source) => Err(GraphiteError { address, source }),
        }
    }

    fn send(&self, registry: &Registry, limit: Limit) -> io::Result<()> {
        let mut stream = self.connect(limit)?;
        let now = Timestamp::now().seconds();
        let mut lines = String::new();
        let mut sent = Ok(());
        let _ = registry.scrape(Format::Text).chunks(|chunk| {
            lines.clear();
            for sample in String::from_utf8_lossy(chunk).lines() {
                // `None` is a line without a sample.
                let _ = self.append(&mut lines, sample, now);
            }
            chunk.clear();
            sent = write_all(&mut stream, lines.as_bytes(), limit);
            match sent {
                Ok(()) => ControlFlow::Continue(()),
                Err(_) => ControlFlow::Break(()),
            }
        });
        sent
    }

    fn connect(&self, limit: Limit) -> io::Result<TcpStream> {
        let mut failure = io::Error::new(io::ErrorKind::NotFound, "the host has no address");
        for address in self.address.to_socket_addrs()? {
            match TcpStream::connect_timeout(&address, limit.left()?) {
                Ok(stream) => return Ok(stream),
                Err(error) => failure = error,
            }
        }
        Err(failure)
    }

    /// Appends the line for a sample of text 0.0.4, whose names are legacy names: `name{labels} value time`.
    fn append(&self, out: &mut String, sample: &str, now: i64) -> Option<()> {
        if sample.starts_with('#') {
            return None;
        }
        // A label value may have braces, but not the text behind the labels.
        let space = match sample.rfind('}') {
            Some(brace) => brace + 1,
            None => sample.find(' ')?,
        };
        let (series, rest) = sample.split_at_checked(space + 1)?;
        let mut rest = rest.split(' ');
        let value = rest.next().filter(|value| *value != "NaN")?;
        let millis = rest.next().and_then(|time| time.parse::<i64>().ok());
        let time = millis.map_or(now, |millis| millis.div_euclid(1000));
        let name = series.split(['{', ' ']).next()?;
        let key = SeriesKey::from_parts(series, name.len(), true);
        let mut labels: Vec<(Cow<'_, str>, Cow<'_, str>)> = key
            .labels()
            .filter(|(_, value)| !value.is_empty())
            .collect();
        labels.sort();

        out.push_str(&self.prefix);
        append_safe(out, name);
        let [before, between] = if self.tags { [';', '='] } else { ['.', '.'] };
        for (label, value) in labels {
            out.push(before);
            append_safe(out, &label);
            out.push(between);
            append_safe(out, &value);
        }
        out.push_str(&format!(" {value} {time}\n"));
        Some(())
    }
}

/// Sends until it is dropped. A push that has begun still ends, within its timeout.
#[derive(Debug)]
#[must_use = "the pushing stops when this is dropped; keep it in a variable"]
pub struct Pushing {
    /// Nothing is ever sent: dropping it stops the thread.
    _stop: mpsc::Sender<()>,
}

/// The error of a push to Graphite.
pub struct GraphiteError {
    address: String,
    source: io::Error,
}

impl fmt::Display for GraphiteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let remedy = match self.source.kind() {
            io::ErrorKind::TimedOut => {
                "check the network and slow collectors, or set a longer `timeout`"
            }
            io::ErrorKind::InvalidInput => "write the address like `graphite:2003`",
            _ => "check the address, and that Graphite listens there for the plaintext protocol",
        };
        let Self { address, source } = self;
        write!(
            f,
            "cannot push to `{}`: {source}; {remedy}",
            address.escape_debug()
        )
    }
}

crate::error::debug_by_display!(GraphiteError);

impl std::error::Error for GraphiteError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.source)
    }
}

/// The time that is left for a push.
#[derive(Clone, Copy)]
struct Limit {
    begin: Instant,
    timeout: Duration,
}

impl Limit {
    fn left(self) -> io::Result<Duration> {
        let left = self.timeout.checked_sub(self.begin.elapsed());
        left.filter(|left| !left.is_zero())
            .ok_or_else(|| io::ErrorKind::TimedOut.into())
    }
}

/// Like that of `Write`, but with a limit on all of it in place of one on each call.
fn write_all(stream: &mut TcpStream, mut bytes: &[u8], limit: Limit) -> io::Result<()> {
    while !bytes.is_empty() {
        stream.set_write_timeout(Some(limit.left()?))?;
        match stream.write(bytes) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => bytes = &bytes[written..],
            // The error of Unix for a write after its timeout; the next turn returns it.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Appends one level of a name, with safe characters only.
fn append_safe(out: &mut String, text: &str) {
    let is_safe = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    out.extend(text.chars().map(|c| if is_safe(c) { c } else { '_' }));
}
