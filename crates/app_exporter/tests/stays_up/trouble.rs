//! Sources that hang, flood and flap, beside one that is well.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use super::{NO_LEAK, growth_of_a_round};
use crate::program::{Running, get};
use crate::support::{Scratch, wait_until};

/// How often each of them is asked in a round. Nine rounds are made, of which the first two find out what is needed.
const SCRAPES: usize = 5;

/// A web server that answers as the path says: never, without end, or every other time.
fn bad_server() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("its address");
    thread::spawn(move || {
        static TURN: AtomicU32 = AtomicU32::new(0);
        for stream in listener.incoming().map_while(Result::ok) {
            thread::spawn(move || answer(stream, TURN.fetch_add(1, Ordering::Relaxed)));
        }
    });
    address
}

fn answer(mut stream: TcpStream, turn: u32) {
    let mut lines = BufReader::new(stream.try_clone().expect("a clone")).lines();
    let request = lines.next().and_then(Result::ok).unwrap_or_default();
    let head = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n";
    if request.contains("/hang") {
        // Until the exporter has enough of it.
        while lines.next().is_some_and(|line| line.is_ok()) {}
    } else if request.contains("/flood") {
        let _ = stream.write_all(head.as_bytes());
        while stream.write_all(&[b'1'; 4096]).is_ok() {}
    } else if turn.is_multiple_of(2) {
        let _ = stream.write_all(format!("{head}1").as_bytes());
    } else {
        // The connection ends in the middle of an answer.
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n1");
    }
}

fn config(server: SocketAddr) -> String {
    let source = |name: &str, place: &str| {
        // Each that hangs costs its time in every scrape; the others are done by themselves.
        let timeout = if name.ends_with("hangs") {
            "300ms"
        } else {
            "60s"
        };
        format!(
            "  {name}:\n    {place}\n    timeout: {timeout}\n    max_bytes: 65536\n    metrics: [{{name: app_{name}, help: A number of {name}.}}]\n"
        )
    };
    let http = |path: &str| format!("http: {{url: 'http://{server}/{path}', format: number}}");
    let command = |argv: &str| format!("command: {{argv: [{argv}], format: number}}");
    let sources = [
        source("well", "simulate: {uniform: {minimum: 45, maximum: 45}}"),
        source("server_hangs", &http("hang")),
        source("server_floods", &http("flood")),
        source("server_flaps", &http("flap")),
        source(
            "command_hangs",
            &command("sh, -c, 'sleep 1000 & sleep 1000'"),
        ),
        source("command_floods", &command("yes")),
        source("command_fails", &command("'false'")),
    ];
    format!("sources:\n{}", sources.concat())
}

/// The processes that the exporter has started and that still run.
fn children(id: u32) -> usize {
    let tasks = std::fs::read_dir(format!("/proc/{id}/task")).expect("it runs");
    let children = tasks.flatten().filter_map(|task| {
        let children = std::fs::read_to_string(task.path().join("children")).ok()?;
        Some(children.split_whitespace().count())
    });
    children.sum()
}

fn descriptors(id: u32) -> usize {
    let folder = std::fs::read_dir(format!("/proc/{id}/fd"));
    folder.expect("it runs").count()
}

#[test]
fn sources_in_trouble_cost_the_others_no_scrape_and_leak_nothing() {
    let scratch = Scratch::new("trouble");
    let file = scratch.write("config.yml", &config(bad_server()));
    let (running, address) = Running::listening(&["--config.file", &file.to_string_lossy()]);
    let id = running.id();
    let scrape = || {
        let (status, metrics) = get(address, "/metrics");
        assert_eq!(status, 200, "{metrics}");
        assert!(metrics.contains("\napp_well 45.0\n"), "{metrics}");
        metrics
    };
    let mut opened = Vec::new();
    let grown = growth_of_a_round(address, 2, 7, || {
        for _ in 0..SCRAPES {
            scrape();
        }
        opened.push(descriptors(id));
    });
    assert!(grown <= NO_LEAK, "{grown} bytes in {SCRAPES} scrapes");
    // Some connections to the bad server may be on their way out.
    wait_until("it has no more open than after the first rounds", || {
        descriptors(id) <= opened[1] + 5
    });
    let metrics = scrape();
    for (name, reason) in [
        ("server_hangs", "timeout"),
        ("server_floods", "limit"),
        ("command_hangs", "timeout"),
        ("command_floods", "limit"),
        ("command_fails", "query"),
    ] {
        let up = format!("app_exporter_source_up{{source=\"{name}\"}} 0.0\n");
        assert!(metrics.contains(&up), "{name}: {metrics}");
        let errors = format!("errors_total{{source=\"{name}\",reason=\"{reason}\"}} 0.0");
        assert!(!metrics.contains(&errors), "{name}: {metrics}");
    }
    // A process that was killed is gone a moment later.
    wait_until("no process is left", || children(id) == 0);
}
