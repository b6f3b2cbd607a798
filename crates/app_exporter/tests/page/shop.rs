//! An exporter with something of every kind, for the page to show.

use exporter_kit::{
    BuildInfo, Collect, CollectError, Counter, Descriptor, Family, FamilyWriter, Gauge, Histogram,
    MetricType, ProcessCollector, Registry, Server, Sink, Timestamp,
};

/// A registry, and the handles that tests record into.
pub(crate) struct Shop {
    pub(crate) registry: Registry,
    pub(crate) sessions: Gauge,
    pub(crate) requests: Family<Counter, 2>,
    pub(crate) waiting: Histogram,
    pub(crate) queues: Family<Gauge, 1>,
}

impl Shop {
    pub(crate) fn new() -> Self {
        let registry = Registry::new();
        let sessions = registry
            .gauge("shop_active_sessions", "Number of active user sessions.")
            .expect("a free name");
        sessions.set(45);
        let requests = registry
            .add(
                Counter::define(
                    "shop_requests_total",
                    "Requests served, by method and status.",
                )
                .labels(["method", "status"]),
            )
            .expect("a free name");
        for (method, status, count) in [
            ("GET", "200", 182_467),
            ("GET", "404", 1_203),
            ("POST", "201", 9_874),
            ("POST", "500", 12),
        ] {
            requests.with([method, status]).inc_by(count);
        }
        let waiting = registry
            .histogram(
                "shop_request_duration_seconds",
                "How long it takes to answer a request.",
            )
            .expect("a free name");
        for i in 0..4000_u32 {
            let spread = f64::from(i % 97) / 97.0;
            waiting.observe(0.004 + spread * spread * spread * 1.3);
        }
        let queues = registry
            .add(Gauge::define("shop_queue_jobs", "Jobs that wait, by queue.").labels(["queue"]))
            .expect("a free name");
        for (queue, jobs) in [("mail", 3), ("invoices", 128), ("thumbnails", 0)] {
            queues.with([queue]).set(jobs);
        }
        let cache = registry
            .gauge("shop_cache_size_bytes", "What the cache of pages holds.")
            .expect("a free name");
        cache.set(734_003_200);
        registry
            .info(
                "shop_region_info",
                "Where this shop is.",
                &[("region", "eu-central"), ("zone", "b")],
            )
            .expect("a free name");
        let build = BuildInfo::new("shop", "2.4.1").expect("a free name");
        registry.register(build).expect("free names");
        registry
            .register(ProcessCollector::new())
            .expect("free names");
        Self {
            registry,
            sessions,
            requests,
            waiting,
            queues,
        }
    }

    /// Adds two sources, one of which fails.
    pub(crate) fn with_sources(self) -> Self {
        self.registry.register(Sources).expect("free names");
        self
    }

    /// Serves it at a free port; gives the address of the page.
    pub(crate) fn serve(&self) -> (Server, String) {
        serve(&self.registry)
    }

    /// A little of everything happens.
    pub(crate) fn trade(&self, turn: u32) {
        self.sessions.set(i64::from(45 + (turn * 7) % 23));
        self.requests
            .with(["GET", "200"])
            .inc_by(u64::from(140 + (turn * 31) % 50));
        self.requests
            .with(["POST", "201"])
            .inc_by(u64::from(7 + turn % 5));
        self.queues.with(["mail"]).set(i64::from((turn * 5) % 9));
        self.queues.with(["invoices"]).set(i64::from(128 - turn));
        self.waiting.observe(0.05);
    }
}

pub(crate) fn serve(registry: &Registry) -> (Server, String) {
    let server = Server::builder(registry)
        .listen("127.0.0.1:0")
        .self_metrics(false)
        .title("Shop exporter")
        .description("Sessions, requests and queues of the shop.")
        .version("2.4.1")
        .start()
        .expect("a free port");
    let page = format!("http://{}/", server.local_addresses()[0]);
    (server, page)
}

/// The health metrics of two sources.
struct Sources;

impl Collect for Sources {
    fn collect(&self, sink: &mut dyn Sink) -> Result<(), CollectError> {
        let now = Timestamp::now().as_secs_f64();
        let family = |kind, name, help| Descriptor::new(kind, name, help);
        let up = family(
            MetricType::Gauge,
            "shop_source_up",
            "Whether the source's last run succeeded.",
        )?;
        let took = family(
            MetricType::Gauge,
            "shop_source_duration_seconds",
            "How long its last run took.",
        )?;
        let success = family(
            MetricType::Gauge,
            "shop_source_last_success_timestamp_seconds",
            "When it last succeeded.",
        )?;
        let errors = family(
            MetricType::Counter,
            "shop_source_errors_total",
            "Its failed runs, by reason.",
        )?;
        let names = ["database", "redis"];
        let mut writer = FamilyWriter::begin(sink, &up, ["source"])?;
        writer.gauge([names[0]], 1)?.gauge([names[1]], 0)?;
        let mut writer = FamilyWriter::begin(sink, &took, ["source"])?;
        writer.gauge([names[0]], 0.0123)?.gauge([names[1]], 5)?;
        let mut writer = FamilyWriter::begin(sink, &success, ["source"])?;
        writer
            .gauge([names[0]], now - 7500.0)?
            .gauge([names[1]], now - 754.0)?;
        FamilyWriter::begin(sink, &errors, ["source", "reason"])?
            .counter([names[1], "timeout"], 17)?;
        Ok(())
    }
}

/// So many series that a page could stumble over them: gauges and counters with three labels, and histograms.
pub(crate) struct Warehouse {
    pub(crate) registry: Registry,
    gauges: Family<Gauge, 3>,
    counters: Family<Counter, 3>,
}

impl Warehouse {
    /// Series of each of the two large families.
    const DISKS: u64 = 4900;

    /// With 10 000 series.
    pub(crate) fn new() -> Self {
        let registry = Registry::new();
        let labels = ["host", "device", "mount"];
        let gauges = registry
            .add(Gauge::define("disk_used_bytes", "Used space.").labels(labels))
            .expect("a free name");
        let counters = Counter::define("disk_reads_total", "Reads that were completed.");
        let counters = registry.add(counters.labels(labels)).expect("a free name");
        let waits = registry
            .add(Histogram::define("disk_wait_seconds", "Time per request.").labels(["host"]))
            .expect("a free name");
        for host in 0..200 {
            let wait = waits.with([&format!("node-{host:03}.example")]);
            for i in 1..40 {
                wait.observe(f64::from(i * i) / 2000.0);
            }
        }
        let warehouse = Self {
            registry,
            gauges,
            counters,
        };
        warehouse.work();
        warehouse
    }

    /// Every disk changes.
    pub(crate) fn work(&self) {
        for i in 0..Self::DISKS {
            let host = format!("node-{:03}.example", i / 14);
            let device = format!("nvme{}n1", i % 14);
            let mount = format!("/var/lib/data-{}", i % 14);
            let labels = [&*host, &device, &mount];
            let gauge = self.gauges.with(labels);
            gauge.inc_by(((i * 7_919_113) % 90_000_000_000) as f64);
            self.counters.with(labels).inc_by(1 + i % 1000);
        }
    }
}
