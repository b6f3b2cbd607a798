//! Configurations that change again and again.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};

use super::{NO_LEAK, growth_of_a_round};
use crate::program::{Running, connect, get};
use crate::support::Scratch;

/// In a round; ten rounds are made. A source that stays behind has more than a kilobyte, which would be a megabyte a round.
const RELOADS: usize = 1_000;

/// Two sources that stay, and others that change with every number.
fn config(number: usize) -> String {
    format!(
        "sources:
  kept:
    simulate: {{uniform: {{minimum: 45, maximum: 45}}}}
    metrics: [{{name: app_kept, help: It stays.}}]
  kept_in_background:
    simulate: {{steps: {{values: [1, 2]}}}}
    interval: 10ms
    metrics: [{{name: app_kept_in_background, help: It stays.}}]
  changed_{number}:
    command: {{argv: [echo, '{number}'], format: number}}
    interval: 1h
    metrics: [{{name: app_changed, help: It goes.}}]
  changed:
    file: {{path: config.yml, format: {{regex: 'changed_(?<value>[0-9]+)'}}}}
    cache: {number}s
    metrics: [{{name: app_number, help: It changes., labels: [value]}}]
"
    )
}

/// Reloads its configuration, on a connection that is kept.
fn reload(stream: &mut BufReader<TcpStream>, address: SocketAddr) {
    let request =
        format!("POST /-/reload HTTP/1.1\r\nHost: {address}\r\nContent-Length: 0\r\n\r\n");
    stream
        .get_mut()
        .write_all(request.as_bytes())
        .expect("a request");
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        assert!(stream.read_line(&mut head).expect("a head") > 0, "{head}");
    }
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "))
        .map_or(0, |length| length.parse().expect("a number"));
    let mut body = vec![0; length];
    stream.read_exact(&mut body).expect("a body");
    let body = String::from_utf8_lossy(&body);
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}{body}");
}

#[test]
fn ten_thousand_reloads_miss_no_number_and_leak_nothing() {
    let scratch = Scratch::new("reloads");
    let file = scratch.write("config.yml", &config(1));
    let (_running, address) = Running::listening(&[
        "--config.file",
        &file.to_string_lossy(),
        "--web.enable-lifecycle",
    ]);
    let mut stream = BufReader::new(connect(address));
    let mut number = 1;
    let grown = growth_of_a_round(address, 1, 9, || {
        for _ in 0..RELOADS {
            number += 1;
            scratch.write("config.yml", &config(number));
            reload(&mut stream, address);
            if number.is_multiple_of(100) {
                let metrics = get(address, "/metrics").1;
                for line in ["app_kept 45.0", "app_kept_in_background ", "app_changed "] {
                    assert!(metrics.contains(&format!("\n{line}")), "{metrics}");
                }
                let changed = format!("value=\"{number}\"");
                assert!(metrics.contains(&changed), "{metrics}");
            }
        }
    });
    assert!(grown <= NO_LEAK, "{grown} bytes in {RELOADS} reloads");
}
