//! Threads that make, record, label and remove series while every format is scraped with gzip.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use exporter_kit::{Counter, Family, Format, Gauge, Histogram, Registry, Summary, parse};

use crate::http::client::{Client, PATIENT, serve};

const THREADS: u64 = 8;

/// Rounds of each thread.
const ROUNDS: u64 = 3_000;

/// Label values that all threads share.
const SHARED: u64 = 40;

/// Threads that live for a few recordings.
const SHORT_LIVED: u64 = 10_000;

struct Subject {
    registry: Registry,
    requests: Family<Counter, 2>,
    seconds: Family<Histogram, 1>,
    bytes: Family<Summary, 1>,
    running: Gauge,
    total: Counter,
}

impl Subject {
    fn new() -> Self {
        let registry = Registry::new();
        let requests = Counter::define("requests_total", "Requests.").labels(["path", "code"]);
        let seconds = Histogram::define("seconds", "Time.").labels(["path"]);
        let bytes = Summary::define("bytes", "Sizes.").labels(["path"]);
        Self {
            requests: registry.add(requests).unwrap(),
            seconds: registry.add(seconds).unwrap(),
            bytes: registry.add(bytes).unwrap(),
            running: registry.gauge("running", "Threads.").unwrap(),
            total: registry.counter("rounds_total", "Rounds.").unwrap(),
            registry,
        }
    }

    fn round(&self, thread: u64, round: u64) {
        let path = format!("/{}", round % SHARED);
        self.requests.with([&path, "200"]).inc();
        self.requests.update([&path, "200"], |it| it.inc_by(2));
        self.seconds.with([&path]).observe(0.25);
        self.bytes.with([&path]).observe(3);
        self.total.inc();
        self.running.inc();
        if round.is_multiple_of(8) {
            let own = format!("{thread} of {round} \"\\\n");
            self.requests.with([&own, "own"]).inc();
            self.seconds.with([&own]).observe(100);
            self.bytes.with([&own]).observe(100);
            assert!(self.requests.remove([&own, "own"]));
            assert!(self.seconds.remove([&own]));
            assert_eq!(self.bytes.remove_matching(&[("path", &own)]), 1);
        }
        if round.is_multiple_of(100) {
            let name = format!("passing_{thread}");
            self.registry.gauge(&name, "Comes and goes.").unwrap();
            assert!(self.registry.unregister(&name));
        }
        self.running.dec();
    }

    /// Asserts the exact totals, after all rounds of all threads, in the registry and in every text.
    fn assert_totals(&self, rounds: u64) {
        let shared = || (0..SHARED).map(|path| format!("/{path}"));
        let requests = shared().map(|path| self.requests.with([&path, "200"]).get().as_f64());
        assert_eq!(requests.sum::<f64>(), (3 * rounds) as f64);
        let seconds: Vec<_> = shared().map(|path| self.seconds.with([&path])).collect();
        let observed: u64 = seconds.iter().map(Histogram::count).sum();
        assert_eq!(observed, rounds);
        let sum: f64 = seconds.iter().map(Histogram::sum).sum();
        assert_eq!(sum, rounds as f64 / 4.0);
        let bytes: u64 = shared().map(|path| self.bytes.with([&path]).count()).sum();
        assert_eq!(bytes, rounds);
        assert_eq!(self.total.get().as_f64(), rounds as f64);
        assert_eq!(self.running.get(), 0.0);
        assert_eq!(self.requests.len() as u64, SHARED);
        let text = self.registry.to_text();
        let said = text
            .lines()
            .filter(|line| line.starts_with("requests_total{"));
        let said = said.map(|line| line.rsplit_once(' ').unwrap().1.parse::<f64>().unwrap());
        assert_eq!(said.sum::<f64>(), (3 * rounds) as f64);
    }
}

/// Scrapes until `done`: every body is whole, and valid in its format. Returns the number of scrapes.
fn scrape_until(done: &AtomicBool, registry: &Registry) -> u64 {
    let (_server, address) = serve(registry);
    let mut client = Client::connect(address);
    let mut scrapes = 0;
    // What was begun is ended, so every format is scraped at least once.
    while !done.load(Ordering::Relaxed) || scrapes < Format::ALL.len() as u64 {
        for format in Format::ALL {
            let accept = format!("Accept: {}", format.content_type());
            let answer = client.get("/metrics", &[PATIENT, &accept, "Accept-Encoding: gzip"]);
            assert_eq!(answer.status, 200);
            assert_eq!(answer.header("content-encoding"), Some("gzip"));
            check(*format, &gunzip(&answer.body));
            scrapes += 1;
        }
    }
    scrapes
}

fn gunzip(body: &[u8]) -> Vec<u8> {
    use std::io::Read as _;
    let mut text = Vec::new();
    let mut decoder = flate2::read::GzDecoder::new(body);
    decoder.read_to_end(&mut text).unwrap();
    text
}

/// The parsers reject a series that is there twice, half a histogram, and a count that is not its last bucket.
fn check(format: Format, body: &[u8]) {
    match format {
        Format::OpenMetrics => drop(parse::openmetrics(body).unwrap()),
        Format::Text | Format::TextUtf8 => drop(parse::text(body).unwrap()),
        _ => assert!(!body.is_empty()),
    }
}

#[test]
fn totals_are_exact_after_eight_threads_and_every_scrape_of_theirs_was_valid() {
    let subject = Subject::new();
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let (subject, done) = (&subject, &done);
        let scraping = scope.spawn(|| scrape_until(done, &subject.registry));
        let recording: Vec<_> = (0..THREADS)
            .map(|thread| {
                scope.spawn(move || (0..ROUNDS).for_each(|round| subject.round(thread, round)))
            })
            .collect();
        let recorded: Result<Vec<()>, _> = recording.into_iter().map(|it| it.join()).collect();
        done.store(true, Ordering::Relaxed);
        assert!(scraping.join().unwrap() >= Format::ALL.len() as u64);
        recorded.unwrap();
    });
    subject.assert_totals(THREADS * ROUNDS);
}

/// A thread's memory and the words that it counts in go with it. Its counts stay.
#[test]
fn ten_thousand_threads_that_live_for_one_round() {
    let subject = Subject::new();
    let mut round = 0;
    while round < SHORT_LIVED {
        thread::scope(|scope| {
            for round in round..round + THREADS {
                let subject = &subject;
                scope.spawn(move || subject.round(round % THREADS, round));
            }
        });
        round += THREADS;
    }
    subject.assert_totals(SHORT_LIVED);
    for format in Format::ALL {
        check(*format, &subject.registry.scrape(*format).to_vec());
    }
}
