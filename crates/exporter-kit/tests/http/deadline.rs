//! Collectors that hang, scrapes that arrive together, readers that do not read: the answer comes in time all the same.

use std::io::Read;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use exporter_kit::scrape::MetricsHandler;
use exporter_kit::{
    Collect, CollectError, Descriptor, FamilyWriter, MetricType, Registry, Server, Sink,
};

use super::client::{Answer, Client, PATIENCE, PATIENT, get, serve, until};

/// Opens once, for all who wait.
#[derive(Default)]
struct Gate(Mutex<bool>, Condvar);

impl Gate {
    fn wait(&self) {
        let open = self.0.lock().unwrap();
        drop(self.1.wait_while(open, |open| !*open).unwrap());
    }

    fn open(&self) {
        *self.0.lock().unwrap() = true;
        self.1.notify_all();
    }
}

/// Gives a family only once the gate is open, and counts how often it was asked.
struct Hangs {
    name: String,
    gate: Arc<Gate>,
    asked: Arc<AtomicU64>,
}

fn give(sink: &mut dyn Sink, name: &str) -> Result<(), CollectError> {
    let family = Descriptor::new(MetricType::Gauge, name, "Help.")?;
    FamilyWriter::begin(sink, &family, [])?.gauge([], 1)?;
    Ok(())
}

impl Collect for Hangs {
    fn descriptors(&self) -> Vec<Descriptor> {
        vec![Descriptor::new(MetricType::Gauge, &self.name, "Help.").unwrap()]
    }

    fn collect(&self, sink: &mut dyn Sink) -> Result<(), CollectError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        self.gate.wait();
        give(sink, &self.name)
    }
}

fn hanging(registry: &Registry, name: &str) -> (Arc<Gate>, Arc<AtomicU64>) {
    let (gate, asked) = (Arc::new(Gate::default()), Arc::new(AtomicU64::new(0)));
    let hangs = Hangs {
        name: name.into(),
        gate: Arc::clone(&gate),
        asked: Arc::clone(&asked),
    };
    registry.register(hangs).unwrap();
    (gate, asked)
}

const SOON: &str = "X-Prometheus-Scrape-Timeout-Seconds: 2";

/// By when the answer to who says [`SOON`] is to be complete: half a second earlier.
const IN_TIME: Duration = Duration::from_millis(1500);

/// An answer that came in time. Where the machine stood still for longer, the rest of an answer is left out by right, and it is
/// asked again.
fn get_soon(address: SocketAddr, target: &str) -> Answer {
    let mut in_time = None;
    until("an answer comes in time", || {
        let before = Instant::now();
        let answer = get(address, target, &[SOON]);
        assert_eq!(answer.status, 200);
        in_time = (before.elapsed() < IN_TIME).then_some(answer);
        in_time.is_some()
    });
    in_time.unwrap()
}

fn is_asked(asked: &AtomicU64) -> bool {
    asked.load(Ordering::SeqCst) > 0
}

fn failures(text: &str, collector: &str, reason: &str) -> f64 {
    let labels = [("collector", collector), ("reason", reason)];
    let snapshot = exporter_kit::parse::text(text).unwrap();
    let value = snapshot.value("exporter_kit_collector_failures_total", &labels);
    value.unwrap_or(0.0)
}

#[test]
fn a_collector_that_hangs_for_ever_is_left_out_and_not_called_again_while_it_does() {
    let registry = Registry::new();
    let (gate, asked) = hanging(&registry, "hangs");
    registry.gauge("up", "Help.").unwrap().set(1);
    // Who says nothing of a timeout is given what is ready by then, and all that need not be waited for.
    let builder = Server::builder(
        MetricsHandler::new(&registry).default_timeout(Some(Duration::from_secs(1))),
    );
    let server = builder.listen("127.0.0.1:0").start().unwrap();
    let address = server.local_addresses()[0];
    let assert_left_out = |headers: &[&str]| {
        let answer = get(address, "/metrics", headers);
        assert_eq!(answer.status, 200);
        assert!(answer.text().contains("\nup 1.0\n"));
        assert!(!answer.text().contains("\nhangs 1.0\n"));
    };
    // One does, unless the machine stands still.
    let mut waited = 0;
    while !is_asked(&asked) {
        assert_left_out(&[]);
        waited += 1;
    }
    for _ in 0..2 {
        assert_left_out(&[PATIENT]);
    }
    let open = [
        "Accept: application/openmetrics-text",
        "Accept-Encoding: gzip",
        PATIENT,
    ];
    let answer = get(address, "/metrics", &open);
    let mut text = String::new();
    let mut decoder = flate2::read::GzDecoder::new(&*answer.body);
    decoder.read_to_string(&mut text).unwrap();
    assert!(text.ends_with("# EOF\n"), "{text}");
    assert_eq!(asked.load(Ordering::SeqCst), 1);
    // The first scrape waited for it in vain, the others, which had a minute, did not wait.
    let answer = get(address, "/metrics", &[PATIENT]);
    let late = failures(answer.text(), "hangs", "deadline");
    let left_alone = failures(answer.text(), "hangs", "still_running");
    assert!(late >= 1.0 && left_alone >= 4.0, "{late} {left_alone}");
    assert_eq!(late + left_alone, f64::from(waited + 4));
    gate.open();
    until("it has ended, and is collected again", || {
        let answer = get(address, "/metrics", &[PATIENT]);
        answer.text().contains("\nhangs 1.0\n")
    });
}

#[test]
fn the_answer_is_complete_before_the_client_gives_up() {
    let registry = Registry::new();
    let (_gate, asked) = hanging(&registry, "hangs");
    registry.gauge("up", "Help.").unwrap().set(1);
    let (_server, address) = serve(&registry);
    let answer = get_soon(address, "/metrics");
    assert!(answer.text().contains("\nup 1.0\n"));
    assert!(!answer.text().contains("\nhangs 1.0\n"));
    assert!(asked.load(Ordering::SeqCst) <= 1);
}

#[test]
fn the_table_for_people_leaves_it_out_too() {
    let registry = Registry::new();
    let (_gate, asked) = hanging(&registry, "hangs");
    registry.gauge("up", "Help.").unwrap().set(1);
    let (_server, address) = serve(&registry);
    for _ in 0..3 {
        let answer = get_soon(address, "/table.html");
        assert!(answer.text().contains("<h2>up</h2>"), "{}", answer.text());
        assert!(!answer.text().contains("<h2>hangs</h2>"));
    }
    until("it is asked", || {
        is_asked(&asked) || get(address, "/table.html", &[SOON]).status != 200
    });
    assert_eq!(asked.load(Ordering::SeqCst), 1);
}

#[test]
fn many_that_hang_cost_the_others_nothing() {
    let registry = Registry::new();
    // More than there are threads for scrapes.
    let hanging: Vec<_> = (0..45)
        .map(|i| hanging(&registry, &format!("a{i:02}")))
        .collect();
    registry.gauge_function("z", "Help.", || 1).unwrap();
    let (_server, address) = serve(&registry);
    until("there is a thread for the last one", || {
        let answer = get(address, "/metrics", &[SOON]);
        answer.text().contains("\nz 1.0\n")
    });
    // From now on nobody waits, who had a minute.
    let answer = get(address, "/metrics", &[PATIENT]);
    assert!(answer.text().contains("\nz 1.0\n"));
    for (gate, asked) in hanging {
        until("it is asked", || is_asked(&asked));
        assert_eq!(asked.load(Ordering::SeqCst), 1);
        gate.open();
    }
}

/// Reports that it has begun, and waits for the signal to go on.
struct Stepwise {
    begun: Sender<()>,
    go_on: Mutex<Receiver<()>>,
    runs: Arc<AtomicU64>,
}

impl Collect for Stepwise {
    fn collect(&self, sink: &mut dyn Sink) -> Result<(), CollectError> {
        let run = self.runs.fetch_add(1, Ordering::SeqCst);
        if run == 0 {
            self.begun.send(()).map_err(CollectError::source)?;
            let go_on = self.go_on.lock().unwrap();
            go_on.recv().map_err(CollectError::source)?;
        }
        give(sink, "stepwise")
    }
}

#[test]
fn scrapes_that_arrive_together_share_one_collection() {
    let registry = Registry::new();
    let (begun, has_begun) = channel();
    let (may_go_on, go_on) = channel();
    let runs = Arc::new(AtomicU64::new(0));
    let stepwise = Stepwise {
        begun,
        go_on: Mutex::new(go_on),
        runs: Arc::clone(&runs),
    };
    registry.register(stepwise).unwrap();
    let builder = Server::builder(&registry).listen("127.0.0.1:0");
    let server = builder.start().unwrap();
    let address = server.local_addresses()[0];
    let mut clients: Vec<Client> = (0..30).map(|_| Client::connect(address)).collect();
    for client in &mut clients {
        client.send(format!(
            "GET /metrics HTTP/1.1\r\nHost: a\r\n{PATIENT}\r\n\r\n"
        ));
    }
    has_begun.recv_timeout(PATIENCE).unwrap();
    // They, and who asks, which gives up soon.
    let soon = "X-Prometheus-Scrape-Timeout-Seconds: 0.2";
    until("all are being answered", || {
        let answer = get(address, "/metrics", &[soon]);
        let line = "\nexporter_kit_http_requests_in_flight 31.0\n";
        answer.text().contains(line)
    });
    // All wait for the first: had each begun one of its own, there would be as many by now.
    assert_eq!(runs.load(Ordering::SeqCst), 1);
    may_go_on.send(()).unwrap();
    for client in &mut clients {
        assert!(client.receive(false).text().contains("\nstepwise 1.0\n"));
    }
}

/// Gives many lines under a lock of its own.
struct Locked(Arc<Mutex<()>>, Sender<()>);

impl Collect for Locked {
    fn collect(&self, sink: &mut dyn Sink) -> Result<(), CollectError> {
        let locked = self.0.lock().unwrap();
        let family = Descriptor::new(MetricType::Gauge, "line", "Help.")?;
        let mut writer = FamilyWriter::begin(sink, &family, ["number"])?;
        for number in 0..100_000 {
            writer.gauge([&format!("{number:0100}")], number)?;
        }
        drop(locked);
        self.1.send(()).map_err(CollectError::source)
    }
}

#[test]
fn a_reader_that_does_not_read_keeps_no_lock_of_a_collector() {
    let registry = Registry::new();
    let (ended, has_ended) = channel();
    let lock = Arc::new(Mutex::new(()));
    registry.register(Locked(Arc::clone(&lock), ended)).unwrap();
    let (_server, address) = serve(&registry);
    let mut client = Client::connect(address);
    client.send(format!(
        "GET /metrics HTTP/1.1\r\nHost: a\r\n{PATIENT}\r\n\r\n"
    ));
    // Far more than the sockets hold was given, and nothing was read.
    has_ended.recv_timeout(PATIENCE).unwrap();
    drop(lock.lock().unwrap());
    let answer = client.receive(false);
    let lines = answer
        .text()
        .lines()
        .filter(|line| line.starts_with("line{"));
    assert_eq!(lines.count(), 100_000);
}

/// Never ends by itself, but listens.
struct Listens(Sender<Option<Duration>>);

impl Collect for Listens {
    fn collect(&self, sink: &mut dyn Sink) -> Result<(), CollectError> {
        let family = Descriptor::new(MetricType::Gauge, "line", "Help.")?;
        let remaining = sink.context().remaining();
        while sink.family(&family) {}
        self.0.send(remaining).map_err(CollectError::source)
    }
}

#[test]
fn a_collector_is_told_the_deadline_and_that_no_more_is_wanted() {
    let registry = Registry::new();
    let (ended, has_ended) = channel();
    registry.register(Listens(ended)).unwrap();
    let (_server, address) = serve(&registry);
    let answer = get(address, "/metrics", &[SOON]);
    assert_eq!(answer.status, 200);
    let remaining = has_ended.recv_timeout(PATIENCE).unwrap().unwrap();
    assert!(remaining <= Duration::from_secs(2), "{remaining:?}");
}

#[test]
fn more_scrapes_than_allowed_are_refused_and_the_next_ones_answered() {
    let registry = Registry::new();
    let (gate, _) = hanging(&registry, "hangs");
    let server = Server::builder(MetricsHandler::new(&registry).max_requests(4))
        .listen("127.0.0.1:0")
        .start()
        .unwrap();
    let address = server.local_addresses()[0];
    let mut waiting: Vec<Client> = (0..4).map(|_| Client::connect(address)).collect();
    for client in &mut waiting {
        client.send(format!(
            "GET /metrics HTTP/1.1\r\nHost: a\r\n{PATIENT}\r\n\r\n"
        ));
    }
    let mut refused = 0;
    let mut is_refused = || {
        let answer = get(
            address,
            "/metrics",
            &["X-Prometheus-Scrape-Timeout-Seconds: 0.2"],
        );
        if answer.status == 503 {
            refused += 1;
            assert_eq!(
                answer.text(),
                "4 scrapes are being answered already; try again, or allow more\n"
            );
        }
        answer.status == 503
    };
    // From when there are four on, all are.
    until("four are being answered", &mut is_refused);
    for _ in 0..30 {
        assert!(is_refused());
    }
    gate.open();
    for client in &mut waiting {
        let answer = client.receive(false);
        assert!(answer.text().contains("\nhangs 1.0\n"), "{answer:?}");
    }
    // One is over when its connection has seen to that, which may be a moment after its client has.
    until("there is room again", || !is_refused());
    let answer = get(address, "/metrics", &[PATIENT]);
    let line = format!("exporter_kit_http_requests_total{{code=\"503\"}} {refused}.0\n");
    assert!(answer.text().contains(&line), "{}", answer.text());
}
