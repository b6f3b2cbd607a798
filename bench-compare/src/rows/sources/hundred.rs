//! Rows s.hundred: 100 sources of 100 rows each, asked every 5 s, and scraped as often.

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use super::super::{Options, Row};
use super::{exporter, folder, ours, program, row, write};
use crate::running::Running;

const SOURCES: usize = 100;
const ROWS: usize = 100;
const INTERVAL: Duration = Duration::from_secs(5);
/// How many intervals are measured.
const INTERVALS: u32 = 8;

pub(super) fn measure(options: &Options, on_row: &mut dyn FnMut(Row)) -> Result<()> {
    if !options.wants("s.hundred") {
        return Ok(());
    }
    let folder = folder("hundred")?;
    let config = write(&folder, "config.yml", &config(&folder, serve()?)?)?;
    let running = Running::start_on(SOURCES * ROWS, &exporter(&program()?, &config))?;
    // What the first round costs comes once.
    thread::sleep(INTERVAL);
    let (before, begin) = (running.cpu_time()?, Instant::now());
    for turn in 1..=INTERVALS {
        thread::sleep((begin + INTERVAL * turn).saturating_duration_since(Instant::now()));
        let (body, _) = running.get(true)?;
        let text = String::from_utf8_lossy(&body);
        let up = text
            .lines()
            .filter(|line| line.contains("_source_up{") && line.ends_with(" 1.0"));
        ensure!(up.count() == SOURCES, "not all sources are up");
    }
    let used = running.cpu_time()? - before;
    let share = used.as_secs_f64() / begin.elapsed().as_secs_f64() * 100.0;
    on_row(row("s.hundred.cpu".to_owned(), "% of a core", ours(share)));
    let resident = running.resident()? / f64::from(1 << 20);
    on_row(row("s.hundred.rss".to_owned(), "MiB", ours(resident)));
    Ok(())
}

/// Half of them are files, half a web server's answers; half of each are JSON, half CSV.
fn config(folder: &Path, server: SocketAddr) -> Result<String> {
    write(folder, "rows.json", &json())?;
    write(folder, "rows.csv", &csv())?;
    let mut config = "sources:\n".to_owned();
    for number in 0..SOURCES {
        let (file, format) = match number % 2 {
            0 => ("rows.json", "{json: {rows: '$.rows[*]'}}"),
            _ => ("rows.csv", "csv"),
        };
        let place = match number / 2 % 2 {
            0 => format!("file: {{path: {file}, format: {format}}}"),
            _ => format!("http: {{url: 'http://{server}/{file}', format: {format}}}"),
        };
        write!(
            config,
            "  source_{number}:\n    {place}\n    interval: {}s\n    metrics:\n      - {{name: app_active_sessions, \
             help: Sessions., value: sessions, labels: [app, region], static_labels: {{source: '{number}'}}}}\n",
            INTERVAL.as_secs()
        )?;
    }
    Ok(config)
}

fn json() -> String {
    let rows = (0..ROWS).map(|row| {
        format!(
            "{{\"app\": \"app-{row}\", \"region\": \"eu-{}\", \"sessions\": {row}}}",
            row % 7
        )
    });
    format!("{{\"rows\": [{}]}}\n", rows.collect::<Vec<_>>().join(",\n"))
}

fn csv() -> String {
    let rows = (0..ROWS).map(|row| format!("app-{row},eu-{},{row}\n", row % 7));
    format!("app,region,sessions\n{}", rows.collect::<String>())
}

/// A web server with both, which ends with this program.
fn serve() -> Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            // A client that goes away is no matter.
            thread::spawn(move || answer_all(stream));
        }
    });
    Ok(address)
}

/// Answers on one connection until it is closed.
fn answer_all(mut stream: TcpStream) -> std::io::Result<()> {
    let mut requests = BufReader::new(stream.try_clone()?);
    let mut line = String::new();
    let mut body = String::new();
    while requests.read_line(&mut line)? > 0 {
        if line.starts_with("GET ") {
            body = if line.contains("json") { json() } else { csv() };
        } else if line == "\r\n" {
            let length = body.len();
            write!(
                stream,
                "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{body}"
            )?;
        }
        line.clear();
    }
    Ok(())
}
