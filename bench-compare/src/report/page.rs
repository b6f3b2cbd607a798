//! `docs/performance.md`.

use std::process::Command;

use anyhow::{Context as _, Result};

use super::table::{full, markdown, summary};
use crate::peers;
use crate::rows::Row;
use crate::running::wrk_version;
use crate::scale::{first_line, go, home, python};

const GROUPS: [(&str, &str, &str); 7] = [
    (
        "Recording",
        "abcd",
        "Time per operation in each thread; `.2t` is two threads on the same metric. `floor` \
         shares atomics; `floor, sharded` gives each thread its own cells.",
    ),
    (
        "Encoding",
        "e",
        "Collecting and encoding into a reused buffer. `1` is one gauge; `10k`, `100k` and `1m` \
         are 100 families of float gauges with three labels; `hist1k` is 10 families of 100 \
         histograms with 15 lines each; `families.AxB` is A families of B gauges. Values do not change between the encodings of a sample.",
    ),
    (
        "Scrapes during recording",
        "i",
        "Two threads record without a pause while one client collects and encodes every 100 ms: \
         `hist1k` is 1000 histograms in turn, `pair` one counter and one histogram, `10k` \
         10 000 gauges in turn. The time of a scrape: the median, and the value that one in a \
         hundred exceeds, over all rounds.",
    ),
    (
        "Memory",
        "f",
        "100 000 float gauges with three labels, each library in its own process; `families.20000x1` \
         is 20 000 families of one such gauge. \
         `scrape_peak_1m` is the additional memory of a scrape of 1 000 000 series in chunks.",
    ),
    (
        "HTTP",
        "g",
        "The server of the exercise under `wrk -t1 -c16` on loopback, a new process per sample. \
         With 10 000 series, all of them change every second. `cpu` is per scrape.",
    ),
    (
        "Secured, idle, and for a minute",
        "h",
        "`secured` is one gauge under `wrk -t1 -c16` with TLS and a user; each server uses the \
         same web configuration file, Go's with exporter-toolkit. `idle` is the memory of a \
         connection after one scrape, with 900 connections. `steady` is 1000 scrapes a second \
         of 1000 series for a minute on 4 connections: failures, latency from the due time, and \
         memory growth after the first second.",
    ),
    (
        "app_exporter with a configuration",
        "s",
        "`hundred` is 100 sources of 100 rows each, from files and HTTP, in JSON and CSV, \
         fetched and scraped every 5 s for 40 s. `json` and `postgres` are 100 000 rows of one \
         document or query: time from the start of the program to a complete response, and peak \
         memory; for comparison Debian's prometheus-sql-exporter, which reads no JSON. `redis` \
         is a scrape that counts 1 000 000 keys by pattern, and the time that another client of \
         that Redis waits for a reply meanwhile; for comparison Debian's \
         prometheus-redis-exporter with `-count-keys`.",
    ),
];

pub(super) fn markdown_page(rows: &[Row], rounds: usize) -> Result<String> {
    let mut page = format!(
        "<!-- Written by bench-compare; do not edit. -->\n\n\
         # Performance\n\n\
         exporter-kit and other clients, measured in one run. The clients take turns, one \
         sample each. A sample lasts at least 50 ms, and the median of {rounds} rounds counts. \
         A sample whose thread lost its CPU is repeated; `?` marks figures where that did not \
         help. Before the measurements, the output of every client is parsed and must have the \
         same samples. The floor is not a client but a minimal program for comparison.\n\n\
         ![exporter-kit and the best Rust peer](performance.svg)\n\n\
         ## exporter-kit against the best Rust peer\n\n\
         Lower ratios are better, except for `req/s` and `MB/s`.\n\n{}",
        summary(rows)
    );
    for (title, letters, text) in GROUPS {
        let group: Vec<_> = rows
            .iter()
            .filter(|row| row.id.starts_with(|c| letters.contains(c)))
            .collect();
        if !group.is_empty() {
            page += &format!("\n## {title}\n\n{text}\n\n{}", full(&group));
        }
    }
    page += &format!(
        "\n## Conditions\n\n{}\n## Repeat it\n\n\
         ```sh\n\
         apt-get install wrk curl openssl golang-go golang-github-prometheus-client-golang-dev \\\n  golang-github-prometheus-exporter-toolkit-dev prometheus-node-exporter \\\n  postgresql prometheus-sql-exporter redis-server prometheus-redis-exporter  # rows without their program are left out\n\
         cargo run --release --manifest-path bench-compare/Cargo.toml -- --write\n\
         ```\n\n\
         `--rounds 3` is faster and less exact. Names such as `e.text c.lookup` select rows. \
         Other load on the machine changes the figures: compare ratios within a run.\n",
        facts(rounds)?
    );
    Ok(page)
}

fn facts(rounds: usize) -> Result<String> {
    let mut lines = vec![["what".to_owned(), "value".to_owned()]];
    let mut add = |what: &str, value: String| lines.push([what.to_owned(), value]);
    add(
        "date",
        first_line(Command::new("date").args(["-u", "+%Y-%m-%d"]))?,
    );
    add("machine", machine()?);
    add("rounds", rounds.to_string());
    add(
        "compiler",
        first_line(Command::new("rustc").arg("--version"))?,
    );
    add(
        "profile",
        "release: opt-level 3, thin LTO, 1 codegen unit, stripped".to_owned(),
    );
    for peer in peers::local() {
        if let Some(package) = peer.package() {
            add(package, locked_version(package)?);
        }
    }
    for package in ["prometheus_exporter", "vise-exporter"] {
        add(package, locked_version(package)?);
    }
    for program in [go(), python()].into_iter().flatten() {
        add("for scale", program.versions);
    }
    if let Ok(version) = wrk_version() {
        add("load", version);
    }
    Ok(markdown(&lines))
}

fn machine() -> Result<String> {
    let cpus = std::fs::read_to_string("/proc/cpuinfo").context("there is no /proc/cpuinfo")?;
    let model = cpus.lines().find(|line| line.starts_with("model name"));
    let model = model
        .and_then(|line| line.split(": ").nth(1))
        .unwrap_or("a processor without a name");
    let count = std::thread::available_parallelism()?;
    let kernel = first_line(Command::new("uname").args(["-s", "-r", "-m"]))?;
    Ok(format!("{count} × {model}, {kernel}"))
}

/// A package's version in Cargo.lock; of several, the one the others are compared in is the newest.
fn locked_version(package: &str) -> Result<String> {
    let lock = std::fs::read_to_string(home().join("Cargo.lock")).context("no Cargo.lock")?;
    let entry = format!("name = \"{package}\"\nversion = \"");
    lock.rsplit_once(&entry)
        .and_then(|(_, after)| after.split('"').next())
        .map(str::to_owned)
        .with_context(|| format!("`{package}` is not in Cargo.lock"))
}
