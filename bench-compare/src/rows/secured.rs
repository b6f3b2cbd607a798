//! Rows h.secured: one gauge with TLS and a user, asked by `wrk` on 16 connections.

use anyhow::{Context as _, Result};

use super::{Cell, Options, Row};
use crate::method::median;
use crate::running::wrk_version;
use crate::secured::{self, Secured};

/// Duration of `wrk` in each round.
const SECONDS: usize = 1;

/// Figures of a sample, with the unit and whether more is better.
const FIGURES: [(&str, &str, bool); 5] = [
    ("rps", "req/s", true),
    ("p50", "ms", false),
    ("p99", "ms", false),
    ("cpu", "ms of CPU", false),
    ("rss_after", "MiB", false),
];

pub(super) fn measure(options: &Options, on_row: &mut dyn FnMut(Row)) -> Result<()> {
    if !options.wants("h.secured") {
        return Ok(());
    }
    let prepared = wrk_version().and_then(|_| secured::configuration());
    let file = match prepared {
        Ok(file) => file,
        Err(error) => {
            eprintln!("the rows h.secured are left out: {error:#}");
            return Ok(());
        }
    };
    let servers = secured::all()?;
    let mut samples = vec![vec![Vec::new(); FIGURES.len()]; servers.len()];
    for round in 0..options.rounds {
        for turn in 0..servers.len() {
            let which = (round + turn) % servers.len();
            let sample = servers[which]
                .sample(&file, SECONDS)
                .with_context(|| format!("{} fails in h.secured", servers[which].name))?;
            let figures = [
                sample.outcome.per_second,
                sample.outcome.p50,
                sample.outcome.p99,
                sample.cpu,
                sample.resident / f64::from(1 << 20),
            ];
            for (kept, figure) in samples[which].iter_mut().zip(figures) {
                kept.push(figure);
            }
        }
    }
    for (figure, (name, unit, more_is_better)) in FIGURES.into_iter().enumerate() {
        let cells = servers
            .iter()
            .zip(&samples)
            .map(|(server, samples)| cell(server, median(&samples[figure])));
        on_row(Row {
            id: format!("h.secured.{name}"),
            unit,
            more_is_better,
            cells: cells.collect(),
        });
    }
    Ok(())
}

fn cell(server: &Secured, value: f64) -> Cell {
    Cell {
        peer: server.name.to_owned(),
        kind: server.kind,
        value,
        disturbed: 0,
    }
}
