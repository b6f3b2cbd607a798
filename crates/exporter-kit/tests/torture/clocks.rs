//! A process whose wall clock jumps, by libfaketime: nothing that it counts, shows or waits for goes with it.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;

use exporter_kit::{Counter, Gauge, Histogram, Registry, Summary, parse};

use crate::http::client::{Client, PATIENT, serve};

/// Tells this test that it is the process with the clock.
const CHILD: &str = "EXPORTER_KIT_TEST_CLOCK";

/// The clock, in the notation of libfaketime: forwards, backwards, to 1970, to 2500, and back.
const JUMPS: [&str; 6] = [
    "@2026-06-01 00:00:00",
    "@2027-06-01 00:00:00",
    "@2001-01-01 00:00:00",
    "@1970-01-01 00:00:01",
    "@2500-01-01 00:00:00",
    "@2026-06-01 00:00:00",
];

/// Serves some metrics until its standard input ends.
fn serve_until_told() {
    let registry = Registry::new();
    let requests = Counter::define("requests_total", "Requests.").labels(["path"]);
    let requests = registry.add(requests).unwrap();
    let seconds = registry.add(Histogram::define("seconds", "Time.")).unwrap();
    let sizes = registry.add(Summary::define("sizes", "Sizes.")).unwrap();
    let now = registry
        .add(Gauge::define("now_seconds", "The clock."))
        .unwrap();
    let (_server, address) = serve(&registry);
    let mut output = std::io::stdout();
    writeln!(output, "{address}").unwrap();
    for line in std::io::stdin().lines() {
        drop(line);
        requests.with(["/"]).inc();
        seconds.time(|| ());
        sizes.observe(1);
        now.set_to_current_time();
        writeln!(output, "recorded").unwrap();
    }
}

/// The library that `faketime` preloads; `None` without it.
fn preloaded() -> Option<String> {
    let faketime = std::env::var_os("EXPORTER_KIT_TEST_FAKETIME")?;
    let output = Command::new(faketime)
        .args(["-f", "+0", "printenv", "LD_PRELOAD"])
        .output();
    Some(
        String::from_utf8(output.unwrap().stdout)
            .unwrap()
            .trim()
            .to_owned(),
    )
}

/// The value of a sample.
fn number(text: &str, name: &str) -> f64 {
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix(name))
        .unwrap();
    line.trim().parse().unwrap()
}

fn clock_file() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("clock-{}", std::process::id()))
}

#[test]
fn a_clock_that_jumps_changes_no_count_and_no_answer() {
    if std::env::var_os(CHILD).is_some() {
        serve_until_told();
        return;
    }
    let Some(preloaded) = preloaded() else {
        let in_ci = std::env::var_os("CI").is_some_and(|value| value == "true");
        assert!(!in_ci, "in CI no test is left out: there is no faketime");
        eprintln!("left out: there is no faketime; set EXPORTER_KIT_TEST_FAKETIME");
        return;
    };
    let clock = clock_file();
    fs::write(&clock, JUMPS[0]).unwrap();
    let this = thread::current().name().unwrap().to_owned();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", &this, "--nocapture"])
        .env(CHILD, "1")
        .env("LD_PRELOAD", preloaded)
        .env("FAKETIME_TIMESTAMP_FILE", &clock)
        .env("FAKETIME_NO_CACHE", "1")
        // As on a real machine, the monotonic clock does not jump.
        .env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut said = || output.next().unwrap().unwrap();
    let address: SocketAddr = std::iter::repeat_with(&mut said)
        .find_map(|line| line.rsplit(' ').next()?.parse().ok())
        .unwrap();
    let mut client = Client::connect(address);
    let mut shown = Vec::new();
    for (round, jump) in (1..).zip(JUMPS) {
        fs::write(&clock, jump).unwrap();
        input.write_all(b"\n").unwrap();
        assert_eq!(said(), "recorded");
        let accept = "Accept: application/openmetrics-text;version=1.0.0";
        let answer = client.get("/metrics", &[PATIENT, accept]);
        assert_eq!(answer.status, 200);
        parse::openmetrics(&answer.body).unwrap();
        let text = answer.text();
        assert_eq!(
            number(text, "requests_total{path=\"/\"} "),
            f64::from(round)
        );
        assert_eq!(number(text, "seconds_count "), f64::from(round));
        assert!(
            (0.0..60.0).contains(&number(text, "seconds_sum ")),
            "{text}"
        );
        assert_eq!(number(text, "sizes_count "), f64::from(round));
        shown.push(number(text, "now_seconds "));
    }
    // The clock was indeed another one.
    assert!(shown[1] > shown[0] && shown[2] < shown[0], "{shown:?}");
    assert!(shown[3] < 1e6 && shown[4] > 1.6e10, "{shown:?}");
    drop(input);
    assert!(child.wait().unwrap().success());
    fs::remove_file(&clock).unwrap();
}
