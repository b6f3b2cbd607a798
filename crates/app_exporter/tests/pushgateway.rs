//! The library pushes to a real Pushgateway, whose own page says what came of it.

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};

use exporter_kit::push::{PushError, PushGateway};
use exporter_kit::{Counter, Registry, Timestamp, parse};

use crate::program::{Running, get};
use crate::support::require;

#[test]
fn a_real_pushgateway_replaces_adds_and_deletes_groups() {
    let Some(program) = require("prometheus-pushgateway") else {
        return;
    };
    let (_running, address) = start(&program);
    let group = PushGateway::new(&address.to_string(), "nightly backup")
        .expect("a URL")
        .grouping("instance", "db/1")
        .and_then(|group| group.grouping("empty", ""))
        .and_then(|group| group.grouping("zone", "eu:1"))
        .expect("a grouping");

    let first = Registry::new();
    let rows = Counter::define("rows_total", "Rows.").labels(["table"]);
    let rows = first.add(rows).expect("a counter");
    rows.with(["a\"b\\c\nd"]).inc_by(3_u64);
    let size = first.gauge("size_bytes", "Size.").expect("a gauge");
    size.set(10);
    let durations = first.histogram("wait_seconds", "Wait.");
    durations.expect("a histogram").observe(0.25);
    group.push(&first).expect("a push");
    assert_eq!(
        value(address, "rows_total", &[("table", "a\"b\\c\nd")]),
        Some(3.0)
    );
    assert_eq!(value(address, "size_bytes", &[]), Some(10.0));
    assert_eq!(value(address, "wait_seconds_count", &[]), Some(1.0));

    // Adding replaces what has the same name, and leaves the rest.
    let second = Registry::new();
    let size = second.gauge("size_bytes", "Size.").expect("a gauge");
    size.set(20);
    group.push_add(&second).expect("an addition");
    assert_eq!(value(address, "size_bytes", &[]), Some(20.0));
    assert_eq!(value(address, "wait_seconds_count", &[]), Some(1.0));

    // Pushing replaces everything.
    group.push(&second).expect("a push");
    assert_eq!(value(address, "size_bytes", &[]), Some(20.0));
    assert_eq!(value(address, "wait_seconds_count", &[]), None);

    let other = PushGateway::new(&address.to_string(), "other").expect("a URL");
    other.delete().expect("the deletion of what is not there");
    assert_eq!(value(address, "size_bytes", &[]), Some(20.0));
    group.delete().expect("a deletion");
    assert_eq!(value(address, "size_bytes", &[]), None);
}

#[test]
fn a_real_pushgateway_says_why_it_refuses() {
    let Some(program) = require("prometheus-pushgateway") else {
        return;
    };
    let (mut running, address) = start(&program);
    // It takes no sample with a time of its own.
    let registry = Registry::new();
    let past = format!("# TYPE old gauge\nold 1 {}\n", Timestamp::now().as_millis());
    let past = parse::text(&past).expect("an exposition");
    registry.register(past).expect("a collector");
    let group = PushGateway::new(&address.to_string(), "backup").expect("a URL");
    let error = group.push(&registry).expect_err("a refusal");
    if matches!(error, PushError::Answer { status: 400, .. }) {
        assert!(error.to_string().contains("timestamp"), "{error}");
    } else {
        // Debian's 1.11.0 has refused as well, and fails when it logs that.
        running.wait_for(|line| line.contains("panic serving").then_some(()));
        assert!(error.to_string().contains("no answer"), "{error}");
    }
}

/// Starts it on a port of the system's choice, which its log tells, keeping nothing on disk.
fn start(program: &Path) -> (Running, SocketAddr) {
    let mut command = Command::new(program);
    command
        .args(["--web.listen-address=127.0.0.1:0", "--persistence.file="])
        .stdin(Stdio::null())
        .stdout(Stdio::null());
    let mut running = Running::spawn(command);
    let address = running.wait_for(|line| {
        let (_, address) = line.split_once("msg=\"Listening on\" address=")?;
        address.split(' ').next()?.parse().ok()
    });
    (running, address)
}

/// The value of a sample in the group of the test, on the Pushgateway's page.
fn value(address: SocketAddr, sample: &str, labels: &[(&str, &str)]) -> Option<f64> {
    let (status, page) = get(address, "/metrics");
    assert_eq!(status, 200, "{page}");
    let group = [
        ("job", "nightly backup"),
        ("instance", "db/1"),
        ("empty", ""),
        ("zone", "eu:1"),
    ];
    let page = parse::text(&page).unwrap_or_else(|error| panic!("{error}:\n{page}"));
    page.value(sample, &[labels, &group].concat())
}
