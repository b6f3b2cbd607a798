//! Rows i: scrapes, one client each 100 ms, while two threads record without a pause.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

use super::{Cell, Options, Row};
use crate::exposition::{compare, parse_text};
use crate::method::median;
use crate::peers::{self, Busy};
use crate::subject::{Operation, Subject};

const ROWS: [(&str, Busy); 3] = [
    ("i.busy.hist1k", Busy::Histograms),
    ("i.busy.pair", Busy::Pair),
    ("i.busy.10k", Busy::Gauges),
];

const RECORDERS: usize = 2;

const INTERVAL: Duration = Duration::from_millis(100);

/// Scrapes of a peer in one round.
const SCRAPES: u32 = 20;

/// Operations before the outputs are compared: every series has been touched then.
const CHECKED: usize = 20_000;

pub(super) fn measure(options: &Options, on_row: &mut dyn FnMut(Row)) -> Result<()> {
    for (id, busy) in ROWS {
        if options.wants(id) {
            rows(id, busy, options.rounds)?
                .into_iter()
                .for_each(&mut *on_row);
        }
    }
    Ok(())
}

/// A peer that takes part, and the milliseconds of its scrapes so far.
struct Contender {
    cell: Cell,
    operation: Operation,
    scrape: Box<dyn Subject>,
    times: Vec<f64>,
}

fn rows(id: &str, busy: Busy, rounds: usize) -> Result<[Row; 2]> {
    let mut contenders = contenders(busy).with_context(|| format!("in {id}"))?;
    for round in 0..rounds {
        let count = contenders.len();
        for turn in 0..count {
            contenders[(round + turn) % count].round()?;
        }
    }
    let row = |name, figure: fn(&[f64]) -> f64| Row {
        id: format!("{id}.{name}"),
        unit: "ms",
        more_is_better: false,
        cells: contenders
            .iter()
            .map(|contender| Cell {
                value: figure(&contender.times),
                ..contender.cell.clone()
            })
            .collect(),
    };
    Ok([row("p50", median), row("p99", percentile_99)])
}

/// The peers that take part. Each has recorded the same, and exposes the same.
fn contenders(busy: Busy) -> Result<Vec<Contender>> {
    let mut contenders = Vec::new();
    let mut expected = None;
    for peer in peers::local() {
        let Some((operation, mut scrape)) = peer.busy(busy) else {
            continue;
        };
        (0..CHECKED).for_each(|i| operation(i));
        let found = parse_text(&scrape.exposition()?)?;
        match &expected {
            None => expected = Some(found),
            Some(expected) => compare(expected, &found).with_context(|| peer.name().to_owned())?,
        }
        contenders.push(Contender {
            cell: Cell {
                peer: peer.name().to_owned(),
                kind: peer.kind(),
                value: f64::NAN,
                disturbed: 0,
            },
            operation,
            scrape,
            times: Vec::new(),
        });
    }
    Ok(contenders)
}

impl Contender {
    /// Scrapes at the pace while the recorders run.
    fn round(&mut self) -> Result<()> {
        let done = Arc::new(AtomicBool::new(false));
        let recorders: Vec<_> = (0..RECORDERS)
            .map(|number| {
                let (done, operation) = (Arc::clone(&done), Arc::clone(&self.operation));
                std::thread::spawn(move || {
                    let mut i = number * 331;
                    while !done.load(Ordering::Relaxed) {
                        operation(i);
                        i = i.wrapping_add(1);
                    }
                })
            })
            .collect();
        let begin = Instant::now();
        let scraped = (1..=SCRAPES).try_for_each(|turn| {
            let due = begin + INTERVAL * turn;
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
            let timing = self.scrape.time(1, 1)?;
            self.times.push(timing.wall.as_secs_f64() * 1000.0);
            anyhow::Ok(())
        });
        done.store(true, Ordering::Relaxed);
        for recorder in recorders {
            recorder.join().ok().context("a recorder panicked")?;
        }
        scraped
    }
}

/// The value that one in a hundred exceeds.
fn percentile_99(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted
        .get((sorted.len() * 99).div_ceil(100).saturating_sub(1))
        .copied()
        .unwrap_or(f64::NAN)
}
