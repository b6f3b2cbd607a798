//! Metrics of the process itself, with the names of Prometheus' guide for client libraries.

use std::fs;
use std::path::{Path, PathBuf};

use crate::collect::{Collect, CollectError, FamilyWriter, Sink};
use crate::model::{Descriptor, IntoNumber, MetricType, Number};

/// Collects the `process_*` metrics of one process from Linux' `/proc` at each scrape.
///
/// An unreadable number is left out; without `/proc`, all are.
///
/// ```
/// let registry = exporter_kit::Registry::new();
/// registry.register(exporter_kit::ProcessCollector::new())?;
/// # Ok::<(), exporter_kit::RegisterError>(())
/// ```
#[derive(Clone, Debug)]
pub struct ProcessCollector {
    proc: PathBuf,
    process: PathBuf,
}

impl ProcessCollector {
    /// Creates the collector for this process.
    pub fn new() -> Self {
        Self::in_directory("/proc", None)
    }

    /// Creates the collector for the process with that identifier. Reading its open files requires its owner's rights.
    pub fn of(pid: u32) -> Self {
        Self::in_directory("/proc", Some(pid))
    }

    /// Creates the collector for a `proc` file system mounted elsewhere (a host's, in a container); `None` is this
    /// process.
    pub fn in_directory(proc: impl Into<PathBuf>, pid: Option<u32>) -> Self {
        let proc = proc.into();
        let process = proc.join(pid.map_or_else(|| "self".to_owned(), |pid| pid.to_string()));
        Self { proc, process }
    }
}

impl Default for ProcessCollector {
    fn default() -> Self {
        Self::new()
    }
}

/// Name, metric type, help; the help texts are those of Prometheus' guide for client libraries.
type Row = (&'static str, MetricType, &'static str);

const CPU: Row = (
    "process_cpu_seconds_total",
    MetricType::Counter,
    "Total user and system CPU time spent in seconds.",
);
const OPEN_FDS: Row = (
    "process_open_fds",
    MetricType::Gauge,
    "Number of open file descriptors.",
);
const MAX_FDS: Row = (
    "process_max_fds",
    MetricType::Gauge,
    "Maximum number of open file descriptors.",
);
const VIRTUAL: Row = (
    "process_virtual_memory_bytes",
    MetricType::Gauge,
    "Virtual memory size in bytes.",
);
const VIRTUAL_MAX: Row = (
    "process_virtual_memory_max_bytes",
    MetricType::Gauge,
    "Maximum amount of virtual memory available in bytes.",
);
const RESIDENT: Row = (
    "process_resident_memory_bytes",
    MetricType::Gauge,
    "Resident memory size in bytes.",
);
const START: Row = (
    "process_start_time_seconds",
    MetricType::Gauge,
    "Start time of the process since unix epoch in seconds.",
);
const THREADS: Row = (
    "process_threads",
    MetricType::Gauge,
    "Number of OS threads in the process.",
);
const RECEIVED: Row = (
    "process_network_receive_bytes_total",
    MetricType::Counter,
    "Number of bytes received over the interfaces of the network namespace that the process is in.",
);
const SENT: Row = (
    "process_network_transmit_bytes_total",
    MetricType::Counter,
    "Number of bytes sent over the interfaces of the network namespace that the process is in.",
);

const ROWS: [Row; 10] = [
    CPU,
    MAX_FDS,
    RECEIVED,
    SENT,
    OPEN_FDS,
    RESIDENT,
    START,
    THREADS,
    VIRTUAL,
    VIRTUAL_MAX,
];

impl Collect for ProcessCollector {
    fn descriptors(&self) -> Vec<Descriptor> {
        ROWS.iter()
            .filter_map(|(name, kind, help)| Descriptor::new(*kind, name, help).ok())
            .collect()
    }

    fn collect(&self, sink: &mut dyn Sink) -> Result<(), CollectError> {
        let found = Reading::of(&self.proc, &self.process);
        for (name, kind, help) in ROWS {
            if let Some((_, value)) = found.0.iter().find(|(row, _)| row.0 == name) {
                let mut family =
                    FamilyWriter::begin(sink, &Descriptor::new(kind, name, help)?, [])?;
                match kind {
                    MetricType::Counter => family.counter([], *value)?,
                    _ => family.gauge([], *value)?,
                };
            }
        }
        Ok(())
    }

    fn never_waits(&self, _: crate::collect::Internal) -> bool {
        true
    }
}

/// The number of open descriptors. Since Linux 6.2 it is the size of their directory; listing ten thousand of them
/// takes milliseconds, at every scrape.
fn open_fds(process: &Path) -> Option<u64> {
    let folder = process.join("fd");
    if process.starts_with("/proc") {
        let length = fs::metadata(&folder).map_or(0, |folder| folder.len());
        if length > 0 {
            return Some(length);
        }
    }
    let listed = fs::read_dir(folder).ok()?.count() as u64;
    // Listing its own directory opens one more descriptor.
    let own = u64::from(process.ends_with("self"));
    Some(listed.saturating_sub(own))
}

/// The numbers that are readable now.
struct Reading(Vec<(Row, Number)>);

impl Reading {
    fn of(proc: &Path, process: &Path) -> Self {
        let mut reading = Self(Vec::with_capacity(ROWS.len()));
        let units = Units::of(proc);
        if let Ok(stat) = fs::read_to_string(process.join("stat")) {
            let boot = fs::read_to_string(proc.join("stat"))
                .ok()
                .and_then(|stat| boot_time(&stat));
            reading.stat(&stat, units, boot);
        }
        if let Ok(limits) = fs::read_to_string(process.join("limits")) {
            reading.add(MAX_FDS, soft_limit(&limits, "Max open files"));
            reading.add(VIRTUAL_MAX, soft_limit(&limits, "Max address space"));
        }
        reading.add(OPEN_FDS, open_fds(process));
        if let Some((received, sent)) = fs::read_to_string(process.join("net/dev"))
            .ok()
            .and_then(|dev| network_bytes(&dev))
        {
            reading.add(RECEIVED, Some(received));
            reading.add(SENT, Some(sent));
        }
        reading
    }

    fn add(&mut self, row: Row, value: Option<impl IntoNumber>) {
        self.0.extend(value.map(|value| (row, value.into_number())));
    }

    /// Parses the line of `stat`; its fields are numbered from 1 in proc_pid_stat(5).
    fn stat(&mut self, stat: &str, units: Units, boot: Option<f64>) {
        // The second field is the command in parentheses and may itself contain spaces and parentheses.
        let Some((_, rest)) = stat.rsplit_once(") ") else {
            return;
        };
        let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
        let field = |number: usize| {
            fields
                .get(number - 3)
                .and_then(|text| text.parse::<u64>().ok())
        };
        if let (Some(user), Some(system)) = (field(14), field(15)) {
            self.add(CPU, Some(units.seconds(user.saturating_add(system))));
        }
        self.add(THREADS, field(20));
        if let (Some(ticks), Some(boot)) = (field(22), boot) {
            self.add(START, Some(boot + units.seconds(ticks)));
        }
        self.add(VIRTUAL, field(23));
        self.add(
            RESIDENT,
            field(24).map(|pages| pages.saturating_mul(units.page_bytes)),
        );
    }
}

/// The units of the kernel.
#[derive(Clone, Copy)]
struct Units {
    ticks_per_second: u64,
    page_bytes: u64,
}

impl Units {
    /// Parses the auxiliary vector, getauxval(3): pairs of machine words, here of 64 or 32 bits.
    fn of(proc: &Path) -> Self {
        const AT_PAGESZ: u64 = 6;
        const AT_CLKTCK: u64 = 17;
        let mut units = Self {
            ticks_per_second: 100,
            page_bytes: 4096,
        };
        let vector = fs::read(proc.join("self/auxv")).unwrap_or_default();
        let word = size_of::<usize>();
        for pair in vector.chunks_exact(2 * word) {
            let (key, value) = pair.split_at(word);
            match (machine_word(key), machine_word(value)) {
                (AT_PAGESZ, bytes @ 1..) => units.page_bytes = bytes,
                (AT_CLKTCK, ticks @ 1..) => units.ticks_per_second = ticks,
                _ => {}
            }
        }
        units
    }

    fn seconds(self, ticks: u64) -> f64 {
        ticks.into_number().as_f64() / self.ticks_per_second.into_number().as_f64()
    }
}

fn machine_word(bytes: &[u8]) -> u64 {
    let mut word = [0; size_of::<usize>()];
    word.copy_from_slice(bytes);
    usize::from_ne_bytes(word) as u64
}

fn boot_time(stat: &str) -> Option<f64> {
    stat.lines()
        .find_map(|line| line.strip_prefix("btime "))?
        .trim()
        .parse()
        .ok()
}

/// The soft limit of that name; `None` for `unlimited`, which is not a number.
fn soft_limit(limits: &str, name: &str) -> Option<u64> {
    let line = limits.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_ascii_whitespace().next()?.parse().ok()
}

/// Bytes received and sent over all interfaces of the process' network namespace.
fn network_bytes(dev: &str) -> Option<(u64, u64)> {
    let mut totals: Option<(u64, u64)> = None;
    for (_, numbers) in dev.lines().filter_map(|line| line.split_once(':')) {
        let numbers: Vec<u64> = numbers
            .split_ascii_whitespace()
            .map_while(|number| number.parse().ok())
            .collect();
        if let (Some(received), Some(sent)) = (numbers.first(), numbers.get(8)) {
            let (all_received, all_sent) = totals.unwrap_or_default();
            totals = Some((
                all_received.saturating_add(*received),
                all_sent.saturating_add(*sent),
            ));
        }
    }
    totals
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Registry;

    /// A `/proc` directory with known numbers.
    fn prepared(files: &[(&str, &[u8])]) -> (tempdir::Dir, String) {
        let dir = tempdir::Dir::new();
        for (name, content) in files {
            let path = dir.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        let registry = Registry::new();
        registry
            .register(ProcessCollector::in_directory(dir.path(), Some(42)))
            .unwrap();
        let text = registry
            .to_text()
            .lines()
            .filter(|line| !line.starts_with('#'))
            .collect::<Vec<_>>()
            .join("\n");
        (dir, text)
    }

    mod tempdir {
        use std::path::{Path, PathBuf};
        use std::sync::atomic::{AtomicU32, Ordering};

        /// A temporary directory, removed on drop.
        pub(super) struct Dir(PathBuf);

        impl Dir {
            pub(super) fn new() -> Self {
                static NEXT: AtomicU32 = AtomicU32::new(0);
                let name = format!(
                    "exporter-kit-{}-{}",
                    std::process::id(),
                    NEXT.fetch_add(1, Ordering::Relaxed)
                );
                let path = std::env::temp_dir().join(name);
                std::fs::create_dir_all(&path).unwrap();
                Self(path)
            }

            pub(super) fn path(&self) -> &Path {
                &self.0
            }
        }

        impl Drop for Dir {
            fn drop(&mut self) {
                let _ = std::fs::remove_dir_all(&self.0);
            }
        }
    }

    #[test]
    fn the_numbers_are_those_of_proc() {
        let stat: &[u8] =
            b"42 (a) b (c)) S 1 42 42 0 -1 4194304 100 0 0 0 150 27 0 0 20 0 7 0 2000 1048576 250 \
            18446744073709551615 1 1 0 0 0 0 0 0 0 0 0 0 17 1 0 0 0 0 0\n";
        let limits: &[u8] = b"Limit  Soft Limit  Hard Limit  Units\nMax open files            1024                 524288  files\n\
            Max address space         unlimited            unlimited            bytes\n";
        let dev: &[u8] = b"Inter-|   Receive\n face |bytes\n    lo: 10 1 0 0 0 0 0 0 20 1 0 0 0 0 0 0\n  eth0: 5 1 0 0 0 0 0 0 6 1 0 0 0 0 0 0\n";
        let files: [(&str, &[u8]); 6] = [
            ("42/stat", stat),
            ("42/limits", limits),
            ("42/net/dev", dev),
            ("42/fd/0", b""),
            ("42/fd/1", b""),
            ("stat", b"cpu 1 2\nbtime 1700000000\n"),
        ];
        let (_dir, text) = prepared(&files);
        assert_eq!(
            text,
            "process_cpu_seconds_total 1.77\n\
             process_max_fds 1024.0\n\
             process_network_receive_bytes_total 15.0\n\
             process_network_transmit_bytes_total 26.0\n\
             process_open_fds 2.0\n\
             process_resident_memory_bytes 1024000.0\n\
             process_start_time_seconds 1700000020.0\n\
             process_threads 7.0\n\
             process_virtual_memory_bytes 1048576.0"
        );
    }

    #[test]
    fn what_cannot_be_read_is_left_out() {
        let files: [(&str, &[u8]); 1] = [("42/stat", b"42 (x) S garbage")];
        assert_eq!(prepared(&files).1, "");
        assert_eq!(prepared(&[]).1, "");
    }
}
