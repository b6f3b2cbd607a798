//! Ten times the scrapes that can run at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use exporter_kit::{Collect, CollectError, Descriptor, FamilyWriter, MetricType, Registry, Sink};

use crate::http::client::{PATIENT, get, serve};

/// The server runs so many scrapes at once.
const AT_ONCE: usize = 40;

/// Takes long for what it gives, and knows how often it runs at once.
#[derive(Default)]
struct Slow {
    running: AtomicUsize,
    most: Arc<AtomicUsize>,
}

impl Collect for Slow {
    fn collect(&self, sink: &mut dyn Sink) -> Result<(), CollectError> {
        let running = self.running.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(running, Ordering::SeqCst);
        thread::sleep(Duration::from_millis(20));
        self.running.fetch_sub(1, Ordering::SeqCst);
        let family = Descriptor::new(MetricType::Gauge, "slow", "Help.")?;
        FamilyWriter::begin(sink, &family, [])?.gauge([], 1)?;
        Ok(())
    }
}

/// Each is answered, or refused with 503; no more run at once than may.
#[test]
fn a_storm_of_scrapes() {
    let slow = Slow::default();
    let most = Arc::clone(&slow.most);
    let registry = Registry::new();
    registry.register(slow).unwrap();
    let (_server, address) = serve(&registry);
    let clients: Vec<_> = (0..10 * AT_ONCE)
        .map(|_| {
            thread::spawn(move || {
                let answer = get(address, "/metrics", &[PATIENT]);
                match answer.status {
                    200 => assert!(answer.text().contains("\nslow 1.0\n"), "{answer:?}"),
                    status => assert_eq!(status, 503, "{answer:?}"),
                }
                answer.status
            })
        })
        .collect();
    let answered = clients
        .into_iter()
        .map(|client| client.join().unwrap())
        .filter(|status| *status == 200)
        .count();
    assert!(answered >= AT_ONCE, "only {answered}");
    let most = most.load(Ordering::SeqCst);
    assert!(most <= AT_ONCE, "{most} at once");
    assert_eq!(get(address, "/metrics", &[]).status, 200);
}
