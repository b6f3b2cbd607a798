//! A server that runs: started on a free port, asked, put under load, watched in `/proc`, ended.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use flate2::read::MultiGzDecoder;

/// Longest time until the first response of a server.
const PATIENCE: Duration = Duration::from_secs(20);

/// Load on a server.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    /// Exposed series: 1 is the exercise's gauge.
    pub series: usize,
    /// True if gzip is requested.
    pub gzip: bool,
    /// Duration of `wrk`.
    pub seconds: usize,
}

/// Results of `wrk`.
#[derive(Clone, Copy, Debug)]
pub struct Outcome {
    /// Requests answered.
    pub requests: f64,
    /// Requests answered per second.
    pub per_second: f64,
    /// Median latency in milliseconds.
    pub p50: f64,
    /// The latency in milliseconds that one request in a hundred exceeds.
    pub p99: f64,
}

/// A started server; ended when dropped.
#[derive(Debug)]
pub struct Running {
    child: Child,
    port: u16,
    /// From its start to the end of its first whole answer.
    pub startup: Duration,
}

impl Running {
    /// Starts a server of this project's for that many series, and waits for its first answer.
    pub fn start(command: &Command, series: usize) -> Result<Self> {
        Self::start_on(series, &|port| {
            let mut fresh = Command::new(command.get_program());
            fresh
                .args(command.get_args())
                .args(["serve", &port.to_string(), &series.to_string()]);
            fresh
        })
    }

    /// Starts any server on a port, and waits until an answer has at least so many samples.
    pub(crate) fn start_on(samples: usize, command: &dyn Fn(u16) -> Command) -> Result<Self> {
        // Whoever takes the port in the moment between costs one more try.
        let mut last = None;
        for _ in 0..3 {
            match Self::try_start(samples, command) {
                Ok(running) => return Ok(running),
                Err(error) => last = Some(error),
            }
        }
        Err(last.context("no try was made")?)
    }

    fn try_start(wanted: usize, command: &dyn Fn(u16) -> Command) -> Result<Self> {
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?
            .local_addr()?
            .port();
        let mut command = command(port);
        let start = Instant::now();
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .with_context(|| format!("{command:?} does not start"))?;
        let mut running = Self {
            child,
            port,
            startup: Duration::ZERO,
        };
        loop {
            match running.get(false) {
                // Some libraries listen before there is anything to expose.
                Ok((body, _)) if samples(&body) >= wanted => break,
                Ok(_) => {}
                Err(error) if start.elapsed() > PATIENCE => {
                    return Err(error.context("the server gives no answer"));
                }
                Err(_) => {}
            }
            if let Some(status) = running.child.try_wait()? {
                bail!("the server ended with {status}");
            }
            std::thread::sleep(Duration::from_micros(100));
        }
        running.startup = start.elapsed();
        Ok(running)
    }

    /// One scrape on a connection of its own: the body, decompressed, and its length as sent.
    pub fn get(&self, gzip: bool) -> Result<(Vec<u8>, usize)> {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port))?;
        let encoding = if gzip {
            "Accept-Encoding: gzip\r\n"
        } else {
            ""
        };
        write!(
            stream,
            "GET /metrics HTTP/1.1\r\nHost: localhost\r\n{encoding}Connection: close\r\n\r\n"
        )?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer)?;
        let end = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n");
        let end = end.context("the answer has no end of its head")?;
        let head = String::from_utf8_lossy(&answer[..end]).to_ascii_lowercase();
        ensure!(
            head.starts_with("http/1.1 200") || head.starts_with("http/1.0 200"),
            "{head}"
        );
        let mut body = answer[end + 4..].to_vec();
        if head.contains("transfer-encoding: chunked") {
            body = unchunk(&body)?;
        }
        let length = body.len();
        if gzip {
            ensure!(
                head.contains("content-encoding: gzip"),
                "the answer is not compressed"
            );
            let mut text = Vec::new();
            MultiGzDecoder::new(&*body)
                .read_to_end(&mut text)
                .context("the gzip is damaged")?;
            body = text;
        }
        Ok((body, length))
    }

    /// Has `wrk` ask without a pause, on 16 connections.
    pub fn load(&self, load: Load) -> Result<Outcome> {
        let header = load.gzip.then_some("Accept-Encoding: gzip");
        let url = format!("http://127.0.0.1:{}/metrics", self.port);
        drive(&url, header, load.seconds)
    }

    /// The address it listens on.
    pub fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    /// Resident bytes.
    pub fn resident(&self) -> Result<f64> {
        resident(&self.child)
    }

    /// The most resident bytes that it has had.
    pub(crate) fn peak(&self) -> Result<f64> {
        let path = format!("/proc/{}/status", self.child.id());
        let status = std::fs::read_to_string(&path).with_context(|| format!("no `{path}`"))?;
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let peak = peak.and_then(|peak| peak.split_whitespace().next());
        Ok(peak.context("a status without a peak")?.parse::<f64>()? * 1024.0)
    }

    /// User and system time so far, in steps of a clock tick.
    pub fn cpu_time(&self) -> Result<Duration> {
        cpu_time(&self.child)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Whether it is still there or not, nothing is left to be done about it.
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

/// Has `wrk` ask for `url` without a pause, on 16 connections, with this header line.
pub(crate) fn drive(url: &str, header: Option<&str>, seconds: usize) -> Result<Outcome> {
    let mut command = Command::new("wrk");
    command.args(["-t1", "-c16", "--latency", "--timeout", "20s"]);
    command.arg(format!("-d{seconds}s"));
    if let Some(header) = header {
        command.args(["-H", header]);
    }
    let output = command.arg(url).output().context("`wrk` does not start")?;
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    ensure!(output.status.success(), "`wrk` fails: {printed}");
    ensure!(
        !printed.contains("Non-2xx"),
        "requests are refused: {printed}"
    );
    read_report(&printed).with_context(|| format!("in what `wrk` prints: {printed}"))
}

/// Resident bytes of a process.
pub(crate) fn resident(child: &Child) -> Result<f64> {
    let path = format!("/proc/{}/statm", child.id());
    let statm = std::fs::read_to_string(&path).with_context(|| format!("no `{path}`"))?;
    let pages: f64 = statm.split(' ').nth(1).context("a short statm")?.parse()?;
    Ok(pages * rustix::param::page_size() as f64)
}

/// User and system time of a process so far, in steps of a clock tick.
pub(crate) fn cpu_time(child: &Child) -> Result<Duration> {
    let path = format!("/proc/{}/stat", child.id());
    let stat = std::fs::read_to_string(&path).with_context(|| format!("no `{path}`"))?;
    // The name in parentheses may hold spaces; after it, times are the 12th and 13th fields.
    let (_, fields) = stat.rsplit_once(") ").context("a short stat")?;
    let ticks: u64 = fields
        .split(' ')
        .skip(11)
        .take(2)
        .map(|field| field.parse::<u64>())
        .sum::<Result<_, _>>()?;
    Ok(Duration::from_secs_f64(
        ticks as f64 / rustix::param::clock_ticks_per_second() as f64,
    ))
}

/// The version of `wrk`.
pub fn wrk_version() -> Result<String> {
    let output = Command::new("wrk")
        .arg("--version")
        .output()
        .context("`wrk` is missing; on Debian `apt-get install wrk`")?;
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    Ok(printed
        .split(" [")
        .next()
        .unwrap_or_default()
        .trim()
        .to_owned())
}

/// Lines that are neither empty nor comments.
fn samples(body: &[u8]) -> usize {
    body.split(|&byte| byte == b'\n')
        .filter(|line| line.first().is_some_and(|&byte| byte != b'#'))
        .count()
}

fn unchunk(mut rest: &[u8]) -> Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let end = rest
            .windows(2)
            .position(|bytes| bytes == b"\r\n")
            .context("a cut off chunk")?;
        let size = std::str::from_utf8(&rest[..end])?;
        let size = usize::from_str_radix(size.split(';').next().unwrap_or(size).trim(), 16)?;
        if size == 0 {
            return Ok(body);
        }
        let chunk = rest
            .get(end + 2..end + 2 + size)
            .context("a cut off chunk")?;
        body.extend_from_slice(chunk);
        rest = rest.get(end + 4 + size..).context("a cut off chunk")?;
    }
}

fn read_report(printed: &str) -> Result<Outcome> {
    let after = |start: &str| {
        printed
            .lines()
            .find_map(|line| line.trim().strip_prefix(start))
            .map(str::trim)
            .with_context(|| format!("there is no `{start}`"))
    };
    let requests = printed
        .lines()
        .find_map(|line| line.trim().split_once(" requests in "))
        .context("there is no count of requests")?
        .0
        .parse()?;
    Ok(Outcome {
        requests,
        per_second: after("Requests/sec:")?.parse()?,
        p50: milliseconds(after("50%")?)?,
        p99: milliseconds(after("99%")?)?,
    })
}

fn milliseconds(text: &str) -> Result<f64> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let factor = match &text[digits.len()..] {
        "us" => 0.001,
        "ms" => 1.0,
        "s" => 1000.0,
        "m" => 60_000.0,
        unit => bail!("`{unit}` is no unit of time"),
    };
    Ok(digits.parse::<f64>()? * factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_wrk_prints() {
        let printed = "  Latency Distribution\n     50%   82.00us\n     99%    1.22ms\n  \
                       131072 requests in 1.00s, 20.00MB read\nRequests/sec: 130600.10\n";
        let outcome = read_report(printed).unwrap();
        assert_eq!((outcome.p50, outcome.p99), (0.082, 1.22));
        assert_eq!(
            (outcome.requests, outcome.per_second),
            (131_072.0, 130_600.10)
        );
    }

    #[test]
    fn joins_chunks() {
        assert_eq!(
            unchunk(b"3\r\nabc\r\n1;x=y\r\nd\r\n0\r\n\r\n").unwrap(),
            b"abcd"
        );
        assert!(unchunk(b"ff\r\nabc").is_err());
    }
}
