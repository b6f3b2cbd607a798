//! Rows g: the exercise's server, scraped over loopback by `wrk` with 16 connections.
//!
//! Every sample has a fresh process, so that servers which wait do not disturb the one that works.

use std::collections::BTreeSet;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use super::{Cell, Options, Row};
use crate::exposition::{Series, parse_text};
use crate::method::median;
use crate::running::{Load, Running, wrk_version};
use crate::servers::{self, Server, Start};

/// Scrapes: the row, the series, whether gzip is requested, and for how many seconds.
const SCRAPES: [(&str, usize, bool, usize); 3] = [
    ("g.http.1", 1, false, 1),
    ("g.http.10k", 10_000, false, 2),
    ("g.http.10k.gzip", 10_000, true, 2),
];

/// Figures of a sample, with the unit and whether more is better.
const FIGURES: [(&str, &str, bool); 8] = [
    ("rps", "req/s", true),
    ("p50", "ms", false),
    ("p99", "ms", false),
    ("cpu", "ms of CPU", false),
    ("body", "bytes", false),
    ("rss_after", "MiB", false),
    ("startup", "ms", false),
    ("rss_idle", "MiB", false),
];

pub(super) fn measure(options: &Options, on_row: &mut dyn FnMut(Row)) -> Result<()> {
    if !SCRAPES.iter().any(|(id, ..)| options.wants(id)) && !options.wants("g.size") {
        return Ok(());
    }
    let servers = built()?;
    if options.wants("g.size") {
        size(&servers)?.into_iter().for_each(&mut *on_row);
    }
    if let Err(error) = wrk_version() {
        eprintln!("the rows g.http are left out: {error:#}");
        return Ok(());
    }
    for (id, series, gzip, seconds) in SCRAPES {
        if options.wants(id) {
            let load = Load {
                series,
                gzip,
                seconds,
            };
            scrape(id, load, &servers, options.rounds)?
                .into_iter()
                .for_each(&mut *on_row);
        }
    }
    Ok(())
}

/// Servers with the command that starts them.
fn built() -> Result<Vec<(Server, Command)>> {
    let mut built = Vec::new();
    for server in servers::all() {
        let command = match &server.start {
            Start::Package(package) => Command::new(servers::binary(package, package)?),
            Start::Scale(program) => program.command(),
        };
        built.push((server, command));
    }
    Ok(built)
}

fn size(servers: &[(Server, Command)]) -> Result<[Row; 2]> {
    let mut binaries = Vec::new();
    let mut crates = Vec::new();
    for (server, command) in servers {
        let file = match &server.start {
            Start::Package(package) => {
                crates.push(cell(server, servers::crates(package)? as f64));
                Some(command.get_program().into())
            }
            Start::Scale(program) => program.binary.clone(),
        };
        if let Some(file) = file {
            let length = std::fs::metadata(&file)
                .with_context(|| format!("`{}` is missing", file.display()))?
                .len();
            binaries.push(cell(server, mebibytes(length as f64)));
        }
    }
    let row = |id: &str, unit, cells| Row {
        id: id.to_owned(),
        unit,
        more_is_better: false,
        cells,
    };
    Ok([
        row("g.size.binary", "MiB", binaries),
        row("g.size.crates", "crates", crates),
    ])
}

fn cell(server: &Server, value: f64) -> Cell {
    Cell {
        peer: server.name.to_owned(),
        kind: server.kind,
        value,
        disturbed: 0,
    }
}

fn mebibytes(bytes: f64) -> f64 {
    bytes / f64::from(1 << 20)
}

fn scrape(id: &str, load: Load, servers: &[(Server, Command)], rounds: usize) -> Result<Vec<Row>> {
    let taking_part: Vec<_> = servers
        .iter()
        .filter(|(server, _)| server.gzip || !load.gzip)
        .collect();
    let mut samples = vec![vec![Vec::new(); FIGURES.len()]; taking_part.len()];
    let expected = expected(servers, load)?;
    for round in 0..rounds {
        for turn in 0..taking_part.len() {
            let which = (round + turn) % taking_part.len();
            let (server, command) = taking_part[which];
            let figures = sample(command, load, &expected)
                .with_context(|| format!("{} fails in {id}", server.name))?;
            for (kept, figure) in samples[which].iter_mut().zip(figures) {
                kept.push(figure);
            }
        }
    }
    let mut rows = Vec::new();
    for (figure, (name, unit, more_is_better)) in FIGURES.into_iter().enumerate() {
        // Starting and waiting do not depend on what is asked for afterwards.
        let once = ["startup", "rss_idle"].contains(&name);
        // How long a body is tells something only where it is compressed.
        if (once && load.series != 1) || (name == "body" && !load.gzip) {
            continue;
        }
        let id = if once {
            format!("g.{name}")
        } else {
            format!("{id}.{name}")
        };
        let cells = taking_part
            .iter()
            .zip(&samples)
            .map(|((server, _), samples)| cell(server, median(&samples[figure])))
            .collect();
        rows.push(Row {
            id,
            unit,
            more_is_better,
            cells,
        });
    }
    Ok(rows)
}

/// The series that the first server, which is the floor, exposes.
fn expected(servers: &[(Server, Command)], load: Load) -> Result<BTreeSet<Series>> {
    let (_, command) = servers.first().context("there is no server")?;
    let running = Running::start(command, load.series)?;
    series(&running.get(false)?.0)
}

fn series(body: &[u8]) -> Result<BTreeSet<Series>> {
    Ok(parse_text(body)?.into_keys().collect())
}

/// One life of a server: start, first answer, check of what it answers, load, end.
fn sample(command: &Command, load: Load, expected: &BTreeSet<Series>) -> Result<[f64; 8]> {
    let running = Running::start(command, load.series)?;
    let startup = running.startup.as_secs_f64() * 1000.0;
    let rss_idle = mebibytes(running.resident()?);
    let (body, length) = running.get(load.gzip)?;
    let found = series(&body)?;
    ensure!(
        found == *expected,
        "{} series are exposed that the floor does not have, and {} are missing",
        found.difference(expected).count(),
        expected.difference(&found).count()
    );
    let cpu = running.cpu_time()?;
    let outcome = running.load(load)?;
    let cpu = (running.cpu_time()? - cpu).as_secs_f64() * 1000.0 / outcome.requests;
    let rss_after = mebibytes(running.resident()?);
    Ok([
        outcome.per_second,
        outcome.p50,
        outcome.p99,
        cpu,
        length as f64,
        rss_after,
        startup,
        rss_idle,
    ])
}
