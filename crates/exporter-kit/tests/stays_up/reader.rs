//! A client that requests 100 MB and reads nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use exporter_kit::{Collect, CollectError, Descriptor, FamilyWriter, MetricType, Registry, Sink};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

use super::still::{REQUEST, ask, with_server};

/// Each line has about 120 bytes.
const LINES: u64 = 850_000;

/// Gives 100 MB of lines, and says how far it is and when it has ended.
struct Large {
    given: Arc<AtomicU64>,
    ended: UnboundedSender<()>,
}

impl Collect for Large {
    fn collect(&self, sink: &mut dyn Sink) -> Result<(), CollectError> {
        let family = Descriptor::new(MetricType::Gauge, "line", "Help.")?;
        let mut writer = FamilyWriter::begin(sink, &family, ["number"])?;
        for number in 0..LINES {
            self.given.store(number, Ordering::Relaxed);
            writer.gauge([&format!("{number:0100}")], number)?;
        }
        self.ended.send(()).map_err(CollectError::source)
    }
}

/// The scrape stops at what sockets and a few chunks hold, others are answered, and after 30 seconds without a
/// byte taken the connection is closed, which ends the scrape.
#[test]
fn a_reader_that_never_reads() {
    let given = Arc::new(AtomicU64::new(0));
    let (ended, mut has_ended) = unbounded_channel();
    let registry = Registry::new();
    let large = Large {
        given: Arc::clone(&given),
        ended,
    };
    registry.register_streaming(large).unwrap();
    with_server(&registry, |address| async move {
        let mut client = TcpStream::connect(address).await.unwrap();
        client.write_all(REQUEST).await.unwrap();
        let mut before = u64::MAX;
        while before != given.load(Ordering::Relaxed) || before == 0 {
            before = given.load(Ordering::Relaxed);
            for _ in 0..50 {
                ask(address, "/").await;
            }
        }
        // Sockets on the loopback take some megabytes.
        assert!(before < LINES / 4, "{before} lines for a reader of none");
        assert!(has_ended.try_recv().is_err());
        // Time stands still while the scrape waits. Where processors are scarce it may have come to wait only now.
        while has_ended.try_recv().is_err() {
            tokio::time::advance(Duration::from_secs(31)).await;
            ask(address, "/").await;
        }
    });
}
