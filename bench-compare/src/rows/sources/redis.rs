//! Rows s.redis: 1 000 000 keys of a Redis counted by pattern in one scrape, and what its other clients see meanwhile.

use std::io::{BufRead as _, BufReader, BufWriter, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};

use super::super::{Cell, Options, Row};
use super::{OURS, exporter, folder, program, row, write};
use crate::method::median;
use crate::peers::Kind;
use crate::running::Running;

const KEYS: usize = 1_000_000;
/// Pause of the other client between two requests.
const REST: Duration = Duration::from_micros(200);

/// Figures of a sample, with the unit.
const FIGURES: [(&str, &str); 5] = [
    ("time", "ms"),
    ("cpu", "ms of CPU"),
    ("others_p50", "ms"),
    ("others_p99", "ms"),
    ("others_max", "ms"),
];

pub(super) fn measure(options: &Options, on_row: &mut dyn FnMut(Row)) -> Result<()> {
    if !options.wants("s.redis") {
        return Ok(());
    }
    let server = match Server::start() {
        Ok(server) => server,
        Err(error) => {
            eprintln!("the rows s.redis are left out: {error:#}");
            return Ok(());
        }
    };
    server.fill()?;
    let folder = folder("redis")?;
    let config = write(
        &folder,
        "config.yml",
        &format!(
            "sources:\n  redis:\n    redis:\n      address: 127.0.0.1:{}\n      queries:\n        sessions: {{count_keys: 'sess:*'}}\n    \
             metrics:\n      - {{name: app_active_sessions, help: Sessions.}}\n",
            server.port
        ),
    )?;
    let ours = Running::start_on(1, &exporter(&program()?, &config))?;
    let mut counters = vec![
        Counter {
            name: "nobody",
            kind: Kind::Floor,
            running: None,
            shows: "",
        },
        Counter {
            name: OURS,
            kind: Kind::Ours,
            running: Some(ours),
            shows: "\napp_active_sessions 1000000.0\n",
        },
    ];
    match redis_exporter(server.port) {
        Ok(running) => counters.push(Counter {
            name: "redis_exporter",
            kind: Kind::Scale,
            running: Some(running),
            shows: "\nredis_keys_count{db=\"db0\",key=\"sess:*\"} 1e+06\n",
        }),
        Err(error) => eprintln!(
            "redis_exporter is left out; on Debian `apt-get install prometheus-redis-exporter`: {error:#}"
        ),
    }
    let mut samples = vec![vec![Vec::new(); FIGURES.len()]; counters.len()];
    for round in 0..options.rounds {
        for turn in 0..counters.len() {
            let which = (round + turn) % counters.len();
            let figures = counters[which]
                .sample(server.port)
                .with_context(|| format!("{} fails in s.redis", counters[which].name))?;
            for (kept, figure) in samples[which].iter_mut().zip(figures) {
                kept.push(figure);
            }
        }
    }
    for (figure, (name, unit)) in FIGURES.into_iter().enumerate() {
        let all = counters.iter().zip(&samples);
        let taking_part =
            all.filter(|(counter, _)| counter.running.is_some() || name.starts_with("others"));
        let cells = taking_part.map(|(counter, samples)| Cell {
            peer: counter.name.to_owned(),
            kind: counter.kind,
            value: median(&samples[figure]),
            disturbed: 0,
        });
        on_row(row(format!("s.redis.{name}"), unit, cells.collect()));
    }
    Ok(())
}

/// Exporter that counts the keys at each scrape.
struct Counter {
    name: &'static str,
    kind: Kind,
    running: Option<Running>,
    /// Text in the response once all of them are counted.
    shows: &'static str,
}

impl Counter {
    /// One scrape, while another client asks for a key again and again.
    fn sample(&self, port: u16) -> Result<[f64; 5]> {
        let enough = AtomicBool::new(false);
        let (scrape, latencies) = thread::scope(|scope| {
            let other = scope.spawn(|| latencies(port, &enough));
            let scrape = self.scrape();
            enough.store(true, Ordering::Relaxed);
            (scrape, other.join())
        });
        let (time, cpu) = scrape?;
        let mut latencies = latencies.ok().context("the other client panics")??;
        latencies.sort_unstable();
        let part = |of: usize| latencies[(latencies.len() - 1) * of / 100];
        let milliseconds = |time: Duration| time.as_secs_f64() * 1000.0;
        Ok([time, cpu, part(50), part(99), part(100)].map(milliseconds))
    }

    /// Duration of a scrape and its share of CPU time; a second if the process is not known.
    fn scrape(&self) -> Result<(Duration, Duration)> {
        let Some(running) = &self.running else {
            thread::sleep(Duration::from_secs(1));
            return Ok((Duration::ZERO, Duration::ZERO));
        };
        let (cpu, begin) = (running.cpu_time()?, Instant::now());
        let (body, _) = running.get(false)?;
        let time = begin.elapsed();
        let body = String::from_utf8_lossy(&body);
        ensure!(
            body.contains(self.shows),
            "not all keys are counted: {body}"
        );
        Ok((time, running.cpu_time()? - cpu))
    }
}

/// Measures the duration of each reply until there are enough.
fn latencies(port: u16, enough: &AtomicBool) -> Result<Vec<Duration>> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    stream.set_nodelay(true)?;
    let mut replies = BufReader::new(stream.try_clone()?);
    let mut latencies = Vec::new();
    let mut reply = String::new();
    while !enough.load(Ordering::Relaxed) {
        let begin = Instant::now();
        stream.write_all(b"STRLEN nothing\r\n")?;
        reply.clear();
        replies.read_line(&mut reply)?;
        latencies.push(begin.elapsed());
        ensure!(reply == ":0\r\n", "the reply is {reply:?}");
        thread::sleep(REST);
    }
    ensure!(!latencies.is_empty(), "nothing was asked");
    Ok(latencies)
}

fn redis_exporter(redis: u16) -> Result<Running> {
    Running::start_on(1, &|port| {
        let mut command = Command::new("prometheus-redis-exporter");
        command
            .arg(format!("-redis.addr=redis://127.0.0.1:{redis}"))
            .arg("-count-keys=db0=sess:*")
            .arg(format!("-web.listen-address=127.0.0.1:{port}"))
            .stderr(Stdio::null());
        command
    })
}

/// A Redis of our own that keeps nothing; ended when dropped.
struct Server {
    child: Child,
    port: u16,
}

impl Server {
    fn start() -> Result<Self> {
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?
            .local_addr()?
            .port();
        let child = Command::new("redis-server")
            .args([
                "--bind",
                "127.0.0.1",
                "--save",
                "",
                "--appendonly",
                "no",
                "--port",
            ])
            .arg(port.to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context("`redis-server` does not start; on Debian `apt-get install redis-server`")?;
        let server = Self { child, port };
        let begin = Instant::now();
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            ensure!(
                begin.elapsed() < Duration::from_secs(20),
                "Redis does not begin to listen"
            );
            thread::sleep(Duration::from_millis(10));
        }
        Ok(server)
    }

    /// Keys as those of sessions, with names of 32 characters.
    fn fill(&self) -> Result<()> {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port))?;
        let mut replies = BufReader::new(stream.try_clone()?);
        let mut requests = BufWriter::new(stream);
        let mut reply = String::new();
        for chunk in 0..KEYS / 1000 {
            for key in chunk * 1000..(chunk + 1) * 1000 {
                write!(requests, "SET sess:{key:032} user\r\n")?;
            }
            requests.flush()?;
            for _ in 0..1000 {
                reply.clear();
                replies.read_line(&mut reply)?;
                ensure!(reply == "+OK\r\n", "the reply is {reply:?}");
            }
        }
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Whether it is still there or not, nothing is left to be done about it.
        _ = self.child.kill();
        _ = self.child.wait();
    }
}
