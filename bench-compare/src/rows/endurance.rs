//! Rows h.idle and h.steady: connections that are kept and not used, and a minute of many scrapes.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};

use super::{Cell, Options, Row};
use crate::method::median;
use crate::peers::Kind;
use crate::running::Running;
use crate::servers::{self, Server, Start};

/// Few enough for the usual limit of 1024 open files.
const IDLE: usize = 900;

/// Time for which connections are idle before their memory is measured.
const REST: Duration = Duration::from_millis(500);

/// The load of a minute: scrapes a second, of so many series, on so many connections.
const PER_SECOND: u32 = 1000;
const SERIES: usize = 1000;
const CONNECTIONS: u32 = 4;
const MINUTE: u32 = 60;

pub(super) fn measure(options: &Options, on_row: &mut dyn FnMut(Row)) -> Result<()> {
    if options.wants("h.idle") {
        on_row(idle()?);
    }
    if options.wants("h.steady") {
        steady()?.into_iter().for_each(on_row);
    }
    Ok(())
}

fn command(server: &Server) -> Result<Command> {
    Ok(match &server.start {
        Start::Package(package) => Command::new(servers::binary(package, package)?),
        Start::Scale(program) => program.command(),
    })
}

/// Cost of a connection that has answered one scrape.
fn idle() -> Result<Row> {
    let mut cells = Vec::new();
    for server in servers::all() {
        // Python's server keeps no connection, and the others' stand for their frameworks.
        if server.name.starts_with("Python") {
            continue;
        }
        let running = Running::start(&command(&server)?, 1)?;
        for _ in 0..100 {
            Connection::open(running.address())?.scrape()?;
        }
        let before = running.resident()?;
        let connections = (0..IDLE)
            .map(|_| {
                let mut connection = Connection::open(running.address())?;
                connection.scrape()?;
                Ok(connection)
            })
            .collect::<Result<Vec<_>>>()
            .with_context(|| format!("{} fails in h.idle", server.name))?;
        std::thread::sleep(REST);
        let grown = running.resident()? - before;
        drop(connections);
        cells.push(Cell {
            peer: server.name.to_owned(),
            kind: server.kind,
            value: grown / IDLE as f64 / 1024.0,
            disturbed: 0,
        });
    }
    Ok(Row {
        id: "h.idle".to_owned(),
        unit: "KiB/connection",
        more_is_better: false,
        cells,
    })
}

/// A minute of scrapes at a fixed pace: failures, latencies, and what memory has grown since the first second.
fn steady() -> Result<Vec<Row>> {
    let servers = servers::all();
    let ours = servers.iter().find(|server| server.kind == Kind::Ours);
    let ours = ours.context("exporter-kit has no server")?;
    let running = Running::start(&command(ours)?, SERIES)?;
    let address = running.address();
    paced(address, 1)?;
    let before = running.resident()?;
    let (failed, latencies) = paced(address, MINUTE)?;
    let grown = (running.resident()? - before) / f64::from(1 << 20);
    let row = |name: &str, unit, value| Row {
        id: format!("h.steady.{name}"),
        unit,
        more_is_better: false,
        cells: vec![Cell {
            peer: ours.name.to_owned(),
            kind: ours.kind,
            value,
            disturbed: 0,
        }],
    };
    Ok(vec![
        row("scrapes", "scrapes", latencies.len() as f64),
        row("failed", "scrapes", failed as f64),
        row("p50", "ms", median(&latencies)),
        row("p99", "ms", latencies[latencies.len() * 99 / 100]),
        row("rss_grown", "MiB", grown),
    ])
}

/// Scrapes at the pace for so many seconds: how many failed, and the sorted milliseconds of the others, each from
/// when it was due.
fn paced(address: SocketAddr, seconds: u32) -> Result<(usize, Vec<f64>)> {
    let interval = Duration::from_secs(1) * CONNECTIONS / PER_SECOND;
    let count = PER_SECOND * seconds / CONNECTIONS;
    let begin = Instant::now();
    let threads: Vec<_> = (0..CONNECTIONS)
        .map(|number| {
            std::thread::spawn(move || {
                let mut connection = Connection::open(address).ok();
                let mut failed = 0;
                let mut latencies = Vec::with_capacity(count as usize);
                for turn in 0..count {
                    let due = begin + interval * turn + interval * number / CONNECTIONS;
                    std::thread::sleep(due.saturating_duration_since(Instant::now()));
                    match connection.as_mut().map(Connection::scrape) {
                        Some(Ok(())) => latencies.push(due.elapsed().as_secs_f64() * 1000.0),
                        _ => {
                            failed += 1;
                            connection = Connection::open(address).ok();
                        }
                    }
                }
                (failed, latencies)
            })
        })
        .collect();
    let mut failed = 0;
    let mut latencies = Vec::new();
    for thread in threads {
        let (some, of_one) = thread.join().ok().context("a client panicked")?;
        failed += some;
        latencies.extend(of_one);
    }
    latencies.sort_by(f64::total_cmp);
    ensure!(!latencies.is_empty(), "no scrape was answered");
    Ok((failed, latencies))
}

/// A connection that is kept.
struct Connection(BufReader<TcpStream>);

impl Connection {
    fn open(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(20)))?;
        Ok(Self(BufReader::with_capacity(1024, stream)))
    }

    /// One scrape; its answer must be 200, and whole.
    fn scrape(&mut self) -> Result<()> {
        let request = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n";
        self.0.get_mut().write_all(request)?;
        let status = self.line()?;
        ensure!(status.starts_with("http/1.1 200"), "{status}");
        let mut length = None;
        loop {
            let line = self.line()?;
            if line.is_empty() {
                break;
            }
            if let Some(value) = line.strip_prefix("content-length: ") {
                length = Some(value.parse()?);
            }
        }
        match length {
            Some(length) => self.skip(length),
            None => self.skip_chunks(),
        }
    }

    fn skip_chunks(&mut self) -> Result<()> {
        loop {
            let size = u64::from_str_radix(&self.line()?, 16)?;
            self.skip(size + 2)?;
            if size == 0 {
                return Ok(());
            }
        }
    }

    fn skip(&mut self, length: u64) -> Result<()> {
        let skipped = std::io::copy(&mut (&mut self.0).take(length), &mut std::io::sink())?;
        ensure!(skipped == length, "the answer is cut off");
        Ok(())
    }

    fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        self.0.read_line(&mut line)?;
        ensure!(line.ends_with("\r\n"), "the answer is cut off");
        Ok(line.trim_end().to_ascii_lowercase())
    }
}
