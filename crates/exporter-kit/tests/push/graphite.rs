//! Lines to Graphite.

use std::io::{BufRead as _, BufReader, read_to_string};
use std::net::{TcpListener, TcpStream};
use std::sync::{Mutex, mpsc};
use std::time::Duration;

use exporter_kit::push::Graphite;
use exporter_kit::{Counter, Gauge, Histogram, Registry, parse};

/// All lines of one push, without their times, which must be of now.
fn sent(registry: &Registry, describe: impl FnOnce(Graphite) -> Graphite) -> Vec<String> {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let begin = exporter_kit::Timestamp::now().seconds();
    describe(Graphite::new(&address)).push(registry).unwrap();
    let end = exporter_kit::Timestamp::now().seconds();
    let text = read_to_string(listener.accept().unwrap().0).unwrap();
    assert!(text.is_empty() || text.ends_with('\n'), "{text}");
    let line = |line: &str| {
        let (line, time) = line.rsplit_once(' ').unwrap();
        let time: i64 = time.parse().unwrap();
        assert!((begin..=end).contains(&time), "{time}");
        line.to_owned()
    };
    text.lines().map(line).collect()
}

fn registry() -> Registry {
    let registry = Registry::new();
    let requests = Counter::define("requests_total", "Requests.").labels(["path", "method"]);
    let requests = registry.add(requests).unwrap();
    requests.with(["/a} \"b\"\n=", "GET"]).inc_by(3_u64);
    requests.with(["", "PUT"]).inc();
    registry
        .gauge("nothing", "Not a number.")
        .unwrap()
        .set(f64::NAN);
    let wait = Histogram::define("wait_seconds", "Wait.").buckets(&[0.5]);
    registry.add(wait).unwrap().observe(0.25);
    registry
}

#[test]
fn labels_are_levels_sorted_and_made_safe() {
    assert_eq!(
        sent(&registry(), |graphite| graphite.prefix("shop.web 1.")),
        [
            "shop.web_1.requests_total.method.PUT 1.0",
            "shop.web_1.requests_total.method.GET.path._a___b___ 3.0",
            "shop.web_1.wait_seconds_bucket.le.0_5 1",
            "shop.web_1.wait_seconds_bucket.le._Inf 1",
            "shop.web_1.wait_seconds_sum 0.25",
            "shop.web_1.wait_seconds_count 1",
        ]
    );
}

#[test]
fn labels_are_tags_if_asked_for() {
    assert_eq!(
        sent(&registry(), |graphite| graphite.tags(true))[..3],
        [
            "requests_total;method=PUT 1.0",
            "requests_total;method=GET;path=_a___b___ 3.0",
            "wait_seconds_bucket;le=0_5 1",
        ]
    );
}

#[test]
fn a_sample_with_a_time_of_its_own_keeps_it() {
    let registry = Registry::new();
    let read = parse::text("# TYPE a gauge\na{b=\"c\"} 1 1700000000999\n").unwrap();
    registry.register(read).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    Graphite::new(&address).push(&registry).unwrap();
    let text = read_to_string(listener.accept().unwrap().0).unwrap();
    assert_eq!(text, "a.b.c 1.0 1700000000\n");
}

#[test]
fn failures_name_the_address_and_the_remedy() {
    let cases = [
        ("127.0.0.1:1", "; check the address, "),
        ("graphite", "; write the address like "),
    ];
    for (address, remedy) in cases {
        let error = Graphite::new(address)
            .push(&registry())
            .unwrap_err()
            .to_string();
        assert!(
            error.contains(&format!("`{address}`: ")) && error.contains(remedy),
            "{error}"
        );
    }
}

#[test]
fn a_server_that_reads_nothing_is_left_at_the_deadline() {
    let registry = Registry::new();
    let rows = registry
        .add(Gauge::define("rows", "Rows.").labels(["table"]))
        .unwrap();
    // More than the buffers of a connection hold.
    for table in 0..2000 {
        rows.with([&*format!("{table:010000}")]).set(1);
    }
    let stream = left_at_the_deadline(&registry);
    // The end of what was sent: the connection was closed.
    let _ = read_to_string(stream);
}

/// The connection of a push to a server that reads nothing, after the timeout.
fn left_at_the_deadline(registry: &Registry) -> TcpStream {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    listener.set_nonblocking(true).unwrap();
    // Where the machine stands still for so long that it was not even connected, it gets more time.
    for doubled in 0.. {
        let timeout = Duration::from_millis(100 << doubled);
        let error = Graphite::new(&address).timeout(timeout).push(registry);
        let error = error.unwrap_err().to_string();
        assert!(error.contains("a longer `timeout`"), "{error}");
        if let Ok((stream, _)) = listener.accept() {
            stream.set_nonblocking(false).unwrap();
            return stream;
        }
    }
    unreachable!("it is tried for ever")
}

#[test]
fn a_collector_that_hangs_does_not_hold_up_the_deadline() {
    let registry = Registry::new();
    let (release, hold) = mpsc::channel::<()>();
    let hold = Mutex::new(hold);
    registry
        .gauge_function("slow", "Slow.", move || {
            let _ = hold.lock().unwrap().recv();
            0
        })
        .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let graphite = Graphite::new(&address).timeout(Duration::from_millis(50));
    let error = graphite.push(&registry).unwrap_err().to_string();
    assert!(error.contains("slow collectors"), "{error}");
    drop(release);
}

#[test]
fn pushing_goes_on_until_it_is_dropped() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let registry = Registry::new();
    registry.gauge("a", "A.").unwrap().set(1);
    let pushing = Graphite::new(&address)
        .start(Duration::ZERO, &registry)
        .unwrap();
    for _ in 0..2 {
        let mut lines = BufReader::new(listener.accept().unwrap().0).lines();
        assert!(lines.next().unwrap().unwrap().starts_with("a 1.0 "));
        assert!(lines.next().is_none());
    }
    drop(pushing);
}
